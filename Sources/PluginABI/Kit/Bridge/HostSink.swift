import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// The host's sink as an author meets it.
///
/// One lives as long as its instance and is open during a call only; used after the call it
/// throws instead of touching the host.
final class HostSink: StrategySink {
    private var sink: UnsafePointer<fan_sink>?
    private var formatWritten = ""
    private var formatText: [UInt8] = []

    func open(_ sink: UnsafePointer<fan_sink>) {
        self.sink = sink
    }

    func close() {
        sink = nil
    }

    func subtask(_ subtask: Subtask) throws(PluginError) {
        let sink = try opened()
        let id = subtask.id
        let spec = subtask.spec.bytes
        guard spec.count <= FAN_MAX_SPEC_BYTES else {
            throw Self.tooMuch("bytes in the spec of a subtask", FAN_MAX_SPEC_BYTES, spec.count)
        }
        let code = try withParts(subtask.parts) { parts, count in
            spec.withUnsafeBytes { bytes in
                var value = fan_subtask(
                    struct_size: UInt32(MemoryLayout<fan_subtask>.size), part_count: count,
                    id: id,
                    spec: fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)),
                    parts: parts)
                return sink.pointee.subtask(sink, &value)
            }
        }
        try Self.check(code, "the subtask \(id)")
    }

    func withdraw(_ id: UInt64) throws(PluginError) {
        let sink = try opened()
        try Self.check(sink.pointee.withdraw(sink, id), "the withdrawal of subtask \(id)")
    }

    func output(_ output: Output) throws(PluginError) {
        let sink = try opened()
        let text = output.report == nil ? format(output.format) : Self.document(output)
        let code = try withParts(output.parts) { parts, count in
            text.withUnsafeBytes { bytes in
                let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                return sink.pointee.output(sink, view, parts, count)
            }
        }
        try Self.check(code, "the output")
    }

    /// Puts the answer of `fanfold.explain/1`.
    func explain(_ explanation: Explanation) throws(PluginError) {
        let sink = try opened()
        let subtasks = explanation.subtasks.map { JSON.integer(Int64($0)) } ?? .null
        let json: JSON = [
            "summary": .string(explanation.summary),
            "why": .array(explanation.why.map { .string($0) }),
            "subtasks": subtasks,
            "stages": .array(explanation.stages),
        ]
        let code = json.bytes.withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            return sink.pointee.output(sink, view, nil, 0)
        }
        try Self.check(code, "the explanation")
    }

    private func opened() throws(PluginError) -> UnsafePointer<fan_sink> {
        guard let sink else {
            throw PluginError(
                .internalBug, reason: "sink.closed",
                "a sink was used after the call it was given to")
        }
        return sink
    }

    /// The text for an output without a report, written once for as long as the format stays.
    private func format(_ format: String) -> [UInt8] {
        if format != formatWritten || formatText.isEmpty {
            formatWritten = format
            let json: JSON = ["format": .string(format)]
            formatText = json.bytes
        }
        return formatText
    }

    private static func document(_ output: Output) -> [UInt8] {
        let json: JSON = ["format": .string(output.format), "report": output.report ?? .null]
        return json.bytes
    }

    private static func check(_ code: fan_code, _ what: String) throws(PluginError) {
        guard code != 0 else { return }
        throw PluginError(
            .init(rawValue: code), reason: "sink.refused",
            code == PluginError.Code.cancelled.rawValue
                ? "the host no longer wants the answer"
                : "the host refused \(what) with code \(code)")
    }

    static func tooMuch(_ what: String, _ limit: Int, _ found: Int) -> PluginError {
        PluginError(.range, reason: "limit", "wanted at most \(limit) \(what), found \(found)")
    }
}
