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
    name: "fanfold-prefer",
    products: [.library(name: "fanfold-prefer", type: .dynamic, targets: ["Entry"])],
    dependencies: [
        .package(path: "../../Sources/PluginABI")
        // From elsewhere, with package: "fanfold" above:
        // .package(url: "https://github.com/OWNER/fanfold", from: "0.1.0")
    ],
    targets: [
        // The logic and its tests; Entry is the library, whose link settings no test can use.
        .target(name: "Prefer", dependencies: [kit]),
        .target(name: "Entry", dependencies: ["Prefer", kit], linkerSettings: pluginLink),
        .testTarget(name: "PreferTests", dependencies: ["Prefer", kit], path: "Tests"),
    ],
    swiftLanguageModes: [.v6]
)
