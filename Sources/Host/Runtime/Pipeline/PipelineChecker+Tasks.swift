import FanfoldJSON
import FanfoldPlugins

/// What `retry:`, `timeout:`, `needs:` and `on-failure:` say, in `defaults:` or in a task.
private struct TaskPolicies {
    var needs = NeedsDeclaration.standard
    var attempts = 1
    var backoffNanoseconds: Int64 = 1_000_000_000
    var timeoutNanoseconds: Int64?
    var failurePolicy = FailurePolicyDeclaration.failFast
}

extension PipelineChecker {
    /// The strategies that come with Fanfold, by the names a document may use.
    static let bundledStrategies: [String] = [
        "data-parallel", "model-parallel", "pipeline-parallel", "ensemble", "function-parallel",
    ]

    mutating func checkTasks() {
        let members = json["tasks"]?.objectValue?.members ?? []
        for (name, _) in members where taskIndices[name] == nil {
            taskIndices[name] = taskIndices.count
        }
        var defaults = TaskPolicies()
        if let value = json["defaults"] {
            read(value, at: JSONPointer(["defaults"]), into: &defaults)
        }
        for (name, value) in members { tasks.append(task(name, value, defaults)) }
    }

    private mutating func task(
        _ name: String, _ value: JSON, _ defaults: TaskPolicies
    ) -> TaskDeclaration {
        let pointer = JSONPointer(["tasks", name])
        var policies = defaults
        read(value, at: pointer, into: &policies)
        let strategy = strategy(value["strategy"])
        if let run = value["run"] {
            checkRun(run, at: pointer.appending("run"))
        } else if value.objectValue != nil {
            checkRuns(name, strategy)
        }
        return TaskDeclaration(
            name: name,
            inputs: taskInputs(value["input"], at: pointer.appending("input")),
            after: after(value["after"], at: pointer.appending("after")),
            strategyUse: strategy.use, strategyConfiguration: strategy.configuration,
            run: value["run"], needs: policies.needs, retryAttempts: policies.attempts,
            backoffNanoseconds: policies.backoffNanoseconds,
            timeoutNanoseconds: policies.timeoutNanoseconds,
            failurePolicy: policies.failurePolicy)
    }

    private func strategy(_ value: JSON?) -> (use: String, configuration: JSON) {
        switch value {
        case nil: return ("data-parallel", ["shards": 1])
        case .string(let use)?: return (use, [:])
        case let value?:
            let configuration = value["with"]
            return (
                value["use"]?.stringValue ?? "",
                configuration?.objectValue == nil ? [:] : configuration ?? [:]
            )
        }
    }

    /// What the schema of `run:` cannot say is checked by the executors.
    private mutating func checkRun(_ run: JSON, at pointer: JSONPointer) {
        guard !refused.contains(where: { $0.tokens.starts(with: pointer.tokens) }) else { return }
        do throws(RunSpecError) {
            _ = try RunSpec(json: run)
        } catch {
            refuse(JSONPointer(pointer.tokens + error.pointer.tokens), error.message)
        }
    }

    /// A task must run something: itself, or what its strategy's configuration says.
    ///
    /// What a strategy that is not bundled runs is its own affair.
    private mutating func checkRuns(_ name: String, _ strategy: (use: String, configuration: JSON))
    {
        let use =
            strategy.use.hasPrefix("fanfold.") ? String(strategy.use.dropFirst(8)) : strategy.use
        guard Self.bundledStrategies.contains(use), !Self.holdsRun(strategy.configuration) else {
            return
        }
        refuse(
            JSONPointer(["tasks", name]), atKey: true,
            "the task \"\(name)\" has nothing to run; add run:, "
                + "for example run: {command: [cat]}")
    }

    private static func holdsRun(_ value: JSON) -> Bool {
        switch value {
        case .object(let object):
            object.members.contains { key, value in key == "run" || holdsRun(value) }
        case .array(let elements): elements.contains(where: holdsRun)
        default: false
        }
    }

    private mutating func read(
        _ value: JSON, at pointer: JSONPointer, into policies: inout TaskPolicies
    ) {
        if let needs = value["needs"], needs.objectValue != nil || needs == "auto" {
            readNeeds(needs, at: pointer.appending("needs"), into: &policies)
        }
        if let attempts = value["retry"]?["attempts"]?.integerValue {
            policies.attempts = Int(clamping: attempts)
        }
        if let backoff = value["retry"]?["backoff"]?.stringValue.flatMap(Unit.duration.value) {
            policies.backoffNanoseconds = backoff
        }
        if let timeout = positive(value["timeout"], at: pointer.appending("timeout")) {
            policies.timeoutNanoseconds = timeout
        }
        switch value["on-failure"] {
        case "fail-fast"?: policies.failurePolicy = .failFast
        case "best-effort"?: policies.failurePolicy = .bestEffort
        case let policy?:
            guard let share = policy["min-success"]?.doubleValue else { break }
            policies.failurePolicy = .minimumSuccess(share)
        case nil: break
        }
    }

    private mutating func readNeeds(
        _ value: JSON, at pointer: JSONPointer, into policies: inout TaskPolicies
    ) {
        do throws(NeedsError) {
            policies.needs = try NeedsDeclaration(
                json: value, over: policies.needs, allowsAuto: true)
        } catch {
            let place = JSONPointer(pointer.tokens + error.pointer.tokens)
            guard !refused.contains(where: { $0.tokens.starts(with: pointer.tokens) }) else {
                return
            }
            refuse(place, error.message)
        }
    }

    /// Nanoseconds, more than none.
    mutating func positive(_ value: JSON?, at pointer: JSONPointer) -> Int64? {
        guard let duration = value?.stringValue.flatMap(Unit.duration.value) else { return nil }
        guard duration > 0 else {
            refuse(pointer, "wanted more than no time, found \(value?.text ?? "")")
            return nil
        }
        return duration
    }

    private mutating func taskInputs(_ value: JSON?, at pointer: JSONPointer) -> [TaskInput] {
        switch value {
        case .string(let text)?:
            return reference(text, at: pointer).map { [TaskInput(name: nil, source: $0)] } ?? []
        case .array(let elements)?:
            var inputs: [TaskInput] = []
            for (index, element) in elements.enumerated() {
                guard let text = element.stringValue,
                    let source = reference(text, at: pointer.appending(index))
                else { continue }
                inputs.append(TaskInput(name: nil, source: source))
            }
            return inputs
        case .object(let object)?:
            var inputs: [TaskInput] = []
            for (name, element) in object.members {
                guard let text = element.stringValue,
                    let source = reference(text, at: pointer.appending(name))
                else { continue }
                inputs.append(TaskInput(name: name, source: source))
            }
            return inputs
        default: return []
        }
    }

    private mutating func after(_ value: JSON?, at pointer: JSONPointer) -> [Int] {
        var found: [Int] = []
        let names: [(String, JSONPointer)] =
            switch value {
            case .string(let name)?: [(name, pointer)]
            case .array(let elements)?:
                elements.enumerated().compactMap { index, element in
                    element.stringValue.map { ($0, pointer.appending(index)) }
                }
            default: []
            }
        for (name, place) in names {
            guard let task = taskIndices[name] else {
                let known = json["tasks"]?.objectValue?.keys ?? []
                refuse(
                    place, "there is no task \"\(name)\"",
                    suggestion: nearest(to: Self.bareTask(name), among: known)
                        .map { "did you mean \"\($0)\"?" })
                continue
            }
            if !found.contains(task) { found.append(task) }
        }
        return found
    }

    /// `score` for `${tasks.score.output}`, which `after:` does not take.
    private static func bareTask(_ text: String) -> String {
        guard let path = SchemaFormat.referencePath(text), path.count > 1 else { return text }
        return path[1]
    }
}
