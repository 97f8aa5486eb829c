// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-rows/Package.swift: change that, then run it.
extension PluginTemplates {
    static let swiftPackage = #"""
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

        let package = Package(
            name: "fanfold-rows",
            products: [.library(name: "fanfold-rows", type: .dynamic, targets: ["Rows"])],
            dependencies: [.package(name: "fanfold", path: "../..")],
            targets: [
                .target(
                    name: "Rows", dependencies: [.product(name: "PluginKit", package: "fanfold")],
                    linkerSettings: pluginLink)
            ],
            swiftLanguageModes: [.v6]
        )

        """#
}
