import CPluginABI
import FanfoldJSON
import Synchronization

/// An asynchronous call of the host that waits for its one answer.
///
/// Whatever happens the host is answered exactly once: a second answer is a line in the log, and
/// an object that goes without having answered answers that the plugin has a bug.
///
/// Its own state is one atomic, and the host allows these calls from any thread.
final class OpenCall: Sendable {
    static let cancelled = PluginError(
        .cancelled, reason: "cancelled", "the host no longer wants the answer")

    let host: HostHandle
    let op: fan_op
    let deadline: UInt64?
    let traceparent: String?
    private let answered = Atomic<Bool>(false)

    init(host: HostHandle, op: fan_op, deadline: UInt64? = nil, traceparent: String? = nil) {
        self.host = host
        self.op = op
        self.deadline = deadline
        self.traceparent = traceparent
    }

    convenience init(_ call: UnsafePointer<fan_call>, of host: HostHandle) {
        self.init(
            host: host, op: call.pointee.op,
            deadline: call.pointee.deadline == 0 ? nil : call.pointee.deadline,
            traceparent: call.pointee.traceparent.map { String(cString: $0) })
    }

    deinit {
        guard !answered.load(ordering: .acquiring) else { return }
        fail(
            PluginError(
                .internalBug, reason: "plugin.dropped",
                "the plugin let go of the call without an answer; report it to its author"))
    }

    var isCancelled: Bool {
        guard let host = host.host else { return false }
        return host.pointee.cancelled(host, op) != 0
    }

    /// Says something before the end.
    ///
    /// Returns: Whether the host took it; it asks to slow down otherwise.
    /// Throws: `cancelled`, or what else the host answers.
    func emit(_ json: JSON) throws(PluginError) -> Bool {
        guard let host = host.host else { return true }
        let text = try bounded(json)
        let code = text.withUnsafeBytes { bytes in
            host.pointee.emit(
                host, op, fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), nil, 0)
        }
        switch code {
        case 0: return true
        case PluginError.Code.exhausted.rawValue: return false
        case PluginError.Code.cancelled.rawValue: throw Self.cancelled
        default:
            throw PluginError(
                .init(rawValue: code), reason: "emit.refused",
                "the host refused what was said before the end, with code \(code)")
        }
    }

    func succeed(_ json: JSON, _ parts: [Part] = []) {
        do throws(PluginError) {
            let text = try bounded(json)
            try Part.check(parts)
            guard claim(), let host = host.host else { return }
            _ = try withParts(parts) { blobs, count in
                text.withUnsafeBytes { bytes in
                    let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                    host.pointee.complete(host, op, nil, view, blobs, count)
                }
                return 0
            }
        } catch {
            fail(error)
        }
    }

    func fail(_ error: PluginError, _ json: JSON? = nil) {
        guard claim(), let host = host.host else { return }
        var report = fan_error()
        report.struct_size = UInt32(MemoryLayout<fan_error>.size)
        // A code of 0 would be read as success.
        let error =
            error.code.rawValue == 0
            ? PluginError(.unknown, reason: error.reason, error.message) : error
        _ = error.fill(&report)
        (json?.bytes ?? []).withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            host.pointee.complete(host, op, &report, view, nil, 0)
        }
    }

    /// Whether this is the first answer.
    private func claim() -> Bool {
        guard answered.exchange(true, ordering: .acquiringAndReleasing) else { return true }
        host.log(.warn, "a call was answered more than once; the first answer counts")
        return false
    }

    private func bounded(_ json: JSON) throws(PluginError) -> [UInt8] {
        let text = json.bytes
        guard text.count <= FAN_MAX_SPEC_BYTES else {
            throw HostSink.tooMuch("bytes of JSON in an answer", FAN_MAX_SPEC_BYTES, text.count)
        }
        return text
    }
}
