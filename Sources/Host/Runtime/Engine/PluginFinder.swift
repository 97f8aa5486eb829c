import FanfoldPlugins

/// Finds what stands after `use:`: a plugin that the document names, or one in the search path.
struct PluginFinder: Sendable {
    private let declarations: [PluginDeclaration]
    private let registry: PluginRegistry
    private let helpers: HelperSettings?
    /// What became of each declaration.
    let named: [Result<LoadedPlugin, PluginLoadError>]

    /// Loads all that the document names.
    ///
    /// - Parameter helpers: how plugins get processes of their own; `nil` has all of them inside.
    init(
        _ declarations: [PluginDeclaration], registry: PluginRegistry, helpers: HelperSettings?
    ) {
        self.declarations = declarations
        self.registry = registry
        self.helpers = helpers
        named = declarations.map { declaration in
            do throws(PluginLoadError) {
                return .success(
                    try registry.load(
                        path: declaration.path, sha256: declaration.sha256,
                        in: Self.isIsolated(declaration, .strategy) ? helpers : nil))
            } catch {
                return .failure(error)
            }
        }
    }

    private static func isIsolated(
        _ declaration: PluginDeclaration?, _ kind: ComponentDescriptor.Kind
    ) -> Bool {
        IsolationPolicy.isIsolated(
            kind: kind, isBundled: declaration == nil, isTrusted: false,
            asked: declaration?.isolate)
    }

    /// The component with this id, or the only one of the plugin with this name.
    ///
    /// - Returns: `nil` if the declaration of the plugin is wrong, which was said already.
    func component(
        _ use: String, kind: ComponentDescriptor.Kind
    ) throws(PluginLoadError) -> (LoadedPlugin, ComponentDescriptor)? {
        if let index = declarations.firstIndex(where: { $0.name == use }) {
            guard case .success(let plugin) = named[index] else { return nil }
            let ofKind = plugin.components.filter { $0.kind == kind }
            return (plugin, try plugin.component(named: ofKind.count == 1 ? ofKind[0].id : nil))
        }
        for case .success(let plugin) in named
        where plugin.components.contains(where: { $0.id == use }) {
            return (plugin, try plugin.component(named: use))
        }
        let helpers = Self.isIsolated(nil, kind) ? helpers : nil
        let plugin = try registry.plugin(providing: use, in: helpers)
        return (plugin, try plugin.component(named: use))
    }
}
