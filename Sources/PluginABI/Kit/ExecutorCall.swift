import CPluginABI
import FanfoldJSON

/// The circumstances of one call of an executor.
///
/// Good until that call returns.
public struct ExecutorCall: Sendable {
    /// What a call in a test is like: nobody cancels it, and nobody sees its progress.
    public static let silent = ExecutorCall(call: OpenCall(host: .silent, op: 0))

    let call: OpenCall

    /// The time by which the answer is wanted, on the host's clock; `nil` if there is none.
    public var deadlineNanoseconds: UInt64? { call.deadline }
    /// The W3C trace context of the caller, to hand on to a server.
    public var traceparent: String? { call.traceparent }

    /// Whether the host no longer wants the answer.
    ///
    /// Cheap: ask it in every loop that takes more than a few milliseconds.
    public var isCancelled: Bool { call.isCancelled }

    /// Ends the call if the host no longer wants the answer.
    ///
    /// Throws: `cancelled`.
    public func checkCancellation() throws(PluginError) {
        if isCancelled { throw OpenCall.cancelled }
    }

    /// Says how far the call is, from 0 to 1.
    ///
    /// A host that is busy does not hear it, which is no error.
    /// Throws: `cancelled` if the host no longer wants the answer.
    public func progress(_ fraction: Double, _ message: String = "") throws(PluginError) {
        var object = JSONObject()
        object["progress"] = .number(fraction.isFinite ? min(1, max(0, fraction)) : 0)
        if !message.isEmpty { object["message"] = .string(message) }
        _ = try call.emit(.object(object))
    }
}
