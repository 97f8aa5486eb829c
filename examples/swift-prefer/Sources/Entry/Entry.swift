import CPluginABI
import PluginKit
import Prefer

private let plugin = Plugin(policies: [Prefer.self])

/// The one symbol of the plugin.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
