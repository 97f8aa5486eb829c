import CPluginABI
import Logging

/// Where the host takes what a strategy decides.
///
/// Called on the lane, inside a call of ``StrategyInstance``.  Counts and lengths are checked
/// before.  Parts are handed over when the answer is `FAN_OK` (use ``HostBlob/receive(_:)``); with
/// every other answer they must be left as they are.
package protocol HostSink: AnyObject {
    /// A subtask is handed out; `spec` is empty or JSON text.
    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code
    /// A subtask is not needed any more.
    func withdraw(_ id: UInt64) -> fan_code
    /// A piece of the result of the task.
    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code
}

/// The table that plugins call, and the sink that it stands for during one call.
///
/// A call costs a store before and after: the sink is not retained, since the caller holds it, and
/// it lies in plain memory, since a class's variable is checked for overlapping access each time.
final class SinkBridge {
    /// What `sink_data` points to.
    private struct Slot {
        unowned(unsafe) var sink: (any HostSink)?
        let logger: Logger
    }

    let table: UnsafeMutablePointer<fan_sink>
    private let slot: UnsafeMutablePointer<Slot>

    init(logger: Logger) {
        slot = .allocate(capacity: 1)
        slot.initialize(to: Slot(sink: nil, logger: logger))
        table = .allocate(capacity: 1)
        table.initialize(
            to: fan_sink(
                struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0, sink_data: slot,
                subtask: { SinkBridge.subtask($0, $1) },
                withdraw: { SinkBridge.withdraw($0, $1) },
                output: { SinkBridge.output($0, $1, $2, $3) }))
    }

    deinit {
        table.deallocate()
        slot.deinitialize(count: 1)
        slot.deallocate()
    }

    /// Lets the table stand for `sink`, which the caller holds until ``close(_:)``.
    @inline(__always)
    func open(_ sink: any HostSink) -> UnsafePointer<fan_sink> {
        slot.pointee.sink = sink
        return UnsafePointer(table)
    }

    /// Ends what ``open(_:)`` began; until here the sink lives.
    @inline(__always)
    func close(_ sink: any HostSink) {
        withExtendedLifetime(sink) { slot.pointee.sink = nil }
    }

    private static func slot(
        _ table: UnsafePointer<fan_sink>
    ) -> UnsafeMutablePointer<Slot>? {
        table.pointee.sink_data?.assumingMemoryBound(to: Slot.self)
    }

    private static func subtask(
        _ table: UnsafePointer<fan_sink>, _ subtask: UnsafePointer<fan_subtask>
    ) -> fan_code {
        guard let slot = slot(table) else { return fan_code(FAN_INVALID) }
        guard let sink = slot.pointee.sink else { return afterTheCall(slot, "subtask") }
        guard Int(subtask.pointee.struct_size) >= MemoryLayout<fan_subtask>.size else {
            return refuse(
                slot, "fan_subtask.struct_size is \(subtask.pointee.struct_size)", FAN_INVALID)
        }
        let count = subtask.pointee.part_count
        let code = check(slot, subtask.pointee.spec, subtask.pointee.parts, count)
        guard code == FAN_OK else { return code }
        return sink.subtask(
            id: subtask.pointee.id, spec: subtask.pointee.spec.bytes,
            parts: .init(start: subtask.pointee.parts, count: Int(count)))
    }

    private static func withdraw(_ table: UnsafePointer<fan_sink>, _ id: UInt64) -> fan_code {
        guard let slot = slot(table) else { return fan_code(FAN_INVALID) }
        return slot.pointee.sink?.withdraw(id) ?? afterTheCall(slot, "withdraw")
    }

    private static func output(
        _ table: UnsafePointer<fan_sink>, _ json: fan_view,
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        guard let slot = slot(table) else { return fan_code(FAN_INVALID) }
        guard let sink = slot.pointee.sink else { return afterTheCall(slot, "output") }
        let code = check(slot, json, parts, count)
        guard code == FAN_OK else { return code }
        return sink.output(json: json.bytes, parts: .init(start: parts, count: Int(count)))
    }

    private static func check(
        _ slot: UnsafeMutablePointer<Slot>, _ json: fan_view,
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        if json.size > UInt64(FAN_MAX_SPEC_BYTES) {
            return refuse(
                slot, "a document has \(json.size) bytes, at most \(FAN_MAX_SPEC_BYTES)",
                FAN_RANGE)
        }
        if count > UInt32(FAN_MAX_PARTS) {
            return refuse(slot, "\(count) parts, at most \(FAN_MAX_PARTS)", FAN_RANGE)
        }
        if json.data == nil, json.size > 0 {
            return refuse(slot, "\(json.size) bytes of a document at NULL", FAN_INVALID)
        }
        if parts == nil, count > 0 {
            return refuse(slot, "\(count) parts at NULL", FAN_INVALID)
        }
        return fan_code(FAN_OK)
    }

    private static func afterTheCall(
        _ slot: UnsafeMutablePointer<Slot>, _ name: String
    ) -> fan_code {
        refuse(
            slot, "sink->\(name) was used after the call that it was given to", FAN_PRECONDITION)
    }

    @inline(never)
    private static func refuse(
        _ slot: UnsafeMutablePointer<Slot>, _ what: String, _ code: Int
    ) -> fan_code {
        slot.pointee.logger.warning(
            "plugin breaks the contract", metadata: ["what": "\(what)"])
        return fan_code(code)
    }
}

extension fan_view {
    /// The bytes that are viewed.
    ///
    /// Call it after `data` and `size` were checked.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : Int(size))
    }
}
