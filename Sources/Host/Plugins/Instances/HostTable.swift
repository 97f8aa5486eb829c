import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Logging

/// The `fan_host` of one instance: what the plugin may ask of us.
///
/// Its functions may be called from any thread until `destroy` returns, so an instance that was
/// never destroyed keeps its table for ever.
final class HostTable: Sendable {
    /// How long a log line may be, in bytes; what is longer is left out.
    static let maximumLogBytes = 4_096

    // Constant once made; the strings are freed with it.
    nonisolated(unsafe) let table: UnsafeMutablePointer<fan_host>
    private nonisolated(unsafe) let name: UnsafeMutablePointer<CChar>
    private nonisolated(unsafe) let version: UnsafeMutablePointer<CChar>
    private let logger: Logger
    private let now: @Sendable () -> UInt64
    /// What only executors and providers have: calls that end later, and services.
    let calls: Calls?
    let metrics: (any MetricsService)?

    /// The parts of a host that asynchronous calls need.
    struct Calls: Sendable {
        var book: CallBook
        var lane: InstanceLane
        var services: PluginServices
    }

    /// Parameter now: Nanoseconds of the monotonic clock, or of a simulated one.
    init(
        name: String, version: String, logger: Logger, now: @escaping @Sendable () -> UInt64,
        calls: Calls? = nil, metrics: (any MetricsService)? = nil
    ) {
        self.logger = logger
        self.now = now
        self.calls = calls
        self.metrics = metrics ?? calls?.services.metrics
        self.name = Self.text(name)
        self.version = Self.text(version)
        table = .allocate(capacity: 1)
        table.initialize(to: Self.makeTable(self.name, self.version))
        table.pointee.host_data = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        table.deallocate()
        name.deallocate()
        version.deallocate()
    }

    /// The real clock.
    @Sendable static func monotonicNow() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private static func text(_ text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        return copy
    }

    private static func makeTable(
        _ name: UnsafePointer<CChar>, _ version: UnsafePointer<CChar>
    ) -> fan_host {
        fan_host(
            struct_size: UInt32(MemoryLayout<fan_host>.size), abi_minor: UInt32(HostABI.minor),
            host_data: nil, name: name, version: version,
            service: { host, id in HostTable.of(host)?.service(id) },
            log: { HostTable.of($0)?.log($1, $2, $3) },
            now: { HostTable.of($0)?.now() ?? 0 },
            emit: { host, op, json, parts, count in
                HostTable.of(host)?.emit(op, json, parts, count) ?? fan_code(FAN_PRECONDITION)
            },
            complete: { host, op, error, json, parts, count in
                HostTable.of(host)?.complete(op, error, json, parts, count)
            },
            cancelled: { host, op in HostTable.of(host)?.isCancelled(op) ?? true ? 1 : 0 })
    }

    static func of(_ table: UnsafePointer<fan_host>) -> HostTable? {
        table.pointee.host_data.map { Unmanaged<HostTable>.fromOpaque($0).takeUnretainedValue() }
    }

    private func service(_ id: UnsafePointer<CChar>) -> UnsafeRawPointer? {
        guard case .text(let id) = BoundedText(id, limit: Int(FAN_MAX_NAME_BYTES)) else {
            return nil
        }
        return ServiceTables.table(id, for: self)
    }

    /// No call of a strategy is asynchronous: there is no operation to speak of.
    func misuse(_ function: String, _ op: fan_op) {
        logger.warning(
            "plugin breaks the contract",
            metadata: ["what": "host->\(function) for operation \(op), which does not exist"])
    }

    private func log(_ level: Int32, _ message: UnsafePointer<CChar>, _ fields: fan_view) {
        let text =
            switch BoundedText(message, limit: Self.maximumLogBytes) {
            case .text(let text): text
            case .tooLong: "(a line of more than \(Self.maximumLogBytes) bytes was left out)"
            case .notUTF8: "(a line that is not UTF-8 was left out)"
            }
        logger.log(
            level: Self.level(level), "plugin says",
            metadata: ["text": "\(text)"].merging(Self.metadata(fields)) { text, _ in text })
    }

    private static func level(_ level: Int32) -> Logger.Level {
        switch Int(level) {
        case FAN_LOG_TRACE: .trace
        case FAN_LOG_DEBUG: .debug
        case FAN_LOG_WARN: .warning
        case FAN_LOG_ERROR: .error
        default: .info
        }
    }

    static func metadata(_ fields: fan_view) -> Logger.Metadata {
        guard fields.size > 0 else { return [:] }
        guard fields.data != nil, fields.size <= UInt64(maximumLogBytes) else {
            return ["fields": "(left out: more than \(maximumLogBytes) bytes)"]
        }
        do throws(JSONParseError) {
            let object = try JSON(parsing: fields.bytes).objectValue ?? JSONObject()
            let pairs = object.members.map { key, value in
                (key, Logger.MetadataValue.string(value.stringValue ?? value.text))
            }
            return Logger.Metadata(pairs) { _, last in last }
        } catch {
            return ["fields": "(not JSON: \(error))"]
        }
    }
}
