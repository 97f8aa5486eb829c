// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-rows/Sources/Entry/Entry.swift: change that, then run it.
extension PluginTemplates {
    static let swiftEntry = #"""
        import CPluginABI
        import PluginKit
        import Rows

        private let plugin = Plugin(strategies: [Rows.self])

        /// The one symbol of the plugin.
        @c @implementation
        public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }

        """#
}
