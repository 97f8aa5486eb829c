import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// The services of a check's host, by id; all of them, since what depends on one must work somewhere.
enum CallServices {
    /// Round trip of a request, in nanoseconds of simulated time.
    static let latency: UInt64 = 20_000_000
    /// How long a request may take without a limit of its own, in milliseconds.
    static let timeout: Int64 = 30_000

    nonisolated(unsafe) static let tables: [String: UnsafeRawPointer] = [
        "fanfold.lane/1": UnsafeRawPointer(TablePlacement.plain.place(lane)),
        "fanfold.http/1": UnsafeRawPointer(TablePlacement.plain.place(http)),
        "fanfold.store/1": UnsafeRawPointer(TablePlacement.plain.place(store)),
        "fanfold.metrics/1": UnsafeRawPointer(TablePlacement.plain.place(metrics)),
        "fanfold.blob/1": UnsafeRawPointer(TablePlacement.plain.place(blobs)),
    ]

    private static var lane: fan_lane {
        fan_lane(
            struct_size: UInt32(MemoryLayout<fan_lane>.size), reserved: 0,
            post: { host, function, user in
                let host = CallHost.of(host)
                host.step()
                host.world.post { function(user) }
            },
            after: { host, delay, function, user in
                let host = CallHost.of(host)
                host.step()
                host.world.after(delay) { function(user) }
            },
            spawn: { host, function, user in
                let host = CallHost.of(host)
                host.step()
                host.world.spawn { function(user) }
            })
    }

    private static var store: fan_store {
        fan_store(
            struct_size: UInt32(MemoryLayout<fan_store>.size), reserved: 0,
            get: { host, key, out, _ in
                let host = CallHost.of(host)
                host.step()
                out.pointee = host.hand(host.value(String(cString: key)) ?? [])
                return fan_code(FAN_OK)
            },
            put: { host, key, value, _ in
                let host = CallHost.of(host)
                host.step()
                host.setValue(String(cString: key), TakenParts.bytes(value))
                return fan_code(FAN_OK)
            })
    }

    private static var metrics: fan_metrics {
        fan_metrics(
            struct_size: UInt32(MemoryLayout<fan_metrics>.size), reserved: 0,
            add: { _, _, _, _ in }, observe: { _, _, _, _ in })
    }

    private static var blobs: fan_blobs {
        fan_blobs(
            struct_size: UInt32(MemoryLayout<fan_blobs>.size), reserved: 0,
            alloc: { host, size, out, _ in
                guard size <= 1 << 30 else { return fan_code(FAN_EXHAUSTED) }
                out.pointee = CallHost.of(host).hand([UInt8](repeating: 0, count: Int(size)))
                out.pointee.flags = 0
                return fan_code(FAN_OK)
            })
    }

    private static var http: fan_http {
        fan_http(
            struct_size: UInt32(MemoryLayout<fan_http>.size), reserved: 0,
            fetch: { host, within, request, body, done, user in
                let bytes = TakenParts.take(body, body == nil ? 0 : 1).first?.bytes ?? []
                HTTPExchange(
                    host: CallHost.of(host), within: within, done: { done(user, $0, $1, $2, $3) }
                ).start(TakenParts.bytes(request), bytes)
            })
    }
}

/// One request and its answer, which comes exactly once and on the lane.
private final class HTTPExchange {
    typealias Done = (
        UnsafePointer<fan_error>?, Int32, fan_view, UnsafeMutablePointer<fan_blob>?
    ) -> Void

    private let host: CallHost
    private let within: fan_op
    private let done: Done
    private var number = 0
    private var isOver = false

    init(host: CallHost, within: fan_op, done: @escaping Done) {
        self.host = host
        self.within = within
        self.done = done
    }

    func start(_ document: [UInt8], _ body: [UInt8]) {
        number = host.step()
        let isWanted = host.expect(within, number) { [self] in
            fail(FAN_CANCELLED, FAN_RETRY_NEVER, "cancelled", "the call is not wanted any more")
        }
        guard isWanted else {
            host.world.post { [self] in
                fail(FAN_CANCELLED, FAN_RETRY_NEVER, "cancelled", "the call is not wanted any more")
            }
            return
        }
        guard let json = try? JSON(parsing: document), let url = json["url"]?.stringValue else {
            host.fault("a request to fanfold.http/1 is no JSON with a \"url\"")
            host.world.post { [self] in
                fail(FAN_INVALID, FAN_RETRY_NEVER, "http.request", "the request is no JSON")
            }
            return
        }
        let request = CloudRequest(json, url: url, body: body)
        host.world.after(CallServices.latency / 2) { [self] in
            let reply = host.cloud.answer(request)
            if case .silence = reply { return }
            host.world.after(CallServices.latency / 2) { [self] in receive(reply) }
        }
        let limit = json["timeout_ms"]?.integerValue ?? CallServices.timeout
        host.world.after(UInt64(max(1, limit)) * 1_000_000) { [self] in
            fail(
                FAN_DEADLINE, FAN_RETRY_LATER, "http.timeout",
                "no answer within \(limit) ms")
        }
        let deadline = host.deadline(within)
        guard deadline > 0 else { return }
        let now = host.world.now
        host.world.after(deadline > now ? deadline - now : 0) { [self] in
            fail(FAN_DEADLINE, FAN_RETRY_LATER, "deadline", "the deadline of the call is over")
        }
    }

    private func receive(_ reply: CloudReply) {
        switch reply {
        case .silence: return
        case .broken:
            fail(
                FAN_UNAVAILABLE, FAN_RETRY_LATER, "http.reset",
                "the connection was reset by the other side")
        case .answer(let status, let headers, let body):
            finish(nil, Int32(status), headers.bytes, body)
        }
    }

    private func fail(_ code: Int, _ retry: Int, _ reason: String, _ message: String) {
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        error.code = fan_code(code)
        error.retry = UInt32(retry)
        Self.fill(&error.reason, reason)
        Self.fill(&error.message, message)
        finish(error, 0, Array("{}".utf8), [])
    }

    private func finish(_ error: fan_error?, _ status: Int32, _ headers: [UInt8], _ body: [UInt8]) {
        guard !isOver else { return }
        isOver = true
        host.forget(within, number)
        var blob = host.hand(body)
        headers.withUnsafeBytes { headers in
            let view = fan_view(data: headers.baseAddress, size: UInt64(headers.count))
            withUnsafeMutablePointer(to: &blob) { blob in
                let part = body.isEmpty ? nil : blob
                guard let error else { return done(nil, status, view, part) }
                withUnsafePointer(to: error) { done($0, status, view, part) }
            }
        }
    }

    private static func fill<Field>(_ field: inout Field, _ text: String) {
        withUnsafeMutableBytes(of: &field) { field in
            field.copyBytes(from: text.utf8.prefix(field.count - 1))
        }
    }
}
