import CPluginABI
import PluginKit
import Words

private let plugin = Plugin(executors: [Words.self])

/// The one symbol of the plugin.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
