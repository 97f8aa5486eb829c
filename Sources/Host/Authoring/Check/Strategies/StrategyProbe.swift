import CPluginABI
import FanfoldJSON

/// One task of one strategy, call by call: no opinion, only what was put.
final class StrategyProbe {
    /// The task's number; others would do as well.
    private static let task: UInt64 = 5

    let sink = ProbeSink()
    private let instance: CheckedInstance
    private let table: UnsafePointer<fan_strategy>
    private let error = LentError()
    private var memories: [HandedMemory] = []
    private var input = UnsafeMutablePointer<fan_blob>.allocate(capacity: 1)
    private(set) var hasBegun = false
    /// What split and on_failure said last.
    private(set) var state: UInt32 = 0
    private(set) var verdict: UInt32 = 0
    /// Processor time of the call that was made last.
    private(set) var lastTime = Duration.zero

    init(_ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON) throws {
        instance = try context.instance(component, configuration)
        table = try instance.strategy()
    }

    deinit {
        end()
        input.deallocate()
    }

    /// What the strategy said about its last failure.
    var message: String { error.message }
    /// Whether it can be asked to break up a subtask, and be told of workers.
    var canResplit: Bool { table.pointee.resplit != nil }
    var hearsOfCapacity: Bool { table.pointee.on_capacity != nil }

    private func call(_ name: String, _ body: () -> fan_code) -> fan_code {
        sink.clear()
        error.clear()
        let start = ProbeClock.now()
        let code = body()
        lastTime = ProbeClock.now() - start
        return code
    }

    func begin(_ description: JSON) -> fan_code {
        input.pointee = fan_blob()
        input.pointee.kind = UInt32(FAN_BLOB_REF)
        input.pointee.handle = 1
        let view = description.lent
        CheckTrace.phase("in begin")
        let code = call("begin") {
            table.pointee.begin(instance.pointer, Self.task, view, input, 1, error.pointer)
        }
        hasBegun = code == 0
        CheckTrace.phase("in a task")
        return code
    }

    func split(_ want: UInt32) -> fan_code {
        state = .max
        return call("split") {
            table.pointee.split(
                instance.pointer, Self.task, want, sink.table, &state, error.pointer)
        }
    }

    /// Gives a result; its memory stays until this object ends.
    func result(_ id: UInt64, _ payload: [UInt8], _ facts: [UInt8]) -> fan_code {
        let memory = HandedMemory(payload)
        memories.append(memory)
        var part = memory.blob(count: payload.count, handle: Int64(memories.count))
        let code = facts.withUnsafeBytes { facts in
            withUnsafeMutablePointer(to: &part) { part in
                var result = fan_result(
                    struct_size: UInt32(MemoryLayout<fan_result>.size), part_count: 1,
                    subtask: id,
                    json: fan_view(data: facts.baseAddress, size: UInt64(facts.count)),
                    parts: part)
                return call("on_result") {
                    table.pointee.on_result(
                        instance.pointer, Self.task, &result, sink.table, error.pointer)
                }
            }
        }
        if let release = part.release { release(&part) }
        return code
    }

    func failure(_ id: UInt64, _ retry: UInt32, _ attempts: UInt32) -> fan_code {
        var why = fan_error()
        why.struct_size = UInt32(MemoryLayout<fan_error>.size)
        why.code = fan_code(FAN_UNAVAILABLE)
        why.retry = retry
        verdict = .max
        return call("on_failure") {
            table.pointee.on_failure(
                instance.pointer, Self.task, id, &why, attempts, sink.table, &verdict,
                error.pointer)
        }
    }

    func capacity(_ document: JSON) -> fan_code {
        guard let onCapacity = table.pointee.on_capacity else { return fan_code(FAN_OK) }
        let bytes = document.bytes
        return bytes.withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            return call("on_capacity") {
                onCapacity(instance.pointer, Self.task, view, sink.table, error.pointer)
            }
        }
    }

    func resplit(_ id: UInt64) -> fan_code {
        guard let resplit = table.pointee.resplit else { return fan_code(FAN_UNIMPLEMENTED) }
        return call("resplit") {
            resplit(instance.pointer, Self.task, id, sink.table, error.pointer)
        }
    }

    func finish() -> fan_code {
        call("finish") {
            table.pointee.finish(instance.pointer, Self.task, sink.table, error.pointer)
        }
    }

    func end() {
        guard hasBegun else { return }
        hasBegun = false
        let start = ProbeClock.now()
        table.pointee.end(instance.pointer, Self.task)
        lastTime = ProbeClock.now() - start
    }
}
