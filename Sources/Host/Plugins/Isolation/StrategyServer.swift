import CPluginABI
import FanfoldJSON

/// The helper's side of an isolated strategy: makes the calls that the host asks for, on one thread.
final class StrategyServer {
    private let channel: FrameChannel
    private let instance: StrategyInstance
    private let sink: SinkRecorder

    init(channel: FrameChannel, instance: StrategyInstance) {
        self.channel = channel
        self.instance = instance
        sink = SinkRecorder(channel: channel)
    }

    /// Makes one call and answers it.
    func serve(_ body: inout IncomingBody) throws(WireFault) -> Reply {
        guard let call = StrategyCall(rawValue: try body.wire.byte()) else {
            throw WireFault("an unknown call")
        }
        let task = try body.wire.number(UInt64.self)
        let subtask = try body.wire.number(UInt64.self)
        let number = try body.wire.number(UInt32.self)
        let document = try body.bulk()
        defer { if let shared = document.shared { channel.giveBack(shared.start, shared.count) } }
        let failure: PluginFailure? = try body.wire.byte() == 0 ? nil : try body.wire.failure()
        var parts = try self.parts(&body)
        var reply = StrategyReply()
        do throws(PluginFailure) {
            reply.value = try make(
                call, task: task, subtask: subtask, number: number, document: document.bytes,
                failure: failure, parts: &parts)
        } catch {
            reply.failure = error
        }
        reply.released = sink.parts.takeReleased()
        return Reply(reply: reply, events: sink.take())
    }

    /// An answer with what the sink was given.
    struct Reply {
        var reply: StrategyReply
        var events: SinkEvent.Writer

        func write(to body: inout WireBody) {
            reply.write(to: &body)
            body.number(events.count)
            events.body.wire.bytes.withUnsafeBytes { body.wire.raw($0) }
        }
    }

    private func make(
        _ call: StrategyCall, task: UInt64, subtask: UInt64, number: UInt32,
        document: UnsafeRawBufferPointer, failure: PluginFailure?, parts: inout [fan_blob]
    ) throws(PluginFailure) -> UInt32 {
        switch call {
        case .begin:
            try instance.begin(task: task, spec: Array(document), inputs: parts)
        case .split:
            switch try instance.split(task: task, want: number, sink: sink) {
            case .more: return 0
            case .wait: return 1
            case .end: return 2
            }
        case .onResult:
            try tell(task: task, subtask: subtask, document: document, parts: &parts)
        case .onFailure:
            let verdict = try instance.onFailure(
                task: task, subtask: subtask,
                why: failure ?? PluginFailure(code: 2, reason: "unknown", message: "unknown"),
                attempts: number, sink: sink)
            switch verdict {
            case .retry: return 0
            case .replaced: return 1
            case .skip: return 2
            case .failTask: return 3
            }
        case .onCapacity:
            try instance.onCapacity(task: task, capacity: Array(document), sink: sink)
        case .resplit:
            return try instance.resplit(task: task, subtask: subtask, sink: sink) ? 1 : 0
        case .finish: try instance.finish(task: task, sink: sink)
        case .end: instance.end(task: task)
        case .explain: return try instance.explain(task: task, sink: sink) ? 1 : 0
        }
        return 0
    }

    private func tell(
        task: UInt64, subtask: UInt64, document: UnsafeRawBufferPointer, parts: inout [fan_blob]
    ) throws(PluginFailure) {
        let count = parts.count
        let failure: PluginFailure? = parts.withUnsafeMutableBufferPointer { parts in
            var message = fan_result()
            message.struct_size = UInt32(MemoryLayout<fan_result>.size)
            message.part_count = UInt32(count)
            message.subtask = subtask
            message.json = fan_view(data: document.baseAddress, size: UInt64(document.count))
            message.parts = parts.baseAddress
            do throws(PluginFailure) {
                try instance.onResult(task: task, &message, sink: sink)
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private func parts(_ body: inout IncomingBody) throws(WireFault) -> [fan_blob] {
        let count = try body.wire.count(each: 1)
        var parts: [fan_blob] = []
        parts.reserveCapacity(count)
        for _ in 0..<count {
            switch try body.wire.byte() {
            case 1:
                let id = try body.wire.number(UInt64.self)
                let handle = try body.wire.number(Int64.self)
                parts.append(
                    sink.parts.lend(id: id, handle: handle, try body.bulk(), channel: channel))
            case 2:
                parts.append(
                    HostBlob.reference(
                        handle: try body.wire.number(Int64.self),
                        size: Int(clamping: try body.wire.number(UInt64.self))))
            case let tag: throw WireFault("a part of the unknown form \(tag)")
            }
        }
        return parts
    }
}
