import CPluginABI
import PluginKit
import Rows

private let plugin = Plugin(strategies: [Rows.self])

/// The one symbol of the plugin.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
