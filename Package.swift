// swift-tools-version: 6.2
import PackageDescription

// A plugin shows one symbol, is never unmapped, and resolves everything when it is loaded.
// Why: Sources/PluginABI/POLICY.md.
let pluginLink: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/Sources/PluginABI/exports.map",
        "-Xlinker", "-z", "-Xlinker", "nodelete",
        "-Xlinker", "-z", "-Xlinker", "now",
        // gold lists local symbols in the table of what a library shows; lld does not.
        "-use-ld=lld",
    ])
]

/// A bundled plugin: `Plugins/NAME/Logic` is unit-tested, `Plugins/NAME/Entry` is the `.so`.
struct BundledPlugin {
    var name: String
    var library: String
    /// Whether it rents workers: then it has what clouds have in common.
    var isProvider = false
}

// One line per plugin.
let bundledPlugins = [
    BundledPlugin(name: "DataParallel", library: "fanfold-data-parallel"),
    BundledPlugin(name: "ModelParallel", library: "fanfold-model-parallel"),
    BundledPlugin(name: "PipelineParallel", library: "fanfold-pipeline-parallel"),
    BundledPlugin(name: "Ensemble", library: "fanfold-ensemble"),
    BundledPlugin(name: "FunctionParallel", library: "fanfold-function-parallel"),
    BundledPlugin(name: "AWS", library: "fanfold-aws", isProvider: true),
    BundledPlugin(name: "GCP", library: "fanfold-gcp", isProvider: true),
    BundledPlugin(name: "Docker", library: "fanfold-docker", isProvider: true),
    BundledPlugin(name: "Slurm", library: "fanfold-slurm", isProvider: true),
    BundledPlugin(name: "Ray", library: "fanfold-ray", isProvider: true),
]

let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let httpClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let nio = ["NIOCore", "NIOPosix", "NIOHTTP1"].map {
    Target.Dependency.product(name: $0, package: "swift-nio")
}
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let wireProtocol: [Target.Dependency] = [
    .product(name: "NIOExtras", package: "swift-nio-extras"),
    .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "SwiftASN1", package: "swift-asn1"),
    .product(name: "SwiftProtobuf", package: "swift-protobuf"),
    .product(name: "X509", package: "swift-certificates"),
]
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let hummingbird = ["Hummingbird", "HummingbirdCore", "HummingbirdTLS"].map {
    Target.Dependency.product(name: $0, package: "hummingbird")
}
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// The two targets of each bundled plugin.
let pluginTargets: [Target] = bundledPlugins.flatMap { plugin -> [Target] in
    let shared: Target.Dependency = plugin.isProvider ? "PluginClouds" : "PluginMerges"
    let logic: Target = .target(
        name: plugin.name + "Logic", dependencies: ["PluginKit", shared, "FanfoldJSON"],
        path: "Plugins/\(plugin.name)/Logic")
    let entry: Target = .target(
        name: plugin.name,
        dependencies: ["CPluginABI", "PluginKit", .target(name: plugin.name + "Logic")],
        path: "Plugins/\(plugin.name)/Entry", linkerSettings: pluginLink)
    return [logic, entry]
}

/// The logic of the bundled strategies, and that of the bundled providers, for their tests.
let strategyLogic: [Target.Dependency] = bundledPlugins.filter { !$0.isProvider }.map {
    .target(name: $0.name + "Logic")
}
let providerLogic: [Target.Dependency] = bundledPlugins.filter(\.isProvider).map {
    .target(name: $0.name + "Logic")
}

let package = Package(
    name: "fanfold",
    products: [
        .executable(name: "fanfold", targets: ["fanfold"]),
        .executable(name: "fanfold-helper", targets: ["FanfoldHelper"]),
        .library(name: "bench-strategy", type: .dynamic, targets: ["CBenchStrategy"]),
        .library(
            name: "PluginKit",
            targets: ["PluginKit", "PluginMerges", "FanfoldJSON", "CPluginABI"]),
    ]
        + bundledPlugins.map {
            .library(name: $0.library, type: .dynamic, targets: [$0.name])
        },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0", traits: []),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The contract and its Swift side.
        .target(name: "CPluginABI", path: "Sources/PluginABI/C"),
        .target(
            name: "FanfoldJSON", path: "Sources/PluginABI/JSON",
            linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "FanfoldData", dependencies: ["CPluginABI", "FanfoldJSON"],
            path: "Sources/PluginABI/Data"),
        .target(
            name: "PluginKit", dependencies: ["CPluginABI", "FanfoldJSON"],
            path: "Sources/PluginABI/Kit"),
        .target(
            name: "PluginMerges", dependencies: ["FanfoldData", "FanfoldJSON", "PluginKit"],
            path: "Sources/PluginABI/Merges"),
        .target(
            name: "PluginClouds", dependencies: ["FanfoldJSON", "PluginKit"],
            path: "Sources/PluginABI/Clouds"),

        // The host.
        .systemLibrary(
            name: "CLibYAML", path: "Sources/Host/CLibYAML", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(
            name: "CLibFFI", path: "Sources/Host/CLibFFI", pkgConfig: "libffi",
            providers: [.apt(["libffi-dev"])]),
        .target(name: "CFanfoldSystem", path: "Sources/Host/System"),
        .target(
            name: "FanfoldCore", dependencies: [deque, heap], path: "Sources/Host/Core",
            linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "FanfoldSimulation", dependencies: ["FanfoldCore", deque, heap],
            path: "Sources/Host/Simulation"),
        .target(
            name: "FanfoldPrediction", path: "Sources/Host/Prediction",
            linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "FanfoldPlugins",
            dependencies: [
                "CPluginABI", "CFanfoldSystem", "FanfoldData", "FanfoldJSON", crypto, logging,
            ],
            path: "Sources/Host/Plugins"),
        .target(
            name: "FanfoldRuntime",
            dependencies: [
                "CPluginABI", "CFanfoldSystem", "CLibYAML", "FanfoldCore", "FanfoldData",
                "FanfoldJSON", "FanfoldPlugins", "FanfoldPrediction", "FanfoldSimulation", deque,
                logging,
            ],
            path: "Sources/Host/Runtime"),
        .target(
            name: "FanfoldAuthoring",
            dependencies: [
                "CPluginABI", "CFanfoldSystem", "FanfoldJSON", "FanfoldPlugins",
                "FanfoldRuntime", logging,
            ],
            path: "Sources/Host/Authoring"),
        .target(
            name: "FanfoldServices",
            dependencies: [
                "CFanfoldSystem", "CPluginABI", "FanfoldJSON", "FanfoldPlugins", crypto,
                cryptoExtras, httpClient, logging, nioSSL,
            ] + nio,
            path: "Sources/Host/Services"),
        .target(
            name: "FanfoldJournal", dependencies: ["CFanfoldSystem", grdb],
            path: "Sources/Host/Journal"),
        .target(
            name: "FanfoldCluster",
            dependencies: [
                "CFanfoldSystem", "FanfoldAPI", "FanfoldBlobs", "FanfoldCore", "FanfoldJSON",
                "FanfoldJournal", "FanfoldPrediction", "FanfoldRuntime", "FanfoldWire", deque,
                logging,
            ],
            path: "Sources/Host/Cluster"),
        .target(
            name: "FanfoldBlobs", dependencies: ["CFanfoldSystem", crypto, logging],
            path: "Sources/Host/Blobs"),
        .target(
            name: "FanfoldWire", dependencies: [crypto, logging, nioSSL] + nio + wireProtocol,
            path: "Sources/Host/Wire", exclude: ["Protocol"]),
        .target(
            name: "FanfoldAPI",
            dependencies: [
                "FanfoldJSON", "FanfoldPlugins", crypto, httpTypes, lifecycle, logging, nioSSL,
            ] + hummingbird + nio,
            path: "Sources/Host/API"),
        .target(
            name: "FanfoldClient", dependencies: ["FanfoldJSON", crypto, httpClient, nioSSL] + nio,
            path: "Sources/Host/Client"),
        .executableTarget(
            name: "FanfoldHelper",
            dependencies: ["CFanfoldSystem", "CLibFFI", "FanfoldJSON", "FanfoldPlugins"],
            path: "Sources/Host/Helper"),
        .executableTarget(
            name: "fanfold",
            dependencies: [
                "CBenchDirect", "CFanfoldSystem", "CPluginABI", "FanfoldAPI",
                "FanfoldAuthoring", "FanfoldBlobs", "FanfoldClient", "FanfoldCluster",
                "FanfoldCore", "FanfoldJSON", "FanfoldJournal", "FanfoldPlugins",
                "FanfoldPrediction", "FanfoldRuntime", "FanfoldServices", "FanfoldSimulation",
                "FanfoldWire", arguments, logging,
            ],
            path: "Sources/Host/Main"),

        // What `fanfold bench abi` measures with.
        .target(
            name: "CBenchDirect", dependencies: ["CPluginABI"], path: "Tests/Benchmarks/Direct"),
        .target(
            name: "CBenchStrategy", dependencies: ["CBenchDirect", "CPluginABI"],
            path: "Tests/Benchmarks/Strategy",
            cSettings: [.unsafeFlags(["-fvisibility=hidden"])], linkerSettings: pluginLink),

        // What JournalTests kill.
        .executableTarget(
            name: "JournalWriter", dependencies: ["FanfoldJournal"], path: "Tests/JournalWriter"),

        // The tests.
        .testTarget(name: "JSONTests", dependencies: ["FanfoldJSON"]),
        .testTarget(
            name: "DataTests", dependencies: ["CPluginABI", "FanfoldData", "FanfoldJSON"]),
        .testTarget(name: "BlobStoreTests", dependencies: ["FanfoldBlobs", logging]),
        .testTarget(name: "CoreTests", dependencies: ["FanfoldCore"]),
        .testTarget(
            name: "SimulationTests", dependencies: ["FanfoldCore", "FanfoldSimulation"]),
        .testTarget(name: "PredictionTests", dependencies: ["FanfoldPrediction"]),
        .testTarget(
            name: "PluginTests",
            dependencies: [
                "CPluginABI", "CFanfoldSystem", "FanfoldAuthoring", "FanfoldData", "FanfoldJSON",
                "FanfoldPlugins", "PluginKit",
            ]),
        .testTarget(
            name: "StrategyTests",
            dependencies: ["FanfoldData", "FanfoldJSON", "PluginKit", "PluginMerges"]
                + strategyLogic),
        .testTarget(
            name: "ProviderTests",
            dependencies: ["CPluginABI", "FanfoldJSON", "PluginClouds", "PluginKit"]
                + providerLogic),
        .testTarget(
            name: "RuntimeTests",
            dependencies: [
                "CFanfoldSystem", "CPluginABI", "FanfoldCore", "FanfoldData", "FanfoldJSON",
                "FanfoldPlugins", "FanfoldPrediction", "FanfoldRuntime", "FanfoldSimulation",
                logging,
            ]),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "FanfoldJSON", "FanfoldPlugins", "FanfoldServices", crypto, cryptoExtras, logging,
                nioSSL,
            ] + nio),
        .testTarget(
            name: "JournalTests", dependencies: ["CFanfoldSystem", "FanfoldJournal", grdb]),
        .testTarget(
            name: "WireTests",
            dependencies: ["FanfoldWire", crypto, logging, nioEmbedded, nioSSL] + nio
                + wireProtocol),
        .testTarget(
            name: "APITests",
            dependencies: [
                "FanfoldAPI", "FanfoldClient", "FanfoldJSON", crypto, httpClient, logging, nioSSL,
            ] + nio),
        .testTarget(
            name: "EndToEndTests", dependencies: ["CFanfoldSystem", "FanfoldJSON"],
            exclude: ["Broken", "Tools"]),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "FanfoldAPI", "FanfoldBlobs", "FanfoldCluster", "FanfoldCore", "FanfoldRuntime",
                "FanfoldWire",
            ]),
        .testTarget(name: "TidyTests"),
    ]
        + pluginTargets,
    swiftLanguageModes: [.v6]
)
