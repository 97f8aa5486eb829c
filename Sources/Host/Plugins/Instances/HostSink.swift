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
final class SinkBridge {
    let table: UnsafeMutablePointer<fan_sink>
    private let logger: Logger
    private var current: (any HostSink)?

    init(logger: Logger) {
        self.logger = logger
        table = .allocate(capacity: 1)
        table.initialize(to: Self.makeTable())
        table.pointee.sink_data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        table.deallocate()
    }

    /// Calls `body` with the table standing for `sink`.
    @inline(__always)
    func with<R>(_ sink: any HostSink, _ body: (UnsafePointer<fan_sink>) -> R) -> R {
        current = sink
        defer { current = nil }
        return body(table)
    }

    private static func makeTable() -> fan_sink {
        fan_sink(
            struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0, sink_data: nil,
            subtask: { SinkBridge.of($0)?.subtask($1) ?? fan_code(FAN_INVALID) },
            withdraw: { SinkBridge.of($0)?.withdraw($1) ?? fan_code(FAN_INVALID) },
            output: { SinkBridge.of($0)?.output($1, $2, $3) ?? fan_code(FAN_INVALID) })
    }

    private static func of(_ table: UnsafePointer<fan_sink>) -> SinkBridge? {
        table.pointee.sink_data.map { Unmanaged<SinkBridge>.fromOpaque($0).takeUnretainedValue() }
    }

    private func subtask(_ subtask: UnsafePointer<fan_subtask>) -> fan_code {
        guard let current else { return afterTheCall("subtask") }
        guard Int(subtask.pointee.struct_size) >= MemoryLayout<fan_subtask>.size else {
            return refuse(
                "fan_subtask.struct_size is \(subtask.pointee.struct_size)", FAN_INVALID)
        }
        let count = subtask.pointee.part_count
        let problem = check(subtask.pointee.spec, subtask.pointee.parts, count)
        guard problem == FAN_OK else { return fan_code(problem) }
        return current.subtask(
            id: subtask.pointee.id, spec: subtask.pointee.spec.bytes,
            parts: .init(start: subtask.pointee.parts, count: Int(count)))
    }

    private func withdraw(_ id: UInt64) -> fan_code {
        current?.withdraw(id) ?? afterTheCall("withdraw")
    }

    private func output(
        _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        guard let current else { return afterTheCall("output") }
        let problem = check(json, parts, count)
        guard problem == FAN_OK else { return fan_code(problem) }
        return current.output(json: json.bytes, parts: .init(start: parts, count: Int(count)))
    }

    private func check(
        _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> Int {
        if json.size > UInt64(FAN_MAX_SPEC_BYTES) {
            return Int(
                refuse(
                    "a document has \(json.size) bytes, at most \(FAN_MAX_SPEC_BYTES)", FAN_RANGE))
        }
        if count > UInt32(FAN_MAX_PARTS) {
            return Int(refuse("\(count) parts, at most \(FAN_MAX_PARTS)", FAN_RANGE))
        }
        if json.data == nil, json.size > 0 {
            return Int(refuse("\(json.size) bytes of a document at NULL", FAN_INVALID))
        }
        if parts == nil, count > 0 {
            return Int(refuse("\(count) parts at NULL", FAN_INVALID))
        }
        return FAN_OK
    }

    private func afterTheCall(_ name: String) -> fan_code {
        refuse("sink->\(name) was used after the call that it was given to", FAN_PRECONDITION)
    }

    private func refuse(_ what: String, _ code: Int) -> fan_code {
        logger.warning("plugin breaks the contract", metadata: ["what": "\(what)"])
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
