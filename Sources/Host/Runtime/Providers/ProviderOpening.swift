import FanfoldJSON
import FanfoldPlugins
import Logging

/// Why a provider of the settings cannot be used.
package struct ProviderProblem: Error, CustomStringConvertible {
    /// The place in the settings: `/providers/NAME/with/region`.
    package var pointer: JSONPointer
    /// What was wanted, what was found, what to do.
    package var message: String

    /// The place and the message.
    package var description: String { "\(pointer): \(message)" }
}

/// Makes providers of their declarations.
package struct ProviderOpening: Sendable {
    private let registry: PluginRegistry
    private let helpers: HelperSettings
    private let services: @Sendable (ComponentDescriptor, PluginGrant) -> PluginServices
    private let stateFolder: String
    private let programFolder: String
    private let logger: Logger

    /// - Parameters:
    ///   - services: what the host does for a component with a grant.
    ///   - stateFolder: below which the providers that are built in keep their files.
    ///   - programFolder: where the program `fanfold` lies.
    package init(
        registry: PluginRegistry, helpers: HelperSettings, stateFolder: String,
        programFolder: String,
        services: @escaping @Sendable (ComponentDescriptor, PluginGrant) -> PluginServices,
        logger: Logger
    ) {
        self.stateFolder = stateFolder
        self.programFolder = programFolder
        self.registry = registry
        self.helpers = helpers
        self.services = services
        self.logger = logger
    }

    /// Loads the plugin, checks its configuration and makes an instance.
    package func open(_ declaration: ProviderDeclaration) throws(ProviderProblem) -> any Fleet {
        let place = JSONPointer(["providers", declaration.name])
        if let builtIn = BuiltInProvider(use: declaration.use) {
            return try open(builtIn, declaration, place)
        }
        let (plugin, component) = try find(declaration, place)
        if let service = declaration.grant.lacking(of: component.needsServices).first {
            throw ProviderProblem(
                pointer: place.appending("grant"),
                message: "\(component.id) asks for \(service), which is not granted; grant it with "
                    + "grant: {hosts: [...]}, see docs/providers.md")
        }
        let configuration = try Self.configuration(declaration, component.schema, place)
        do throws(PluginFailure) {
            return RentedFleet(
                try plugin.makeCalls(
                    component, configuration: configuration,
                    services: services(component, declaration.grant), logger: logger))
        } catch {
            throw Self.problem(error, in: declaration.name)
        }
    }

    private func open(
        _ builtIn: BuiltInProvider, _ declaration: ProviderDeclaration, _ place: JSONPointer
    ) throws(ProviderProblem) -> any Fleet {
        let schema = PipelineSchema.compiled(PipelineSchema.builtIn(builtIn.schemaText))
        let filled = try Self.configuration(declaration, schema, place)
        func folder(_ said: String) -> String {
            said.isEmpty
                ? "\(stateFolder)/\(builtIn.rawValue)/\(declaration.name)"
                : Settings.resolved(said)
        }
        switch builtIn {
        case .local:
            let configuration = LocalConfiguration(filled)
            return LocalFleet(
                configuration, folder: folder(configuration.folder), programFolder: programFolder)
        case .fake:
            let configuration = FakeConfiguration(filled)
            return FakeFleet(configuration, folder: folder(configuration.folder))
        }
    }

    /// The configuration with its defaults, if it fits the schema.
    private static func configuration(
        _ declaration: ProviderDeclaration, _ schema: JSONSchema?, _ place: JSONPointer
    ) throws(ProviderProblem) -> JSON {
        guard let schema else { return declaration.configuration }
        if let problem = schema.validate(declaration.configuration).first {
            throw ProviderProblem(
                pointer: JSONPointer(place.tokens + ["with"] + problem.pointer.tokens),
                message: problem.message + (problem.suggestion.map { "; \($0)" } ?? ""))
        }
        return schema.fillingDefaults(declaration.configuration)
    }

    /// A failure of a provider, at the setting that it names if it names one.
    package static func problem(_ failure: PluginFailure, in name: String) -> ProviderProblem {
        var tokens = ["providers", name]
        if failure.reason.hasPrefix("config."),
            let pointer = JSONPointer(parsing: String(failure.reason.dropFirst(7)))
        {
            tokens += ["with"] + pointer.tokens
        }
        return ProviderProblem(pointer: JSONPointer(tokens), message: failure.message)
    }

    private func find(
        _ declaration: ProviderDeclaration, _ place: JSONPointer
    ) throws(ProviderProblem) -> (LoadedPlugin, ComponentDescriptor) {
        let found: (LoadedPlugin, ComponentDescriptor)
        do throws(PluginLoadError) {
            let path = try registry.path(
                ofPlugin: ComponentDescriptor.shortID(declaration.use))
            let plugin = try registry.load(
                path: path, in: declaration.isolate == Isolation.none ? nil : helpers)
            let ofKind = plugin.components.filter { $0.kind == .provider }
            found = (
                plugin,
                try plugin.component(named: ofKind.count == 1 ? ofKind[0].id : declaration.use)
            )
        } catch {
            throw ProviderProblem(pointer: place.appending("use"), message: error.message)
        }
        guard found.1.kind == .provider else {
            throw ProviderProblem(
                pointer: place.appending("use"),
                message: "\(found.1.id) is a \(found.1.kind), wanted a provider")
        }
        return found
    }
}
