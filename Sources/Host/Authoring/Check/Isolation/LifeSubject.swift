import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// A component and a configuration that are led through lives.
struct LifeSubject {
    let context: CheckContext
    let component: CheckedComponent
    let configuration: JSON

    /// Every strategy, executor and provider with its first configuration, or with each.
    ///
    /// Throws: a skip if there is none: policies are asked in the host's process only.
    static func all(
        _ context: CheckContext, everyConfiguration: Bool = false
    ) throws -> [LifeSubject] {
        let subjects = try context.components().flatMap { component -> [LifeSubject] in
            switch component.descriptor.kind {
            case .strategy:
                let all = try component.configurations()
                return (everyConfiguration ? all[...] : all.prefix(1)).map {
                    LifeSubject(context: context, component: component, configuration: $0)
                }
            case .executor, .provider:
                return try component.configurations().prefix(1).map {
                    LifeSubject(context: context, component: component, configuration: $0)
                }
            case .policy, .unknown: return []
            }
        }
        guard !subjects.isEmpty else {
            throw CheckStop.skipped("it has no strategy, executor or provider")
        }
        return subjects
    }

    /// Whether its life is one of a strategy.
    var isStrategy: Bool { component.descriptor.kind == .strategy }

    /// Enough items for several subtasks.
    ///
    /// Throws: a skip if it does not get through a task here, which other checks look at.
    func items() throws -> Int {
        do {
            return try StrategySize.items(context, component, configuration)
        } catch let stop as CheckStop {
            throw CheckStop.skipped(stop.outcome.message)
        }
    }

    /// A new life of an executor or a provider, in a world of its own.
    func callLife() throws -> any CallLife {
        component.descriptor.kind == .provider
            ? try ProviderLife(context, component, configuration)
            : try ExecutorLife(component)
    }

    /// One life, from `create` to `destroy`.
    ///
    /// Returns: Every call and what came of it.
    func transcript(
        in plugin: LoadedPlugin, seed: UInt64, items: Int,
        onCall: @escaping (Int) throws -> Void = { _ in }
    ) throws -> [String] {
        if isStrategy {
            let instance = try HelperRig.strategy(component, configuration, in: plugin)
            defer { instance.destroy() }
            let life = StrategyLife(instance, seed: seed, items: items)
            life.onCall = onCall
            return try life.transcript()
        }
        let life = try callLife()
        let instance = try HelperRig.calls(
            component, configuration, in: plugin, services: life.services)
        defer { instance.close() }
        return try life.transcript(of: instance, onCall: onCall)
    }

    /// Where two transcripts part.
    static func difference(_ left: [String], _ right: [String]) -> String? {
        guard left != right else { return nil }
        for (left, right) in zip(left, right) where left != right {
            return "first \(left.prefix(200)); then \(right.prefix(200))"
        }
        return "\(left.count) lines, then \(right.count)"
    }
}
