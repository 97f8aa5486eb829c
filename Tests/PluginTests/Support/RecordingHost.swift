import CPluginABI
import FanfoldJSON
import Testing

/// A raw `fan_host` that notes what a plugin says, and hands out the services it is told to.
///
/// The tables are C functions without a context, so the notes are global: a suite that uses them
/// is `.serialized`, and begins by `reset`.
enum RecordingHost {
    struct Answer {
        var op: UInt64
        var code: Int32
        var retry: UInt32
        var reason: String
        var message: String
        var json: String
        var parts: [[UInt8]]
    }

    nonisolated(unsafe) static var answers: [Answer] = []
    nonisolated(unsafe) static var emitted: [String] = []
    nonisolated(unsafe) static var logged: [String] = []
    nonisolated(unsafe) static var cancelled = false
    /// What `emit` answers, first to last; 0 once there are no more.
    nonisolated(unsafe) static var emitCodes: [Int32] = []
    nonisolated(unsafe) static var services: Set<String> = []
    nonisolated(unsafe) static var requests: [(document: String, body: String)] = []
    /// What the next fetches answer; a fetch beyond them is never answered.
    nonisolated(unsafe) static var replies: [(status: Int32, headers: String, body: String)] = []
    nonisolated(unsafe) static var answersTwice = false
    nonisolated(unsafe) static var lanes: [() -> Void] = []
    nonisolated(unsafe) static var delays: [UInt64] = []
    nonisolated(unsafe) static var stored: [String: [UInt8]] = [:]
    nonisolated(unsafe) static var figures: [String] = []

    static func reset(services: Set<String> = []) {
        (answers, emitted, logged, cancelled, emitCodes) = ([], [], [], false, [])
        (self.services, requests, replies, answersTwice) = (services, [], [], false)
        (lanes, delays, stored, figures) = ([], [], [:], [])
    }

    /// Runs what was posted, until nothing is left.
    static func runLanes() {
        while !lanes.isEmpty { lanes.removeFirst()() }
    }

    /// Lives as long as the process, as instances may.
    nonisolated(unsafe) static let table: UnsafeMutablePointer<fan_host> = {
        let table = UnsafeMutablePointer<fan_host>.allocate(capacity: 1)
        let name = UnsafeMutablePointer<CChar>.allocate(capacity: 5)
        name.initialize(from: [116, 101, 115, 116, 0], count: 5)
        table.initialize(
            to: fan_host(
                struct_size: UInt32(MemoryLayout<fan_host>.size), abi_minor: 0, host_data: nil,
                name: name, version: name,
                service: { _, id in RecordingHost.service(String(cString: id)) },
                log: { _, _, message, _ in RecordingHost.logged.append(String(cString: message)) },
                now: { _ in 0 },
                emit: { _, _, json, _, _ in RecordingHost.emit(json) },
                complete: { RecordingHost.complete($1, $2, $3, $4, $5) },
                cancelled: { _, _ in RecordingHost.cancelled ? 1 : 0 }))
        return table
    }()

    static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    private static func text(_ view: fan_view) -> String {
        String(
            decoding: UnsafeRawBufferPointer(start: view.data, count: Int(view.size)),
            as: UTF8.self)
    }

    private static func emit(_ json: fan_view) -> Int32 {
        let code = emitCodes.isEmpty ? 0 : emitCodes.removeFirst()
        if code == 0 { emitted.append(text(json)) }
        return code
    }

    private static func complete(
        _ op: fan_op, _ error: UnsafePointer<fan_error>?, _ json: fan_view,
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) {
        var bytes: [[UInt8]] = []
        for index in 0..<Int(count) {
            guard let part = parts.map({ $0 + index }) else { continue }
            bytes.append(
                Array(
                    UnsafeRawBufferPointer(
                        start: part.pointee.data, count: Int(part.pointee.size))))
            part.pointee.release?(part)
        }
        answers.append(
            Answer(
                op: op, code: error?.pointee.code ?? 0, retry: error?.pointee.retry ?? 0,
                reason: error.map { text($0.pointee.reason) } ?? "",
                message: error.map { text($0.pointee.message) } ?? "", json: text(json),
                parts: bytes))
    }
}

extension RecordingHost {
    fileprivate static func service(_ id: String) -> UnsafeRawPointer? {
        guard services.contains(id) else { return nil }
        switch id {
        case "fanfold.http/1": return UnsafeRawPointer(http)
        case "fanfold.lane/1": return UnsafeRawPointer(lane)
        case "fanfold.store/1": return UnsafeRawPointer(store)
        case "fanfold.metrics/1": return UnsafeRawPointer(metrics)
        case "fanfold.blob/1": return UnsafeRawPointer(blobs)
        default: return nil
        }
    }

    private static func constant<T>(_ table: T) -> UnsafeMutablePointer<T> {
        let memory = UnsafeMutablePointer<T>.allocate(capacity: 1)
        memory.initialize(to: table)
        return memory
    }

    nonisolated(unsafe) static let http = constant(
        fan_http(
            struct_size: UInt32(MemoryLayout<fan_http>.size), reserved: 0,
            fetch: { _, _, request, body, done, user in
                var text = ""
                if let body {
                    let view = fan_view(data: body.pointee.data, size: body.pointee.size)
                    text = RecordingHost.text(view)
                    body.pointee.release?(body)
                }
                RecordingHost.requests.append((RecordingHost.text(request), text))
                guard !RecordingHost.replies.isEmpty else { return }
                let reply = RecordingHost.replies.removeFirst()
                let times = RecordingHost.answersTwice ? 2 : 1
                RecordingHost.lanes.append {
                    for _ in 0..<times { RecordingHost.reply(reply, done, user) }
                }
            }))

    private static func reply(
        _ reply: (status: Int32, headers: String, body: String),
        _ done:
            @convention(c) (
                UnsafeMutableRawPointer?, UnsafePointer<fan_error>?, Int32, fan_view,
                UnsafeMutablePointer<fan_blob>?
            ) -> Void, _ user: UnsafeMutableRawPointer?
    ) {
        Array(reply.headers.utf8).withUnsafeBytes { headers in
            Array(reply.body.utf8).withUnsafeBytes { body in
                var error = fan_error()
                error.code = reply.status == 0 ? 14 : 0
                error.retry = 1
                var blob = fan_blob()
                blob.kind = 1
                blob.data = body.baseAddress
                blob.size = UInt64(body.count)
                let view = fan_view(data: headers.baseAddress, size: UInt64(headers.count))
                done(user, &error, reply.status, view, &blob)
            }
        }
    }

    nonisolated(unsafe) static let lane = constant(
        fan_lane(
            struct_size: UInt32(MemoryLayout<fan_lane>.size), reserved: 0,
            post: { _, work, user in RecordingHost.lanes.append { work(user) } },
            after: { _, delay, work, user in
                RecordingHost.delays.append(delay)
                RecordingHost.lanes.append { work(user) }
            },
            spawn: { _, work, user in RecordingHost.lanes.append { work(user) } }))

    nonisolated(unsafe) static let store = constant(
        fan_store(
            struct_size: UInt32(MemoryLayout<fan_store>.size), reserved: 0,
            get: { _, key, out, _ in
                let value = RecordingHost.stored[String(cString: key)] ?? []
                let memory = UnsafeMutableRawBufferPointer.allocate(
                    byteCount: value.count, alignment: 1)
                memory.copyBytes(from: value)
                out.pointee.kind = 1
                out.pointee.data = UnsafeRawPointer(memory.baseAddress)
                out.pointee.size = UInt64(value.count)
                out.pointee.release = { blob in
                    blob.pointee.data?.deallocate()
                    blob.pointee.release = nil
                }
                return 0
            },
            put: { _, key, value, error in
                guard value.size < 10 else {
                    error?.pointee.retry = 3
                    return 8
                }
                RecordingHost.stored[String(cString: key)] = Array(RecordingHost.text(value).utf8)
                return 0
            }))

    nonisolated(unsafe) static let metrics = constant(
        fan_metrics(
            struct_size: UInt32(MemoryLayout<fan_metrics>.size), reserved: 0,
            add: { _, name, value, labels in
                RecordingHost.figures.append(
                    "+\(String(cString: name)) \(value) \(RecordingHost.text(labels))")
            },
            observe: { _, name, value, labels in
                RecordingHost.figures.append(
                    "=\(String(cString: name)) \(value) \(RecordingHost.text(labels))")
            }))

    nonisolated(unsafe) static let blobs = constant(
        fan_blobs(
            struct_size: UInt32(MemoryLayout<fan_blobs>.size), reserved: 0,
            alloc: { _, size, out, _ in
                out.pointee.kind = 1
                out.pointee.data = UnsafeRawPointer(
                    UnsafeMutableRawPointer.allocate(byteCount: Int(size), alignment: 8))
                out.pointee.size = size
                out.pointee.release = { blob in
                    blob.pointee.data?.deallocate()
                    blob.pointee.release = nil
                }
                return 0
            }))
}
