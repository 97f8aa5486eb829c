import CPluginABI
import FanfoldJSON
import Logging

/// One instance of a strategy: the calls of `fanfold.strategy/1` as Swift methods.
///
/// Everything but `init` is called on the instance's lane, one at a time, and may take as long as
/// the plugin likes: set a deadline on the lane.  A call costs no allocation.
package final class StrategyInstance: StrategyCalls, @unchecked Sendable {
    // Unchecked: the lane that owns it makes all calls one after another.

    /// What `split` says; an unknown number counts as `wait`.
    package enum SplitState: Hashable, Sendable {
        /// There are more: ask again when they are wanted.
        case more
        /// There will be more, after a result.
        case wait
        /// There are no more.
        case end
    }

    /// What becomes of a failed subtask; an unknown number counts as `failTask`.
    package enum Verdict: Hashable, Sendable {
        /// Once more.
        case retry
        /// Others are in its place.
        case replaced
        /// Go on without it.
        case skip
        /// The task fails.
        case failTask
    }

    /// The component.
    package let component: ComponentDescriptor

    private let plugin: LoadedPlugin
    private let host: HostTable
    private let sinks: SinkBridge
    private let instance: OpaquePointer
    private let strategy: fan_strategy
    private let explanation: fan_explain?
    private let error: UnsafeMutablePointer<fan_error>
    private var inputs: [UInt64: UnsafeMutableBufferPointer<fan_blob>] = [:]
    private var isDestroyed = false

    /// Makes an instance, and asks it for its interfaces.
    ///
    /// Parameter configuration: Already checked by the component's schema, defaults filled in.
    /// Parameter hostName: `fanfold`, or `fanfold plugin check`.
    /// Parameter metrics: Behind `fanfold.metrics/1`; the other services are not a strategy's.
    /// Parameter now: The clock that the plugin sees, in nanoseconds; `nil` for the real one.
    package init(
        plugin: LoadedPlugin, component: ComponentDescriptor, configuration: JSON,
        hostName: String = "fanfold", hostVersion: String = "0.1.0", logger: Logger,
        metrics: (any MetricsService)? = nil, now: (@Sendable () -> UInt64)? = nil
    ) throws(PluginFailure) {
        var logger = logger
        logger[metadataKey: "component"] = "\(component.id)"
        let host = HostTable(
            name: hostName, version: hostVersion, logger: logger,
            now: now ?? HostTable.monotonicNow, metrics: metrics)
        let error = UnsafeMutablePointer<fan_error>.allocate(capacity: 1)
        error.initialize(to: Self.emptyError)
        do throws(PluginFailure) {
            instance = try PluginInstance.create(plugin, component, configuration, host)
        } catch let failure {
            error.deallocate()
            throw failure
        }
        do throws(PluginFailure) {
            strategy = try Self.strategyTable(plugin, instance)
            explanation = try Self.explainTable(plugin, instance)
        } catch let failure {
            plugin.table.destroy(instance)
            error.deallocate()
            throw failure
        }
        self.plugin = plugin
        self.component = component
        self.host = host
        self.error = error
        sinks = SinkBridge(logger: logger)
    }

    deinit {
        // An instance on a lane that hangs is left alone for ever, and may still use its table.
        if !isDestroyed { _ = Unmanaged.passRetained(host) }
        error.deallocate()
    }

    /// Whether ``explain(task:sink:)`` says anything.
    package var canExplain: Bool { explanation != nil }

    /// Takes on a task.
    ///
    /// Parameter inputs: Handed over; they are released by ``end(task:)``, or at once if this
    /// throws.
    package func begin(
        task: UInt64, spec: [UInt8], inputs: [fan_blob]
    ) throws(PluginFailure) {
        precondition(self.inputs[task] == nil, "a task begins once in an instance")
        let kept = UnsafeMutableBufferPointer<fan_blob>.allocate(capacity: inputs.count)
        _ = kept.initialize(from: inputs)
        let code = spec.withUnsafeBytes { bytes in
            strategy.begin(
                instance, task, fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)),
                kept.baseAddress, UInt32(kept.count), error)
        }
        guard code == FAN_OK else {
            release(kept)
            throw failure(code)
        }
        self.inputs[task] = kept
    }

    /// Asks for up to `want` subtasks.
    package func split(
        task: UInt64, want: UInt32, sink: any HostSink
    ) throws(PluginFailure) -> SplitState {
        var state = UInt32.max
        let code = strategy.split(instance, task, want, sinks.open(sink), &state, error)
        sinks.close(sink)
        try check(code)
        switch Int(state) {
        case FAN_SPLIT_MORE: return .more
        case FAN_SPLIT_END: return .end
        default: return .wait
        }
    }

    /// Hands in a result; parts that the strategy did not keep are released.
    package func onResult(
        task: UInt64, _ result: UnsafePointer<fan_result>, sink: any HostSink
    ) throws(PluginFailure) {
        let code = strategy.on_result(instance, task, result, sinks.open(sink), error)
        sinks.close(sink)
        if let parts = result.pointee.parts {
            for index in 0..<Int(result.pointee.part_count) { HostBlob.release(&parts[index]) }
        }
        try check(code)
    }

    /// Asks what becomes of a subtask that failed for good.
    package func onFailure(
        task: UInt64, subtask: UInt64, why: PluginFailure, attempts: UInt32, sink: any HostSink
    ) throws(PluginFailure) -> Verdict {
        var verdict = UInt32.max
        var reason = fan_error()
        why.write(to: &reason)
        let code = strategy.on_failure(
            instance, task, subtask, &reason, attempts, sinks.open(sink), &verdict, error)
        sinks.close(sink)
        try check(code)
        switch Int(verdict) {
        case FAN_FAILED_RETRY: return .retry
        case FAN_FAILED_REPLACED: return .replaced
        case FAN_FAILED_SKIP: return .skip
        default: return .failTask
        }
    }

    /// Says that workers came or went; nothing if the strategy does not want to know.
    package func onCapacity(
        task: UInt64, capacity: [UInt8], sink: any HostSink
    ) throws(PluginFailure) {
        guard let function = strategy.on_capacity else { return }
        let code = capacity.withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            return function(instance, task, view, sinks.open(sink), error)
        }
        sinks.close(sink)
        try check(code)
    }

    /// Asks to break up a subtask that holds everyone up.
    ///
    /// Returns: Whether the strategy can do that at all.
    package func resplit(
        task: UInt64, subtask: UInt64, sink: any HostSink
    ) throws(PluginFailure) -> Bool {
        guard let function = strategy.resplit else { return false }
        let code = function(instance, task, subtask, sinks.open(sink), error)
        sinks.close(sink)
        try check(code)
        return true
    }

    /// Says that everything is in.
    package func finish(task: UInt64, sink: any HostSink) throws(PluginFailure) {
        let code = strategy.finish(instance, task, sinks.open(sink), error)
        sinks.close(sink)
        try check(code)
    }

    /// Forgets a task that was begun, and releases its inputs.
    package func end(task: UInt64) {
        guard let kept = inputs.removeValue(forKey: task) else { return }
        strategy.end(instance, task)
        release(kept)
    }

    /// Asks what it would do with a task that it has begun, in one output of `sink`.
    ///
    /// Returns: Whether it says anything.
    package func explain(task: UInt64, sink: any HostSink) throws(PluginFailure) -> Bool {
        guard let explanation else { return false }
        let code = explanation.explain(instance, task, sinks.open(sink), error)
        sinks.close(sink)
        try check(code)
        return true
    }

    /// Ends the tasks that are left, and the instance.
    ///
    /// Nothing may be called afterwards.
    package func destroy() {
        guard !isDestroyed else { return }
        for task in inputs.keys.sorted() { end(task: task) }
        plugin.table.destroy(instance)
        isDestroyed = true
    }

    private func release(_ blobs: UnsafeMutableBufferPointer<fan_blob>) {
        for index in blobs.indices { HostBlob.release(&blobs[index]) }
        blobs.deallocate()
    }

    @inline(__always)
    private func check(_ code: fan_code) throws(PluginFailure) {
        guard code == FAN_OK else { throw failure(code) }
    }

    private func failure(_ code: fan_code) -> PluginFailure {
        let failure = PluginFailure(code: code, error: error)
        error.pointee = Self.emptyError
        return failure
    }
}

extension StrategyInstance {
    private static var emptyError: fan_error {
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        return error
    }

    private static func strategyTable(
        _ plugin: LoadedPlugin, _ instance: OpaquePointer
    ) throws(PluginFailure) -> fan_strategy {
        let table = try PluginInstance.table(
            "fanfold.strategy/1", "fan_strategy", plugin, instance,
            size: MemoryLayout<fan_strategy>.size,
            required: [
                ("begin", MemoryLayout<fan_strategy>.offset(of: \.begin)),
                ("split", MemoryLayout<fan_strategy>.offset(of: \.split)),
                ("on_result", MemoryLayout<fan_strategy>.offset(of: \.on_result)),
                ("on_failure", MemoryLayout<fan_strategy>.offset(of: \.on_failure)),
                ("finish", MemoryLayout<fan_strategy>.offset(of: \.finish)),
                ("end", MemoryLayout<fan_strategy>.offset(of: \.end)),
            ])
        return table.loadUnaligned(as: fan_strategy.self)
    }

    private static func explainTable(
        _ plugin: LoadedPlugin, _ instance: OpaquePointer
    ) throws(PluginFailure) -> fan_explain? {
        guard let table = plugin.table.query(instance, "fanfold.explain/1") else { return nil }
        let problem = RawTable(base: table).problem(
            name: "fan_explain", size: MemoryLayout<fan_explain>.size,
            required: [("explain", MemoryLayout<fan_explain>.offset(of: \.explain))])
        if let problem { throw PluginInstance.broken(problem) }
        return table.loadUnaligned(as: fan_explain.self)
    }
}
