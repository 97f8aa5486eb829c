import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// The tables behind `fan_host.service`: constant, one of each for the whole process.
enum ServiceTables {
    static let laneID = "fanfold.lane/1"
    static let httpID = "fanfold.http/1"
    static let storeID = "fanfold.store/1"
    static let metricsID = "fanfold.metrics/1"
    static let blobID = "fanfold.blob/1"

    /// Memory that one call of `fanfold.blob/1` may ask for, in bytes.
    static let blobBytes: UInt64 = 1 << 40

    // Written once, never changed or freed.
    nonisolated(unsafe) private static let lane = constant(
        fan_lane(
            struct_size: UInt32(MemoryLayout<fan_lane>.size), reserved: 0,
            post: { host, body, user in
                let work = LaneWork(body, user)
                _ = HostTable.of(host)?.calls?.lane.post { work.run() }
            },
            after: { host, delay, body, user in
                let work = LaneWork(body, user)
                _ = HostTable.of(host)?.calls?.lane.after(delay) { work.run() }
            },
            spawn: { host, body, user in
                let work = LaneWork(body, user)
                _ = HostTable.of(host)?.calls?.lane.spawn { work.run() }
            }))
    nonisolated(unsafe) private static let http = constant(
        fan_http(
            struct_size: UInt32(MemoryLayout<fan_http>.size), reserved: 0,
            fetch: { host, _, request, body, done, user in
                HTTPFetch(done: done, user: user).begin(HostTable.of(host), request, body)
            }))
    nonisolated(unsafe) private static let store = constant(
        fan_store(
            struct_size: UInt32(MemoryLayout<fan_store>.size), reserved: 0,
            get: { host, key, out, error in
                StoreCall(HostTable.of(host), error).get(key, out)
            },
            put: { host, key, value, error in
                StoreCall(HostTable.of(host), error).put(key, value)
            }))
    nonisolated(unsafe) private static let metrics = constant(
        fan_metrics(
            struct_size: UInt32(MemoryLayout<fan_metrics>.size), reserved: 0,
            add: { host, name, value, labels in
                HostTable.of(host)?.figure(name, labels) { $0.add(value, to: $1, labels: $2) }
            },
            observe: { host, name, value, labels in
                HostTable.of(host)?.figure(name, labels) { $0.observe(value, of: $1, labels: $2) }
            }))
    nonisolated(unsafe) private static let blobs = constant(
        fan_blobs(
            struct_size: UInt32(MemoryLayout<fan_blobs>.size), reserved: 0,
            alloc: { _, size, out, error in
                guard size <= blobBytes, let memory = calloc(1, max(1, Int(size))) else {
                    let failure = PluginFailure(
                        code: fan_code(FAN_EXHAUSTED), retry: .later, reason: "blob.memory",
                        message: "there is no memory for \(size) bytes")
                    if let error { failure.write(to: &error.pointee) }
                    return fan_code(FAN_EXHAUSTED)
                }
                out.pointee = HostBlob.allocated(memory, size)
                return fan_code(FAN_OK)
            }))

    private static func constant<T>(_ table: T) -> UnsafeRawPointer {
        let memory = UnsafeMutablePointer<T>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UnsafeRawPointer(memory)
    }

    /// The table of a service that this host has for this instance; `nil` for every other id.
    static func table(_ id: String, for host: HostTable) -> UnsafeRawPointer? {
        switch id {
        case laneID: host.calls == nil ? nil : lane
        case httpID: host.calls?.services.http == nil ? nil : http
        case storeID: host.calls?.services.store == nil ? nil : store
        case metricsID: host.metrics == nil ? nil : metrics
        case blobID: blobs
        default: nil
        }
    }
}

/// A function of a plugin that is to run later.
private struct LaneWork: @unchecked Sendable {
    // Unchecked: the plugin said that they belong together and may run on another thread.
    private let body: @convention(c) (UnsafeMutableRawPointer?) -> Void
    private let user: UnsafeMutableRawPointer?

    init(
        _ body: @escaping @convention(c) (UnsafeMutableRawPointer?) -> Void,
        _ user: UnsafeMutableRawPointer?
    ) {
        self.body = body
        self.user = user
    }

    func run() { body(user) }
}

/// One call of `fanfold.http/1`.
private struct HTTPFetch: @unchecked Sendable {
    // Unchecked: the callback runs once, on the plugin's lane.
    typealias Done =
        @convention(c) (
            UnsafeMutableRawPointer?, UnsafePointer<fan_error>?, Int32, fan_view,
            UnsafeMutablePointer<fan_blob>?
        ) -> Void

    let done: Done
    let user: UnsafeMutableRawPointer?

    func begin(
        _ host: HostTable?, _ request: fan_view, _ body: UnsafeMutablePointer<fan_blob>?
    ) {
        guard let host, let calls = host.calls, let http = calls.services.http else { return }
        var bytes: [UInt8] = []
        if let body {
            if Int(body.pointee.kind) == FAN_BLOB_BYTES, let data = body.pointee.data {
                bytes = Array(
                    UnsafeRawBufferPointer(start: data, count: Int(clamping: body.pointee.size)))
            }
            HostBlob.release(&body.pointee)
        }
        do throws(PluginFailure) {
            guard request.size <= UInt64(FAN_MAX_SPEC_BYTES), request.data != nil else {
                throw PluginFailure(
                    code: fan_code(FAN_INVALID), reason: "request.",
                    message: "a request of \(request.size) bytes")
            }
            let parsed = try HTTPServiceRequest(json: request.bytes, body: bytes)
            http.fetch(parsed) { result in
                _ = calls.lane.post { finish(result) }
            }
        } catch {
            let failure = error
            _ = calls.lane.post { finish(.failure(failure)) }
        }
    }

    private func finish(_ result: Result<HTTPServiceAnswer, PluginFailure>) {
        var body = fan_blob()
        let none = fan_view(data: nil, size: 0)
        switch result {
        case .failure(let failure):
            var error = fan_error()
            failure.write(to: &error)
            done(user, &error, 0, none, &body)
        case .success(let answer):
            body = HostBlob.own(answer.body, handle: 0)
            let headers = answer.headersJSON.bytes
            headers.withUnsafeBytes { bytes in
                let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                done(user, nil, Int32(clamping: answer.status), view, &body)
            }
        }
        // What the plugin did not keep.
        HostBlob.release(&body)
    }
}

/// One call of `fanfold.store/1`.
private struct StoreCall {
    private let store: (any StoreService)?
    private let error: UnsafeMutablePointer<fan_error>?

    init(_ host: HostTable?, _ error: UnsafeMutablePointer<fan_error>?) {
        store = host?.calls?.services.store
        self.error = error
    }

    func get(
        _ key: UnsafePointer<CChar>, _ out: UnsafeMutablePointer<fan_blob>
    ) -> fan_code {
        answer { () throws(PluginFailure) in
            guard let value = try store?.value(of: try text(key)) else {
                throw PluginFailure(
                    code: fan_code(FAN_NOT_FOUND), reason: "store.key",
                    message: "the store has no such key")
            }
            out.pointee = HostBlob.own(value, handle: 0)
        }
    }

    func put(_ key: UnsafePointer<CChar>, _ value: fan_view) -> fan_code {
        answer { () throws(PluginFailure) in
            guard value.size == 0 || value.data != nil, value.size <= UInt64(Int32.max) else {
                throw PluginFailure(
                    code: fan_code(FAN_INVALID), reason: "store.value",
                    message: "a value of \(value.size) bytes")
            }
            try store?.set(Array(value.bytes), for: try text(key))
        }
    }

    private func text(_ key: UnsafePointer<CChar>) throws(PluginFailure) -> String {
        if case .text(let text) = BoundedText(key, limit: Int(FAN_MAX_NAME_BYTES)) { return text }
        throw PluginFailure(
            code: fan_code(FAN_INVALID), reason: "store.key",
            message: "wanted a key of at most \(FAN_MAX_NAME_BYTES) bytes of UTF-8")
    }

    private func answer(_ body: () throws(PluginFailure) -> Void) -> fan_code {
        do throws(PluginFailure) {
            try body()
            return fan_code(FAN_OK)
        } catch let failure {
            if let error { failure.write(to: &error.pointee) }
            return failure.code
        }
    }
}
