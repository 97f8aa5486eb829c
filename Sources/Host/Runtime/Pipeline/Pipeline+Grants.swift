import FanfoldPlugins

extension PluginDeclaration {
    /// What it says that reaches beyond a process of its own without grants, in words; `nil` if
    /// it says nothing of the kind.
    package var privilege: String? {
        if isTrusted { return "trusted: true" }
        if isolate == Isolation.none { return "isolate: none" }
        return grant == .nothing ? nil : "a grant (\(grant.summary))"
    }
}

extension Pipeline {
    /// The declaration that a loaded plugin comes from, as an index of `plugins`.
    package func declaration(of plugin: LoadedPlugin) -> Int? {
        declaration(ofPlugin: plugin.inspection.path)
    }

    /// The declaration that a plugin's file is named by, as an index of `plugins`.
    func declaration(ofPlugin path: String) -> Int? {
        plugins.firstIndex { declaration in
            declaration.path.map { $0 == path }
                ?? path.hasSuffix("/libfanfold-\(declaration.name).so")
        }
    }

    /// What a loaded plugin may do through the host.
    package func grant(for plugin: LoadedPlugin) -> PluginGrant {
        declaration(of: plugin).map { plugins[$0].grant } ?? .nothing
    }

    /// Whether a component runs in a process of its own.
    package func isIsolated(_ component: ComponentDescriptor, of plugin: LoadedPlugin) -> Bool {
        let declaration = declaration(of: plugin).map { plugins[$0] }
        return IsolationPolicy.isIsolated(
            kind: component.kind, isBundled: plugin.origin.isBundled,
            isTrusted: plugin.origin.isAllowed || declaration?.isTrusted == true,
            asked: declaration?.isolate)
    }

    /// What is wrong with the grant of a component: a service that it asks for and is not granted,
    /// and another grant than the lock records.
    ///
    /// - Parameters:
    ///   - part: what names the component, for a plugin that the document does not declare.
    ///   - lock: the lock of the run, if there is one.
    package func grantProblems(
        of component: ComponentDescriptor, in plugin: LoadedPlugin, part: PipelinePart,
        lock: PluginLock?
    ) -> [Diagnostic] {
        let index = declaration(of: plugin)
        let place = index.map(PipelinePart.pluginGrant) ?? part
        let grant = grant(for: plugin)
        let help = "docs/plugins/trust.md#grants"
        let name = index.map { plugins[$0].name } ?? component.shortID
        var problems = grant.lacking(of: component.needsServices).map { service in
            diagnostic(
                place,
                message: "\(component.id) asks for \(service), which is not granted; if you trust "
                    + "it, grant it with plugins: {\(name): {grant: {\(Self.key(of: service))}}}",
                help: help)
        }
        if let lock, let entry = lock.entry(sha256: plugin.inspection.sha256),
            entry.grant != grant
        {
            problems.append(
                diagnostic(
                    place,
                    message: "\(component.id) is granted \(grant.summary), locked in \(lock.path) "
                        + "is \(entry.grant.summary); if the change was meant: \(lock.command)",
                    help: help))
        }
        return problems
    }

    private static func key(of service: String) -> String {
        service == "fanfold.store/1" ? "store: true" : "hosts: [api.example.com]"
    }
}
