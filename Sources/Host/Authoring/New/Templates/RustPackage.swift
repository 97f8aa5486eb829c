// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/Cargo.toml: change that, then run it.
extension PluginTemplates {
    static let rustPackage = #"""
        [package]
        name = "fanfold-rows"
        version = "0.1.0"
        edition = "2021"
        license = "Apache-2.0"

        [lib]
        name = "fanfold_rows"
        crate-type = ["cdylib"]

        [profile.release]
        lto = true
        strip = "debuginfo"
        # panic stays "unwind": the barrier in fanfold.rs turns a panic into an error.

        [workspace]

        """#
}
