import CPluginABI
import PluginKit
import SlurmLogic

private let plugin = Plugin(providers: [SlurmProvider.self])

/// What a host reads first.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
