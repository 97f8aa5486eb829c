import FanfoldPlugins
import Logging

extension ExecutorPlugins {
    /// The executors of plugins that came with a run, and after them those of this machine.
    ///
    /// A plugin is loaded when something asks for it: a strategy's is not.
    ///
    /// - Parameters:
    ///   - plugins: where the files lie, with their sums and grants.
    ///   - services: what the host does for a component with its grant.
    ///   - own: an executor of this machine.
    package static func shipped(
        _ plugins: [PluginDeclaration], registry: PluginRegistry, helpers: HelperSettings,
        services: @escaping @Sendable (ComponentDescriptor, PluginGrant) -> PluginServices,
        logger: Logger,
        own:
            @escaping @Sendable (String) throws(PluginLoadError) -> (
                LoadedPlugin, ComponentDescriptor
            )
    ) -> ExecutorPlugins {
        ExecutorPlugins(
            logger: logger,
            services: { plugin, component in
                let grant = plugins.first { $0.path == plugin.inspection.path }?.grant
                return services(component, grant ?? .nothing)
            }
        ) { (use) throws(PluginLoadError) in
            func load(_ plugin: PluginDeclaration) throws(PluginLoadError) -> LoadedPlugin {
                try registry.load(
                    path: plugin.path ?? "", sha256: plugin.sha256, in: helpers)
            }
            if let named = plugins.first(where: { $0.name == use }) {
                let plugin = try load(named)
                let executors = plugin.components.filter { $0.kind == .executor }
                return (
                    plugin,
                    try plugin.component(named: executors.count == 1 ? executors[0].id : nil)
                )
            }
            var problem: PluginLoadError?
            for candidate in plugins {
                do throws(PluginLoadError) {
                    let plugin = try load(candidate)
                    if let found = plugin.components.first(where: { $0.id == use }) {
                        return (plugin, found)
                    }
                } catch {
                    problem = problem ?? error
                }
            }
            do throws(PluginLoadError) {
                return try own(use)
            } catch {
                throw problem ?? error
            }
        }
    }
}

extension PluginLoadError {
    /// Whether another machine may well load the file.
    var isOfThisMachine: Bool {
        switch self {
        case .wrongMachine, .wrongClass, .wrongByteOrder, .missingLibrary, .cacheUnusable, .helper:
            true
        default: false
        }
    }
}
