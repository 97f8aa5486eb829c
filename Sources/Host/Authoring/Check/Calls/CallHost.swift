import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// The host of one instance: takes what the plugin says about its calls, and serves it.
///
/// It stays until the process ends, so that what a plugin says after `destroy` is noticed instead of
/// undefined.
final class CallHost: @unchecked Sendable {
    // Unchecked: everything that changes is touched under `lock` only.

    /// Operations whose answer may be awaited; more at once is a fault of the check.
    private static let firstOperation: UInt64 = 1_000

    let world: CallWorld
    let cloud: FakeCloud
    private(set) var table: UnsafeMutablePointer<fan_host>
    private let lock = CallLock()
    private var calls: [UInt64: CallRecord] = [:]
    private var newest: CallRecord?
    private var nextOperation = CallHost.firstOperation
    private var isDestroyed = false
    private var found: [String] = []
    private var written: [String] = []
    private var values: [String: [UInt8]] = [:]
    private var memories: [HandedMemory] = []
    private var steps = 0
    private var services: [String: UnsafeRawPointer] = [:]
    private var emits = 0
    /// Of so many emits, one is taken, and the others are answered FAN_EXHAUSTED.
    var takesEmit = 1
    /// Told of each thing a plugin does with its host, by number: the places for a cancel.
    var onStep: ((Int) -> Void)?

    /// A host that offers every service but those withheld.
    init(_ world: CallWorld, _ cloud: FakeCloud, withholding: Set<String> = []) {
        self.world = world
        self.cloud = cloud
        table = TablePlacement.plain.place(
            fan_host(
                struct_size: UInt32(MemoryLayout<fan_host>.size), abi_minor: UInt32(FAN_ABI_MINOR),
                host_data: nil, name: MockHost.constant("fanfold plugin check"),
                version: MockHost.constant("1.0.0"),
                service: { host, id in CallHost.of(host).service(String(cString: id)) },
                log: { host, _, message, fields in
                    CallHost.of(host).log(String(cString: message), TakenParts.bytes(fields))
                },
                now: { CallHost.of($0).world.now },
                emit: { CallHost.of($0).emit($1, $2, $3, $4) },
                complete: { CallHost.of($0).complete($1, $2, $3, $4, $5) },
                cancelled: { CallHost.of($0).isCancelled($1) ? 1 : 0 }))
        table.pointee.host_data = Unmanaged.passRetained(self).toOpaque()
        services = CallServices.tables.filter { !withholding.contains($0.key) }
    }

    static func of(_ host: UnsafePointer<fan_host>) -> CallHost {
        guard let data = host.pointee.host_data else {
            preconditionFailure("the host of a call carries its object")
        }
        return Unmanaged<CallHost>.fromOpaque(data).takeUnretainedValue()
    }

    // MARK: What a check asks

    /// What broke the rules of calls so far.
    var faults: [String] { lock.locked { found } }
    /// The lines of the log, with their fields.
    var logs: [String] { lock.locked { written } }
    /// How many things the plugin has done with its host.
    var stepCount: Int { lock.locked { steps } }

    /// Begins to write down a call.
    func open(_ name: String, deadline: UInt64 = 0) -> CallRecord {
        lock.locked {
            let record = CallRecord(op: nextOperation, name: name, deadline: deadline)
            calls[nextOperation] = record
            newest = record
            nextOperation += 1
            return record
        }
    }

    /// The call that was begun last.
    var newestCall: CallRecord? { lock.locked { newest } }

    /// When a call must be over; 0 for never.
    func deadline(_ op: fan_op) -> UInt64 { lock.locked { calls[op]?.deadline ?? 0 } }

    /// Whether the call is answered.
    func isAnswered(_ record: CallRecord) -> Bool { lock.locked { !record.answers.isEmpty } }

    /// Loses interest in a call; requests on their way end at once.
    func cancel(_ record: CallRecord) {
        let pending = lock.locked {
            guard record.cancelledAt == nil else { return [() -> Void]() }
            record.cancelledAt = world.now
            defer { record.pending.removeAll() }
            return record.pending.sorted { $0.key < $1.key }.map(\.value)
        }
        for end in pending { world.post(end) }
    }

    /// Says that the instance is gone.
    func close() {
        lock.locked { isDestroyed = true }
    }

    /// What was not given back exactly once.
    var releaseFaults: [String] {
        lock.locked {
            memories.enumerated().filter { $1.releases != 1 }.map { number, memory in
                "blob number \(number) that the host handed over was released "
                    + "\(memory.releases) times instead of once"
            }
        }
    }

    func fault(_ text: String) {
        lock.locked { found.append(text) }
    }

    // MARK: What a plugin says

    /// Counts a thing that the plugin did.
    ///
    /// Returns: Its number, which no other has.
    @discardableResult
    func step() -> Int {
        let (number, told) = lock.locked {
            steps += 1
            return (steps, onStep)
        }
        told?(number)
        return number
    }

    private func service(_ id: String) -> UnsafeRawPointer? { lock.locked { services[id] } }

    private func log(_ message: String, _ fields: [UInt8]) {
        lock.locked { written.append(message + " " + String(decoding: fields, as: UTF8.self)) }
    }

    private func isCancelled(_ op: fan_op) -> Bool {
        lock.locked { calls[op].map { $0.cancelledAt != nil } ?? true }
    }

    private func emit(
        _ op: fan_op, _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        step()
        let bytes = TakenParts.bytes(json)
        let verdict = lock.locked {
            guard let record = calls[op] else {
                found.append("it emits for the operation \(op), which it was never given")
                return FAN_CANCELLED
            }
            guard record.answers.isEmpty else {
                found.append("it emits for \(record.name) after it has completed it")
                return FAN_CANCELLED
            }
            guard record.cancelledAt == nil else { return FAN_CANCELLED }
            emits += 1
            return emits % takesEmit == 0 ? FAN_OK : FAN_EXHAUSTED
        }
        guard verdict == FAN_OK else { return fan_code(verdict) }
        let taken = TakenParts.take(parts, count)
        var answer = CallAnswer(code: 0)
        answer.text = String(decoding: bytes, as: UTF8.self)
        answer.json = (try? JSON(parsing: bytes)) ?? .null
        answer.parts = taken
        lock.locked { calls[op]?.emitted.append(answer) }
        return fan_code(FAN_OK)
    }

    private func complete(
        _ op: fan_op, _ error: UnsafePointer<fan_error>?, _ json: fan_view,
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) {
        let bytes = TakenParts.bytes(json)
        var answer = CallAnswer(code: error?.pointee.code ?? 0)
        if let error, answer.code != 0 {
            answer.retry = error.pointee.retry
            answer.retryAfterMilliseconds = error.pointee.retry_after_ms
            answer.reason = Self.text(error.pointee.reason)
            answer.message = Self.text(error.pointee.message)
        }
        answer.text = String(decoding: bytes, as: UTF8.self)
        answer.json = (try? JSON(parsing: bytes)) ?? .null
        answer.parts = TakenParts.take(parts, count)
        answer.time = world.now
        lock.locked {
            guard let record = calls[op] else {
                found.append("it completes the operation \(op), which it was never given")
                return
            }
            if isDestroyed { found.append("it completes \(record.name) after destroy") }
            record.answers.append(answer)
            if record.answers.count == 2 {
                found.append("it completes \(record.name) twice")
            }
        }
        world.notify()
    }

    static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    // MARK: Services

    /// A request on its way that ends at once when the call is cancelled.
    ///
    /// Returns: Whether the call is still wanted.
    func expect(_ op: fan_op, _ number: Int, _ end: @escaping () -> Void) -> Bool {
        lock.locked {
            guard let record = calls[op] else {
                found.append("it sends a request within the operation \(op), which is none of its")
                return true
            }
            guard record.cancelledAt == nil else { return false }
            record.pending[number] = end
            return true
        }
    }

    /// Takes back what `expect` was told.
    func forget(_ op: fan_op, _ number: Int) {
        lock.locked { calls[op]?.pending[number] = nil }
    }

    /// Memory that the plugin is handed and must release.
    func hand(_ bytes: [UInt8]) -> fan_blob {
        guard !bytes.isEmpty else { return fan_blob() }
        let memory = HandedMemory(bytes)
        lock.locked { memories.append(memory) }
        return memory.blob(count: bytes.count)
    }

    func value(_ key: String) -> [UInt8]? { lock.locked { values[key] } }

    func setValue(_ key: String, _ value: [UInt8]) {
        lock.locked { values[key] = value.isEmpty ? nil : value }
    }
}
