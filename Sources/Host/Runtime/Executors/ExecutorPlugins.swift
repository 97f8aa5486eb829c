import FanfoldJSON
import FanfoldPlugins
import Logging
import Synchronization

/// The executors of one run: found by name, made when they are first needed, shared by all workers
/// of this process.
package final class ExecutorPlugins: Sendable {
    /// An executor that was found, with its configuration complete and checked.
    struct Found: Sendable {
        var plugin: LoadedPlugin
        var component: ComponentDescriptor
        var configuration: JSON
    }

    /// Why an executor cannot be used, and where in `run:` if it is its configuration.
    struct Problem: Error {
        var pointer = JSONPointer(["use"])
        var message: String
        var suggestion: String?
        /// Whether another machine may well have it.
        var isOfThisMachine = false
    }

    /// One instance with what it has loaded.
    private final class Instance: Sendable {
        let calls: any PluginCalls
        let forms: Set<PluginCall.Part.Form>
        /// Held while a module is loaded, so that each is loaded once.
        let modules = Mutex<[String: UInt64]>([:])
        /// The attempts that it runs.
        let voices: InstanceVoices

        init(
            _ calls: any PluginCalls, forms: Set<PluginCall.Part.Form>, voices: InstanceVoices
        ) {
            self.calls = calls
            self.forms = forms
            self.voices = voices
        }
    }

    /// An instance that has loaded what a subtask needs.
    struct Ready: Sendable {
        var calls: any PluginCalls
        /// The number of what was loaded.
        var module: UInt64
        /// In which forms beside bytes it takes inputs.
        var forms: Set<PluginCall.Part.Form>
        /// The attempts that the instance runs.
        var voices: InstanceVoices
    }

    private let find:
        @Sendable (String) throws(PluginLoadError) -> (LoadedPlugin, ComponentDescriptor)
    private let services: @Sendable (LoadedPlugin, ComponentDescriptor) -> PluginServices
    private let logger: Logger
    private let instances = Mutex<[String: Instance]>([:])

    /// No executors yet.
    ///
    /// - Parameters:
    ///   - services: what the host does for a component.
    ///   - find: the plugin with an executor of this name.
    package init(
        logger: Logger,
        services: @escaping @Sendable (LoadedPlugin, ComponentDescriptor) -> PluginServices,
        find:
            @escaping @Sendable (String) throws(PluginLoadError) -> (
                LoadedPlugin, ComponentDescriptor
            )
    ) {
        self.find = find
        self.services = services
        self.logger = logger
    }

    /// Finds an executor and checks what it is given.
    func find(_ spec: PluginSpec) throws(Problem) -> Found {
        let plugin: LoadedPlugin
        let component: ComponentDescriptor
        do throws(PluginLoadError) {
            (plugin, component) = try find(spec.executor)
        } catch {
            throw Problem(message: error.message, isOfThisMachine: error.isOfThisMachine)
        }
        guard component.kind == .executor else {
            throw Problem(message: "\(component.id) is a \(component.kind), wanted an executor")
        }
        if let problem = component.schema?.validate(spec.configuration).first {
            throw Problem(
                pointer: JSONPointer(["with"] + problem.pointer.tokens),
                message: "\(problem.message) in executor \(component.shortID)",
                suggestion: problem.suggestion)
        }
        return Found(
            plugin: plugin, component: component,
            configuration: component.schema?.fillingDefaults(spec.configuration)
                ?? spec.configuration)
    }

    /// An instance that has loaded the module of the specification.
    func ready(_ spec: PluginSpec) throws(WorkFailure) -> Ready {
        let instance = try self.instance(spec)
        let outcome: Result<UInt64, WorkFailure> = instance.modules.withLock { modules in
            let key = spec.module.text
            if let known = modules[key] { return .success(known) }
            let number = UInt64(modules.count + 1)
            do throws(PluginFailure) {
                _ = try instance.calls.wait(
                    for: PluginCall(.load, module: number, document: spec.module.bytes))
            } catch {
                return .failure(WorkFailure(error, of: spec.executor, in: "load"))
            }
            modules[key] = number
            return .success(number)
        }
        return Ready(
            calls: instance.calls, module: try outcome.get(), forms: instance.forms,
            voices: instance.voices)
    }

    private func instance(_ spec: PluginSpec) throws(WorkFailure) -> Instance {
        let key = spec.executor + "\u{0}" + spec.configuration.text
        let outcome: Result<Instance, WorkFailure> = instances.withLock { instances in
            if let known = instances[key] { return .success(known) }
            do throws(Problem) {
                let found = try find(spec)
                let voices = InstanceVoices()
                let made = Instance(
                    try make(found, voices), forms: found.component.inputForms, voices: voices)
                instances[key] = made
                return .success(made)
            } catch {
                return .failure(
                    WorkFailure(error.isOfThisMachine ? .launch : .notFound, error.message))
            }
        }
        return try outcome.get()
    }

    private func make(
        _ found: Found, _ voices: InstanceVoices
    ) throws(Problem) -> any PluginCalls {
        do throws(PluginFailure) {
            return try found.plugin.makeCalls(
                found.component, configuration: found.configuration,
                services: services(found.plugin, found.component),
                logger: voices.heard(by: logger))
        } catch {
            throw Problem(message: error.message)
        }
    }

    /// Ends all instances; what still runs is cancelled.
    package func close() {
        let all = instances.withLock { instances in
            defer { instances = [:] }
            return instances.keys.sorted().compactMap { instances[$0] }
        }
        for instance in all { instance.calls.close() }
    }
}

extension WorkFailure {
    /// What an executor answered instead of a result.
    init(_ failure: PluginFailure, of executor: String, in method: String) {
        let kind: Kind =
            switch failure.code {
            case 1: .cancelled
            case 3, 5, 11, 12: .inputInvalid
            case 4: .timeout
            case 8: .outOfMemory
            default: .crash
            }
        self.init(kind, "executor \(executor), \(method): \(failure.message)")
    }
}
