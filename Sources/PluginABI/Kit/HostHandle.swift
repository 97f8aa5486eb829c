import CPluginABI
import FanfoldJSON

/// What a plugin may ask of the host that runs it: lines in its log, its clock, its services.
///
/// A handle is good for as long as the instance that was given it.  A service is `nil` where the
/// host withholds it; a strategy needs none.
///
/// The pointer in it is only read, and the host allows these calls from any thread at any time:
/// hence `@unchecked Sendable`.
public struct HostHandle: @unchecked Sendable {
    /// How much a log line matters.
    public enum LogLevel: Int32, Sendable {
        /// Every step.
        case trace = 0
        /// For the author of the plugin.
        case debug = 1
        /// For the person who runs the pipeline.
        case info = 2
        /// Something is odd, and the work goes on.
        case warn = 3
        /// Something failed.
        case error = 4
    }

    let host: UnsafePointer<fan_host>?

    init(_ host: UnsafePointer<fan_host>?) {
        self.host = host
    }

    /// A host that writes no log, whose clock stands at 0, and that withholds every service.
    public static let silent = HostHandle(nil)

    /// Writes a log line.
    ///
    /// Keep the message constant and put what varies in `fields`.
    public func log(_ level: LogLevel, _ message: String, _ fields: JSONObject = JSONObject()) {
        guard let host else { return }
        let bytes = fields.isEmpty ? [] : JSON.object(fields).bytes
        bytes.withUnsafeBytes { fields in
            let view = fan_view(data: fields.baseAddress, size: UInt64(fields.count))
            message.withCString { host.pointee.log(host, level.rawValue, $0, view) }
        }
    }

    /// The host's monotonic clock, in nanoseconds.
    ///
    /// It is simulated under test and replay, so an answer of a strategy must not depend on it.
    public func now() -> UInt64 {
        guard let host else { return 0 }
        return host.pointee.now(host)
    }
}
