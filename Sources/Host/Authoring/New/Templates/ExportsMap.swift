// swift-format-ignore-file
// Written by scripts/embed-templates from Sources/PluginABI/exports.map: change that, then run it.
extension PluginTemplates {
    static let exportsMap = #"""
        {
          global: fanfold_plugin_v*;
          local: *;
        };

        """#
}
