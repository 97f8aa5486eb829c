import CPluginABI
@preconcurrency import Glibc

/// The services of the made-up host: enough of each that a plugin can be made and asked.
///
/// Nothing is sent anywhere: a request ends as UNAVAILABLE, on the lane, when jobs are run.
enum MockServices {
    /// The services there are.
    static let ids = [
        "fanfold.blob/1", "fanfold.http/1", "fanfold.lane/1", "fanfold.metrics/1",
        "fanfold.store/1",
    ]

    /// The table of a service; `nil` if there is no such service.
    static func table(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case "fanfold.lane/1": UnsafeRawPointer(lane)
        case "fanfold.http/1": UnsafeRawPointer(http)
        case "fanfold.store/1": UnsafeRawPointer(store)
        case "fanfold.metrics/1": UnsafeRawPointer(metrics)
        case "fanfold.blob/1": UnsafeRawPointer(blobs)
        default: nil
        }
    }

    // Written once by their initialisers and only read from then on.
    private static nonisolated(unsafe) let lane = TablePlacement.plain.place(
        fan_lane(
            struct_size: UInt32(MemoryLayout<fan_lane>.size), reserved: 0,
            post: { host, function, user in MockHost.of(host).post { function(user) } },
            after: { host, _, function, user in MockHost.of(host).post { function(user) } },
            spawn: { host, function, user in MockHost.of(host).post { function(user) } }))

    private static nonisolated(unsafe) let http = TablePlacement.plain.place(
        fan_http(
            struct_size: UInt32(MemoryLayout<fan_http>.size), reserved: 0,
            fetch: { host, _, _, body, done, user in
                if let body, let release = body.pointee.release { release(body) }
                MockHost.of(host).post {
                    var error = fan_error()
                    error.struct_size = UInt32(MemoryLayout<fan_error>.size)
                    error.code = fan_code(FAN_UNAVAILABLE)
                    error.retry = UInt32(FAN_RETRY_LATER)
                    done(user, &error, 0, fan_view(data: nil, size: 0), nil)
                }
            }))

    private static nonisolated(unsafe) let store = TablePlacement.plain.place(
        fan_store(
            struct_size: UInt32(MemoryLayout<fan_store>.size), reserved: 0,
            get: { host, key, out, _ in
                out.pointee = blob(MockHost.of(host).value(String(cString: key)))
                return fan_code(FAN_OK)
            },
            put: { host, key, value, _ in
                let bytes = UnsafeRawBufferPointer(
                    start: value.data, count: value.data == nil ? 0 : Int(value.size))
                MockHost.of(host).keep(Array(bytes), String(cString: key))
                return fan_code(FAN_OK)
            }))

    private static nonisolated(unsafe) let metrics = TablePlacement.plain.place(
        fan_metrics(
            struct_size: UInt32(MemoryLayout<fan_metrics>.size), reserved: 0,
            add: { host, _, _, _ in MockHost.of(host).onCall() },
            observe: { host, _, _, _ in MockHost.of(host).onCall() }))

    private static nonisolated(unsafe) let blobs = TablePlacement.plain.place(
        fan_blobs(
            struct_size: UInt32(MemoryLayout<fan_blobs>.size), reserved: 0,
            alloc: { _, size, out, _ in
                guard let count = Int(exactly: size), count <= 1 << 30 else {
                    return fan_code(FAN_EXHAUSTED)
                }
                out.pointee = blob([UInt8](repeating: 0, count: count))
                return fan_code(FAN_OK)
            }))

    private static func blob(_ bytes: [UInt8]) -> fan_blob {
        var blob = fan_blob()
        guard let memory = malloc(max(1, bytes.count)) else { return blob }
        bytes.withUnsafeBytes { if let from = $0.baseAddress { memcpy(memory, from, $0.count) } }
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.data = UnsafeRawPointer(memory)
        blob.size = UInt64(bytes.count)
        blob.owner = memory
        blob.release = { blob in
            free(blob.pointee.owner)
            blob.pointee.release = nil
        }
        return blob
    }
}
