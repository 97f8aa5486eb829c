import CPluginABI
import PluginKit
import RayLogic

private let plugin = Plugin(providers: [RayProvider.self])

/// What a host reads first.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
