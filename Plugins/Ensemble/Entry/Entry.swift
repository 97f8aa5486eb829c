import CPluginABI
import EnsembleLogic
import PluginKit

private let plugin = Plugin(strategies: [EnsembleStrategy.self])

/// What a host reads first.
@c @implementation
public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
