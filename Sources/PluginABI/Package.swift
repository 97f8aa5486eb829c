// swift-tools-version: 6.2
import PackageDescription

// What a plugin written in Swift needs, without what the host needs: no dependency is fetched.
// The same targets are in the package of the whole project, under the same names.
let package = Package(
    name: "fanfold-plugin-kit",
    products: [
        .library(
            name: "PluginKit",
            targets: ["PluginKit", "PluginMerges", "FanfoldJSON", "CPluginABI"])
    ],
    targets: [
        .target(name: "CPluginABI", path: "C"),
        .target(name: "FanfoldJSON", path: "JSON", linkerSettings: [.linkedLibrary("m")]),
        .target(
            name: "FanfoldData", dependencies: ["CPluginABI", "FanfoldJSON"], path: "Data"),
        .target(name: "PluginKit", dependencies: ["CPluginABI", "FanfoldJSON"], path: "Kit"),
        .target(
            name: "PluginMerges", dependencies: ["FanfoldData", "FanfoldJSON", "PluginKit"],
            path: "Merges"),
    ],
    swiftLanguageModes: [.v6]
)
