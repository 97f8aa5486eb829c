import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import Logging

/// A strategy that was found, with its configuration complete and checked.
package struct PlannedStrategy: Sendable {
    /// The library it comes from.
    package var plugin: LoadedPlugin
    /// Who it is.
    package var component: ComponentDescriptor
    /// What stands under `with:`, with the defaults filled in.
    package var configuration: JSON

    /// Where what it counts goes.
    let metrics: (any MetricsService)?
    let logger: Logger

    /// Makes an instance; call on the lane that will use it.
    ///
    /// - Parameter callNanoseconds: how long one call may take.
    func make(callNanoseconds: UInt64) throws(PluginFailure) -> any StrategyCalls {
        try plugin.makeStrategy(
            component, configuration: configuration, callNanoseconds: callNanoseconds,
            metrics: metrics, logger: logger)
    }

    /// Whether its calls are bounded by its helper, not by the lane.
    var isIsolated: Bool { plugin.launch != nil }
}

/// A task that is ready to begin as soon as its inputs are there.
package struct PlannedTask: Sendable {
    /// The name in the pipeline.
    package var name: String
    /// What the coordinator is told.
    package var spec: TaskSpec
    /// What its subtasks need, as declared.
    package var needs: NeedsDeclaration
    /// What splits and merges it.
    package var strategy: PlannedStrategy
    /// What its subtasks run, unless the strategy says otherwise.
    package var run: RunSpec?
    /// The same as written.
    package var runText: JSON?
    /// Where its inputs come from.
    package var inputs: [DataSource]
    /// What the task calls its inputs; the names in the pipeline if it does not say.
    package var inputNames: [String]
    /// What its history is filed under.
    package var history: HistoryLabel
}

/// A pipeline with everything that can be checked before it runs: plugins loaded, configurations
/// complete, inputs opened.
package struct PreparedRun: Sendable {
    /// What a host does for a component that was granted this.
    package typealias ServiceProvider =
        @Sendable (ComponentDescriptor, PluginGrant) -> PluginServices

    /// The document.
    package var pipeline: Pipeline
    /// The tasks, in the order of the document.
    package var tasks: [PlannedTask]
    /// The inputs, in the order of the document.
    package var inputs: [Dataset]
    /// The executors of plugins.
    let executors: ExecutorPlugins

    /// Loads what the pipeline names and checks what only plugins and files can tell.
    ///
    /// Throws: everything that is wrong, in one go.
    /// Parameter services: What the host does for a component with its grant; nothing by default.
    /// Parameter helpers: How plugins get processes of their own; `nil` has all of them inside.
    package init(
        _ pipeline: Pipeline, registry: PluginRegistry, helpers: HelperSettings? = nil,
        services: @escaping ServiceProvider = { _, _ in PluginServices() }, logger: Logger
    ) throws(DocumentErrors) {
        var preparation = Preparation(
            pipeline: pipeline, registry: registry, helpers: helpers, services: services,
            logger: logger)
        preparation.openInputs()
        preparation.planTasks()
        guard preparation.problems.isEmpty else { throw DocumentErrors(preparation.problems) }
        self.pipeline = pipeline
        tasks = preparation.tasks
        inputs = preparation.inputs
        executors = preparation.executors
    }
}

/// Collects what is wrong while a run is prepared.
private struct Preparation {
    let pipeline: Pipeline
    let finder: PluginFinder
    let executors: ExecutorPlugins
    let services: PreparedRun.ServiceProvider
    let logger: Logger
    let lock: PluginLock?
    var inputs: [Dataset] = []
    var tasks: [PlannedTask] = []
    var problems: [Diagnostic] = []

    init(
        pipeline: Pipeline, registry: PluginRegistry, helpers: HelperSettings?,
        services: @escaping PreparedRun.ServiceProvider, logger: Logger
    ) {
        self.services = services
        self.logger = logger
        self.pipeline = pipeline
        lock = registry.trust.lock
        let finder = PluginFinder(pipeline.plugins, registry: registry, helpers: helpers)
        self.finder = finder
        executors = ExecutorPlugins(
            logger: logger,
            services: { plugin, component in services(component, pipeline.grant(for: plugin)) }
        ) { (use) throws(PluginLoadError) in
            guard let found = try finder.component(use, kind: .executor) else {
                throw .notFound(name: use, available: [], searched: [])
            }
            return found
        }
        for (index, outcome) in finder.named.enumerated() {
            guard case .failure(let error) = outcome else { continue }
            var part = PipelinePart.pluginPath(index)
            if case .wrongHash = error { part = .pluginSum(index) }
            problems.append(pipeline.diagnostic(part, message: error.message))
        }
    }

    mutating func openInputs() {
        for (index, declaration) in pipeline.inputs.enumerated() {
            do throws(DataError) {
                inputs.append(try Dataset.open(declaration))
            } catch {
                // With the place in the data: that is what has to be mended.
                problems.append(pipeline.diagnostic(.input(index), message: "\(error)"))
                inputs.append(.empty)
            }
        }
    }

    mutating func planTasks() {
        for (index, declaration) in pipeline.tasks.enumerated() {
            guard let strategy = plan(declaration, index) else { continue }
            var run: RunSpec?
            if let text = declaration.run {
                do throws(RunSpecError) {
                    run = try RunSpec(json: text)
                } catch {
                    problems.append(
                        pipeline.diagnostic(
                            .run(task: index, error.pointer), message: error.message))
                }
                if let spec = run?.plugin { check(spec, task: index) }
            }
            tasks.append(
                PlannedTask(
                    name: declaration.name, spec: TaskSpec(declaration, index: index),
                    needs: declaration.needs, strategy: strategy, run: run,
                    runText: declaration.run,
                    inputs: declaration.inputs.map(\.source),
                    inputNames: declaration.inputs.map { $0.name ?? name(of: $0.source) },
                    history: HistoryLabel(declaration, in: pipeline)))
        }
    }

    /// An executor that cannot be used is known before anything runs.
    private mutating func check(_ spec: PluginSpec, task: Int) {
        // What a declaration of a plugin is wrong about was said there.
        let isNamed = pipeline.plugins.firstIndex { $0.name == spec.executor }
        if let isNamed, case .failure = finder.named[isNamed] { return }
        do throws(ExecutorPlugins.Problem) {
            let found = try executors.find(spec)
            problems += pipeline.grantProblems(
                of: found.component, in: found.plugin, part: .run(task: task, JSONPointer(["use"])),
                lock: lock)
        } catch {
            problems.append(
                pipeline.diagnostic(
                    .run(task: task, error.pointer), message: error.message,
                    suggestion: error.suggestion))
        }
    }

    private func name(of source: DataSource) -> String {
        switch source {
        case .input(let index): pipeline.inputs[index].name
        case .task(let index): pipeline.tasks[index].name
        }
    }

    private mutating func plan(_ task: TaskDeclaration, _ index: Int) -> PlannedStrategy? {
        let plugin: LoadedPlugin
        let component: ComponentDescriptor
        do throws(PluginLoadError) {
            guard let found = try finder.component(task.strategyUse, kind: .strategy) else {
                return nil
            }
            (plugin, component) = found
        } catch {
            problems.append(pipeline.diagnostic(.strategy(task: index), message: error.message))
            return nil
        }
        guard component.kind == .strategy else {
            problems.append(
                pipeline.diagnostic(
                    .strategy(task: index),
                    message: "\(component.id) is a \(component.kind), wanted a strategy"))
            return nil
        }
        let refused = pipeline.grantProblems(
            of: component, in: plugin, part: .strategy(task: index), lock: lock)
        problems += refused
        guard refused.isEmpty else { return nil }
        let configuration = task.strategyConfiguration
        let found = component.schema?.validate(configuration) ?? []
        for problem in found {
            problems.append(
                pipeline.diagnostic(
                    task: index, configuration: problem.pointer, atKey: problem.atKey,
                    message: "\(problem.message) in strategy \(component.shortID)",
                    suggestion: problem.suggestion))
        }
        guard found.isEmpty else { return nil }
        let strategy = PlannedStrategy(
            plugin: plugin, component: component,
            configuration: component.schema?.fillingDefaults(configuration) ?? configuration,
            // It counts, and asks for nothing else: a strategy does no I/O.
            metrics: services(component, .nothing).metrics, logger: logger)
        do throws(PluginFailure) {
            try strategy.make(callNanoseconds: IsolationLimits.startNanoseconds).destroy()
        } catch {
            problems.append(diagnostic(error, task: index))
            return nil
        }
        return strategy
    }

    /// What a plugin says of its configuration, at the line of the YAML if it names a pointer.
    private func diagnostic(_ failure: PluginFailure, task: Int) -> Diagnostic {
        if failure.reason.hasPrefix("config."),
            let pointer = JSONPointer(parsing: String(failure.reason.dropFirst("config.".count)))
        {
            return pipeline.diagnostic(
                task: task, configuration: pointer, atKey: false, message: failure.message)
        }
        return pipeline.diagnostic(.strategy(task: task), message: failure.message)
    }
}
