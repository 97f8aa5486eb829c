import FanfoldJSON

/// A part of a pipeline document that a later check may find wrong.
package enum PipelinePart: Hashable, Sendable {
    /// A value under `tasks: NAME: strategy: with:`; the pointer is relative to `with:`.
    case configuration(task: Int, JSONPointer)
    /// A value under `tasks: NAME: run:`; the pointer is relative to `run:`.
    case run(task: Int, JSONPointer)
    /// The name of a task's strategy.
    case strategy(task: Int)
    /// What a task needs.
    case needs(task: Int)
    /// A task.
    case task(Int)
    /// An input.
    case input(Int)
    /// An output.
    case output(Int)
    /// A plugin.
    case plugin(Int)
    /// The path of a plugin.
    case pluginPath(Int)
    /// The sum of a plugin.
    case pluginSum(Int)
    /// What a plugin is granted.
    case pluginGrant(Int)
    /// The queue of the run.
    case queue
    /// The priority of the run.
    case priority
}

/// A change to the document from the command line.
package enum Override: Hashable, Sendable {
    /// `--set PATH=VALUE`; the path is keys and indices joined by dots, the value is YAML.
    case set(String)
    /// `--input NAME=PATH`: the input takes this file, or these files if it is a glob.
    case input(String)
}

extension Pipeline {
    /// A diagnostic about a part of the document, for a check that comes after `load`.
    ///
    /// A pointer to something that is not there leads to the key of what is around it.
    package func diagnostic(
        _ part: PipelinePart, atKey: Bool = false, severity: Diagnostic.Severity = .error,
        message: String, suggestion: String? = nil, help: String? = nil
    ) -> Diagnostic {
        var message = message
        if case .configuration(let task, _) = part, message.hasPrefix("unknown key \""),
            !message.contains(" in strategy ")
        {
            message += " in strategy \(tasks[task].strategyUse)"
        }
        return source.diagnostic(
            pointer(to: part), atKey: atKey, severity: severity, message, suggestion: suggestion,
            help: help ?? self.help(for: part))
    }

    /// The page about a part of the document; for `with:` that of the strategy.
    private func help(for part: PipelinePart) -> String {
        guard case .configuration(let task, _) = part else {
            return PipelineChecker.help(pointer(to: part))
        }
        let use = tasks[task].strategyUse
        let name = use.hasPrefix("fanfold.") ? String(use.dropFirst(8)) : use
        return PipelineChecker.bundledStrategies.contains(name)
            ? "docs/strategies/\(name).md" : "fanfold plugin show \(use)"
    }

    /// A diagnostic about the configuration of a task's strategy; `pointer` is relative to
    /// `with:`, as a plugin and its schema report it.
    package func diagnostic(
        task: Int, configuration pointer: JSONPointer, atKey: Bool, message: String,
        suggestion: String? = nil
    ) -> Diagnostic {
        diagnostic(
            .configuration(task: task, pointer), atKey: atKey, message: message,
            suggestion: suggestion)
    }

    private func pointer(to part: PipelinePart) -> JSONPointer {
        switch part {
        case .configuration(let task, let pointer):
            return JSONPointer(["tasks", tasks[task].name, "strategy", "with"] + pointer.tokens)
        case .run(let task, let pointer):
            return JSONPointer(["tasks", tasks[task].name, "run"] + pointer.tokens)
        case .strategy(let task):
            let strategy = JSONPointer(["tasks", tasks[task].name, "strategy"])
            let use = strategy.appending("use")
            return source.map[use] == nil ? strategy : use
        case .needs(let task): return JSONPointer(["tasks", tasks[task].name, "needs"])
        case .task(let task): return JSONPointer(["tasks", tasks[task].name])
        case .input(let input): return JSONPointer(["inputs", inputs[input].name])
        case .output(let output): return JSONPointer(["outputs", outputs[output].name])
        case .plugin(let plugin): return JSONPointer(["plugins", plugins[plugin].name])
        case .pluginPath(let plugin):
            return JSONPointer(["plugins", plugins[plugin].name, "path"])
        case .pluginSum(let plugin):
            return JSONPointer(["plugins", plugins[plugin].name, "sha256"])
        case .pluginGrant(let plugin):
            return JSONPointer(["plugins", plugins[plugin].name, "grant"])
        case .queue: return JSONPointer(["queue"])
        case .priority: return JSONPointer(["priority"])
        }
    }
}
