import CPluginABI
@preconcurrency import Glibc

/// Time that the calling thread has been given by a processor: what other programs do is not in it.
enum ProbeClock {
    static func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// A subtask that a strategy has put.
struct ProbeSubtask {
    var id: UInt64
    var spec: [UInt8]
    var parts: [RecordedPart]

    /// The items of inputs that it holds.
    var slices: [RecordedPart] { parts.filter { $0.kind == UInt32(FAN_BLOB_ITEMS) } }

    /// The subtask as a transcript shows it.
    var text: String {
        "+\(id)[" + parts.map(\.text).joined(separator: ",") + "]"
            + String(decoding: spec, as: UTF8.self)
    }
}

/// The host's side of a sink, which keeps what is put until it is cleared.
final class ProbeSink {
    let table: UnsafeMutablePointer<fan_sink>
    private(set) var subtasks: [ProbeSubtask] = []
    private(set) var withdrawn: [UInt64] = []
    private(set) var outputs: [(json: [UInt8], parts: [RecordedPart])] = []
    /// How often something was put since it was cleared.
    private(set) var count = 0
    /// Whether only the numbers of subtasks and the next of their ids count.
    var isLight = false
    /// Ids of subtasks put while it was light.
    var lightIDs: [UInt64] = []
    /// Items of inputs in what was put while it was light.
    var lightItems: UInt64 = 0

    init() {
        table = TablePlacement.plain.place(
            fan_sink(
                struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0, sink_data: nil,
                subtask: { ProbeSink.of($0).take($1) },
                withdraw: { sink, id in
                    ProbeSink.of(sink).withdrawn.append(id)
                    return fan_code(FAN_OK)
                },
                output: { ProbeSink.of($0).takeOutput($1, $2, $3) }))
        table.pointee.sink_data = Unmanaged.passUnretained(self).toOpaque()
    }

    private static func of(_ sink: UnsafePointer<fan_sink>) -> ProbeSink {
        guard let data = sink.pointee.sink_data else {
            preconditionFailure("a sink of a check carries its object")
        }
        return Unmanaged<ProbeSink>.fromOpaque(data).takeUnretainedValue()
    }

    /// Forgets what was put.
    func clear() {
        count = 0
        subtasks.removeAll(keepingCapacity: true)
        withdrawn.removeAll(keepingCapacity: true)
        outputs.removeAll(keepingCapacity: true)
    }

    private func take(_ subtask: UnsafePointer<fan_subtask>) -> fan_code {
        count += 1
        guard !isLight else {
            lightIDs.append(subtask.pointee.id)
            release(subtask.pointee.parts, subtask.pointee.part_count)
            return fan_code(FAN_OK)
        }
        subtasks.append(
            ProbeSubtask(
                id: subtask.pointee.id, spec: TakenParts.bytes(subtask.pointee.spec),
                parts: TakenParts.take(subtask.pointee.parts, subtask.pointee.part_count)))
        return fan_code(FAN_OK)
    }

    private func release(_ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32) {
        guard let parts else { return }
        for index in 0..<Int(count) {
            if parts[index].kind == UInt32(FAN_BLOB_ITEMS) { lightItems += parts[index].size }
            if let release = parts[index].release { release(parts + index) }
        }
    }

    private func takeOutput(
        _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ number: UInt32
    ) -> fan_code {
        count += 1
        outputs.append((TakenParts.bytes(json), TakenParts.take(parts, number)))
        return fan_code(FAN_OK)
    }
}
