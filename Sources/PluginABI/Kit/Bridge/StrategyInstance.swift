import CPluginABI
import FanfoldJSON

/// What `fan_instance *` points to: a strategy of a type that only the subclass knows.
///
/// The host never calls it twice at once (`[lane]`), so it needs no lock.
class AnyStrategyInstance: AnyInstance {
    let sink = HostSink()

    override func table(_ id: String) -> UnsafeRawPointer? { StrategyTables.table(id) }

    func begin(_ task: UInt64, _ description: TaskDescription) throws(PluginError) {}
    func split(_ task: UInt64, _ want: Int) throws(PluginError) -> SplitState { .end }
    func onResult(_ task: UInt64, _ result: SubtaskResult) throws(PluginError) {}
    func onFailure(_ task: UInt64, _ failure: SubtaskFailure) throws(PluginError) -> FailureVerdict
    { .failTask }
    func onCapacity(_ task: UInt64, _ capacity: Capacity) throws(PluginError) {}
    func finish(_ task: UInt64) throws(PluginError) {}
    func explain(_ task: UInt64) throws(PluginError) -> Explanation { Explanation(summary: "") }
    func end(_ task: UInt64) {}
}

/// An instance of the strategy `S`: one configuration, and a value for each task in flight.
final class StrategyInstance<S: Strategy>: AnyStrategyInstance {
    private final class Slot {
        var strategy: S
        init(_ strategy: S) { self.strategy = strategy }
    }

    private let configuration: S.Configuration
    private var slots: [UInt64: Slot] = [:]
    /// The task of the last call: nearly always that of the next one too.
    private var latest: (task: UInt64, slot: Slot)?

    init(configuration: S.Configuration, host: HostHandle) {
        self.configuration = configuration
        super.init(host: host)
    }

    private func slot(_ task: UInt64) throws(PluginError) -> Slot {
        if let latest, latest.task == task { return latest.slot }
        guard let slot = slots[task] else { throw PluginError.unknownTask(task) }
        latest = (task, slot)
        return slot
    }

    override func begin(_ task: UInt64, _ description: TaskDescription) throws(PluginError) {
        guard slots[task] == nil else {
            throw PluginError(
                .init(rawValue: fan_code(FAN_EXISTS)), reason: "task",
                "the task \(task) has begun already; end it first")
        }
        slots[task] = Slot(try S(task: description, configuration: configuration))
    }

    override func split(_ task: UInt64, _ want: Int) throws(PluginError) -> SplitState {
        try slot(task).strategy.split(want: want, into: sink)
    }

    override func onResult(_ task: UInt64, _ result: SubtaskResult) throws(PluginError) {
        try slot(task).strategy.onResult(result, into: sink)
    }

    override func onFailure(
        _ task: UInt64, _ failure: SubtaskFailure
    ) throws(PluginError) -> FailureVerdict {
        try slot(task).strategy.onFailure(failure, into: sink)
    }

    override func onCapacity(_ task: UInt64, _ capacity: Capacity) throws(PluginError) {
        try slot(task).strategy.onCapacity(capacity, into: sink)
    }

    override func finish(_ task: UInt64) throws(PluginError) {
        try slot(task).strategy.finish(into: sink)
    }

    override func explain(_ task: UInt64) throws(PluginError) -> Explanation {
        try slot(task).strategy.explain()
    }

    override func end(_ task: UInt64) {
        slots[task] = nil
        latest = nil
    }
}

/// Makes an instance of a strategy from the text of its configuration.
///
/// Throws: `invalid` with the reason `config.` and the JSON Pointer of what is wrong.
func makeInstance<S: Strategy>(
    _ strategy: S.Type, _ config: fan_view, _ host: HostHandle
) throws(PluginError) -> AnyInstance {
    let configuration = try config.decode(S.Configuration.self, "config")
    try S.check(configuration)
    return StrategyInstance<S>(configuration: configuration, host: host)
}
