import CPluginABI

/// The calls of `fanfold.strategy/1`, wherever the instance lives.
///
/// Everything is called on the instance's lane, one call at a time.
package protocol StrategyCalls: AnyObject, Sendable {
    /// Whether ``explain(task:sink:)`` says anything.
    var canExplain: Bool { get }
    /// Takes on a task; the inputs are handed over.
    func begin(task: UInt64, spec: [UInt8], inputs: [fan_blob]) throws(PluginFailure)
    /// Asks for up to `want` subtasks.
    func split(
        task: UInt64, want: UInt32, sink: any HostSink
    ) throws(PluginFailure) -> StrategyInstance.SplitState
    /// Hands in a result; parts that the strategy did not keep are released.
    func onResult(
        task: UInt64, _ result: UnsafePointer<fan_result>, sink: any HostSink
    ) throws(PluginFailure)
    /// Asks what becomes of a subtask that failed for good.
    func onFailure(
        task: UInt64, subtask: UInt64, why: PluginFailure, attempts: UInt32, sink: any HostSink
    ) throws(PluginFailure) -> StrategyInstance.Verdict
    /// Says that workers came or went.
    func onCapacity(
        task: UInt64, capacity: [UInt8], sink: any HostSink
    ) throws(PluginFailure)
    /// Asks to break up a subtask that holds everyone up; whether it can do that at all.
    func resplit(
        task: UInt64, subtask: UInt64, sink: any HostSink
    ) throws(PluginFailure) -> Bool
    /// Says that everything is in.
    func finish(task: UInt64, sink: any HostSink) throws(PluginFailure)
    /// Forgets a task that was begun, and releases its inputs.
    func end(task: UInt64)
    /// Asks what it would do with a task that it has begun; whether it says anything.
    func explain(task: UInt64, sink: any HostSink) throws(PluginFailure) -> Bool
    /// Ends the tasks that are left, and the instance; nothing may be called afterwards.
    func destroy()
}
