import CPluginABI
import GCPLogic
import PluginKit

private let plugin = Plugin(providers: [GCPProvider.self])

/// What a host reads first.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
