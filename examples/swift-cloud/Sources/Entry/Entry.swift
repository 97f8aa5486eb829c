import CPluginABI
import PluginKit
import Cloud

private let plugin = Plugin(providers: [Cloud.self])

/// The one symbol of the plugin.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
