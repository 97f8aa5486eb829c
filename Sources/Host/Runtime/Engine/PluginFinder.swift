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
                var path = declaration.path ?? ""
                if path.isEmpty { path = try registry.path(ofPlugin: declaration.name) }
                return .success(
                    try Self.load(path, declaration, from: registry, helpers: helpers))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Loads a plugin where it is to run.
    ///
    /// What a trusted plugin is, is not known before it is described; so a helper is asked first.
    private static func load(
        _ path: String, _ declaration: PluginDeclaration?, from registry: PluginRegistry,
        helpers: HelperSettings?
    ) throws(PluginLoadError) -> LoadedPlugin {
        let origin = try registry.origin(of: path)
        func isIsolated(_ kind: ComponentDescriptor.Kind) -> Bool {
            IsolationPolicy.isIsolated(
                kind: kind, isBundled: origin.isBundled,
                isTrusted: origin.isAllowed || declaration?.isTrusted == true,
                asked: declaration?.isolate)
        }
        let sha256 = declaration?.sha256
        if helpers != nil, isIsolated(.strategy) || !(origin.isBundled || !isIsolated(.executor)) {
            let plugin = try registry.load(path: path, sha256: sha256, in: helpers)
            if plugin.components.contains(where: { isIsolated($0.kind) }) { return plugin }
        }
        return try registry.load(path: path, sha256: sha256)
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
        let path = try registry.path(ofPlugin: ComponentDescriptor.shortID(use))
        let plugin = try Self.load(path, nil, from: registry, helpers: helpers)
        return (plugin, try plugin.component(named: use))
    }
}
