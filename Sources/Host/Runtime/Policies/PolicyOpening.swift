import FanfoldJSON
import FanfoldPlugins
import Logging

/// What the settings say of policies that are plugins: `placement:` of `fanfold.yaml`.
package struct PolicyPluginSettings: Hashable, Sendable {
    /// The configuration of the plugin that places.
    package var configuration: JSON = [:]
    /// The configuration of the plugin that looks on.
    package var shadowConfiguration: JSON = [:]
    /// Where plugins run; `nil` for a process of their own unless they are trusted.
    package var isolate: Isolation?
    /// How long an answer may take.
    package var budgetNanoseconds: Int64 = 100_000_000
    /// How long a plugin is not asked after misses in a row.
    package var setAsideNanoseconds: Int64 = 30_000_000_000
    /// How long after its answers a plugin that was told how attempts ended is asked again.
    package var askAgainNanoseconds: Int64 = 10_000_000_000

    /// The defaults.
    package init() {}
}

/// Why a policy of the settings cannot be used.
package struct PolicyProblem: Error, CustomStringConvertible {
    /// The place in the settings: `/placement/policy`.
    package var pointer: JSONPointer
    /// What was wanted, what was found, what to do.
    package var message: String

    /// The place and the message.
    package var description: String { "\(pointer): \(message)" }
}

/// Makes policies of what the settings name.
package struct PolicyOpening: Sendable {
    private let registry: PluginRegistry
    private let helpers: HelperSettings
    private let settings: PolicyPluginSettings
    private let logger: Logger

    /// An opening of plugins that the registry finds.
    package init(
        registry: PluginRegistry, helpers: HelperSettings, settings: PolicyPluginSettings,
        logger: Logger
    ) {
        self.registry = registry
        self.helpers = helpers
        self.settings = settings
        self.logger = logger
    }

    /// Loads the plugin, checks its configuration and makes an instance.
    ///
    /// - Parameter isShadow: whether it only looks on.
    package func open(_ use: String, isShadow: Bool) throws(PolicyProblem) -> ServedPolicy {
        let place = JSONPointer(["placement", isShadow ? "shadow" : "policy"])
        let (plugin, component) = try find(use, place)
        let with = JSONPointer(["placement", isShadow ? "shadow-with" : "with"])
        let given = isShadow ? settings.shadowConfiguration : settings.configuration
        let configuration = try Self.filled(given, component.schema, with)
        do throws(PluginFailure) {
            return ServedPolicy(
                name: component.id,
                instance: try plugin.makePolicy(
                    component, configuration: configuration, logger: logger),
                budgetNanoseconds: UInt64(clamping: settings.budgetNanoseconds))
        } catch {
            guard error.reason.hasPrefix("config."),
                let pointer = JSONPointer(parsing: String(error.reason.dropFirst(7)))
            else { throw PolicyProblem(pointer: place, message: error.message) }
            throw PolicyProblem(
                pointer: JSONPointer(with.tokens + pointer.tokens), message: error.message)
        }
    }

    private static func filled(
        _ configuration: JSON, _ schema: JSONSchema?, _ place: JSONPointer
    ) throws(PolicyProblem) -> JSON {
        guard let schema else { return configuration }
        if let problem = schema.validate(configuration).first {
            throw PolicyProblem(
                pointer: JSONPointer(place.tokens + problem.pointer.tokens),
                message: problem.message + (problem.suggestion.map { "; \($0)" } ?? ""))
        }
        return schema.fillingDefaults(configuration)
    }

    /// The file of a plugin, by its name or by the id of a component: `com.example.prefer` is looked
    /// for in `libfanfold-prefer.so`.
    private func path(of use: String) throws(PluginLoadError) -> String {
        let name = use.split(separator: ".").last.map(String.init) ?? use
        let files = registry.candidates().map(\.name)
        return try registry.path(
            ofPlugin: files.contains(ComponentDescriptor.shortID(use))
                ? ComponentDescriptor.shortID(use) : name)
    }

    private func find(
        _ use: String, _ place: JSONPointer
    ) throws(PolicyProblem) -> (LoadedPlugin, ComponentDescriptor) {
        do throws(PluginLoadError) {
            let path = try path(of: use)
            let origin = try registry.origin(of: path)
            let isIsolated = IsolationPolicy.isIsolated(
                kind: .policy, isBundled: origin.isBundled, isTrusted: origin.isAllowed,
                asked: settings.isolate)
            let plugin = try registry.load(path: path, in: isIsolated ? helpers : nil)
            let policies = plugin.components.filter { $0.kind == .policy }
            let isAlone = policies.count == 1 && !use.contains(".")
            let component = try plugin.component(named: isAlone ? policies[0].id : use)
            guard component.kind == .policy else {
                throw PluginLoadError.noSuchComponent(
                    path: path, wanted: "a policy \(use)",
                    available: plugin.components.map { "\($0.kind) \($0.id)" })
            }
            return (plugin, component)
        } catch {
            throw PolicyProblem(
                pointer: place,
                message: "\(use) is no policy that is built in ("
                    + Settings.builtInPolicies.joined(separator: ", ")
                    + "), and no plugin: \(error.message)")
        }
    }
}
