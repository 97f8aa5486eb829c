// swift-tools-version: 6.2
import PackageDescription

// A plugin shows one symbol, is never unmapped, and resolves everything when it is loaded.
let pluginLink: [LinkerSetting] = [
    .unsafeFlags([
        "-Xlinker", "--version-script=\(Context.packageDirectory)/exports.map",
        "-Xlinker", "-z", "-Xlinker", "nodelete",
        "-Xlinker", "-z", "-Xlinker", "now",
        "-use-ld=lld",
    ])
]

let kit = Target.Dependency.product(name: "PluginKit", package: "PluginABI")

let package = Package(
    name: "fanfold-cloud",
    products: [.library(name: "fanfold-cloud", type: .dynamic, targets: ["Entry"])],
    dependencies: [
        .package(path: "../../Sources/PluginABI")
        // From elsewhere, with package: "fanfold" above:
        // .package(url: "https://github.com/OWNER/fanfold", from: "0.1.0")
    ],
    targets: [
        // The logic and its tests; Entry is the library, whose link settings no test can use.
        .target(name: "Cloud", dependencies: [kit]),
        .target(name: "Entry", dependencies: ["Cloud", kit], linkerSettings: pluginLink),
        .testTarget(name: "CloudTests", dependencies: ["Cloud", kit], path: "Tests"),
    ],
    swiftLanguageModes: [.v6]
)
