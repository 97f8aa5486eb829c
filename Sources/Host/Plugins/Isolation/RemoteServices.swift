import FanfoldJSON
import Synchronization

/// What a service is asked for across the border.
enum ServiceRequest: UInt8 {
    case fetch = 1
    case get
    case put
}

/// The services of the host, seen from a helper: what is asked goes over the channel.
final class RemoteServices: HTTPService, StoreService, MetricsService {
    private enum Waiting: Sendable {
        case fetch(@Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void)
        case store
    }

    private struct State {
        var next: UInt64 = 1
        var waiting: [UInt64: Waiting] = [:]
        var values: [UInt64: Result<[UInt8]?, PluginFailure>] = [:]
    }

    private let channel: FrameChannel
    private let state = Monitor(State())

    init(channel: FrameChannel) {
        self.channel = channel
    }

    /// Those of the services that the host grants.
    func services(granted: [String]) -> PluginServices {
        PluginServices(
            http: granted.contains(ServiceTables.httpID) ? self : nil,
            store: granted.contains(ServiceTables.storeID) ? self : nil,
            metrics: granted.contains(ServiceTables.metricsID) ? self : nil)
    }

    private func open(_ waiting: Waiting) -> UInt64 {
        state.withLock { state in
            defer { state.next += 1 }
            state.waiting[state.next] = waiting
            return state.next
        }
    }

    private func ask(
        _ request: ServiceRequest, _ id: UInt64, _ write: (inout WireBody) -> Void
    ) {
        do throws(FrameChannel.End) {
            try channel.send(.ask) { body in
                body.wire.byte(request.rawValue)
                body.number(id)
                write(&body)
            }
        } catch {
            // The host is gone, and this process with it.
            return
        }
    }

    func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void
    ) {
        ask(.fetch, open(.fetch(done))) { body in
            body.bulk(request.json.bytes)
            body.bulk(request.body)
        }
    }

    func value(of key: String) throws(PluginFailure) -> [UInt8]? {
        let id = open(.store)
        ask(.get, id) { $0.text(key) }
        return try wait(id)
    }

    func set(_ value: [UInt8], for key: String) throws(PluginFailure) {
        let id = open(.store)
        ask(.put, id) { body in
            body.text(key)
            body.bulk(value)
        }
        _ = try wait(id)
    }

    private func wait(_ id: UInt64) throws(PluginFailure) -> [UInt8]? {
        let outcome = state.wait { $0.values.removeValue(forKey: id) }
        return try outcome?.get()
    }

    func add(_ value: Double, to name: String, labels: JSON) {
        figure(1, value, name, labels)
    }

    func observe(_ value: Double, of name: String, labels: JSON) {
        figure(2, value, name, labels)
    }

    private func figure(_ tag: UInt8, _ value: Double, _ name: String, _ labels: JSON) {
        do throws(FrameChannel.End) {
            // A figure is not worth waiting for.
            try channel.send(.metric, onTick: { false }) { body in
                body.wire.byte(tag)
                body.number(value.bitPattern)
                body.text(name)
                body.bulk(labels.bytes)
            }
        } catch {
            return
        }
    }

    /// Takes an answer of the host.
    func take(_ body: inout IncomingBody) throws(WireFault) {
        let id = try body.wire.number(UInt64.self)
        let failure: PluginFailure? = try body.wire.byte() == 0 ? nil : try body.wire.failure()
        switch state.withLock({ $0.waiting.removeValue(forKey: id) }) {
        case .fetch(let done):
            if let failure { return done(.failure(failure)) }
            var answer = HTTPServiceAnswer(status: Int(try body.wire.number(Int64.self)))
            for _ in 0..<(try body.wire.count(each: 8)) {
                let name = try body.wire.text()
                answer.headers.append(HTTPServiceHeader(name, try body.wire.text()))
            }
            answer.body = try body.copiedBulk()
            done(.success(answer))
        case .store:
            var value: [UInt8]?
            if failure == nil, try body.wire.byte() != 0 { value = try body.copiedBulk() }
            let outcome: Result<[UInt8]?, PluginFailure> =
                if let failure { .failure(failure) } else { .success(value) }
            state.withLock { $0.values[id] = outcome }
            state.wake()
        case nil: throw WireFault("an answer to a question that was not asked")
        }
    }
}

/// What a plugin in a helper counted or measured.
struct Figure: Sendable {
    /// Whether it is a sample for a histogram, and not added to a counter.
    var isSample: Bool
    var value: Double
    var name: String
    var labels: JSON
}

extension Figure {
    init(_ body: inout IncomingBody) throws(WireFault) {
        self.init(
            isSample: try body.wire.byte() != 1,
            value: Double(bitPattern: try body.wire.number(UInt64.self)),
            name: try body.wire.text(), labels: try body.json())
    }
}

/// The figures of a call that has not been answered yet; those past the limit are dropped.
struct KeptFigures {
    private(set) var all: [Figure] = []

    /// Takes a message.
    ///
    /// - Returns: whether it is a figure.
    mutating func take(
        _ kind: MessageKind, _ body: inout IncomingBody
    ) throws(WireFault) -> Bool {
        guard kind == .metric else { return false }
        keep(try Figure(&body))
        return true
    }

    /// Keeps a figure if there is room.
    mutating func keep(_ figure: Figure) {
        if all.count < IsolationLimits.figuresPerCall { all.append(figure) }
    }
}

/// The host's side: asks the services that a plugin was granted, and sends what they say.
struct ServiceServer: Sendable {
    let services: PluginServices

    /// The ids that a helper is told.
    var granted: [String] {
        var ids: [String] = []
        if services.http != nil { ids.append(ServiceTables.httpID) }
        if services.store != nil { ids.append(ServiceTables.storeID) }
        if services.metrics != nil { ids.append(ServiceTables.metricsID) }
        return ids
    }

    /// Takes a figure.
    func take(_ figure: Figure) {
        if figure.isSample {
            services.metrics?.observe(figure.value, of: figure.name, labels: figure.labels)
        } else {
            services.metrics?.add(figure.value, to: figure.name, labels: figure.labels)
        }
    }

    /// Answers one question, at once or when the service has.
    func serve(_ body: inout IncomingBody, on channel: FrameChannel) throws(WireFault) {
        let request = ServiceRequest(rawValue: try body.wire.byte())
        let id = try body.wire.number(UInt64.self)
        switch request {
        case .fetch: try fetch(id, &body, channel)
        case .get:
            let key = try body.wire.text()
            answer(id, on: channel) { () throws(PluginFailure) in try store.value(of: key) }
        case .put:
            let key = try body.wire.text()
            let value = try body.copiedBulk()
            answer(id, on: channel) { () throws(PluginFailure) in
                try store.set(value, for: key)
                return nil
            }
        case nil: throw WireFault("an unknown service")
        }
    }

    private var store: any StoreService { services.store ?? NoStore() }

    private func fetch(
        _ id: UInt64, _ body: inout IncomingBody, _ channel: FrameChannel
    ) throws(WireFault) {
        let document = try body.json()
        let payload = try body.copiedBulk()
        let done: @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void = { result in
            Self.send(id, on: channel) { body in
                switch result {
                case .failure(let failure):
                    body.wire.byte(1)
                    body.wire.failure(failure)
                case .success(let answer):
                    body.wire.byte(0)
                    body.number(Int64(answer.status))
                    body.number(UInt32(answer.headers.count))
                    for header in answer.headers {
                        body.text(header.name)
                        body.text(header.value)
                    }
                    body.bulk(answer.body)
                }
            }
        }
        do throws(PluginFailure) {
            let request = try HTTPServiceRequest(json: document, body: payload)
            guard let http = services.http else { throw NoStore.withheld("http") }
            http.fetch(request, done: done)
        } catch {
            done(.failure(error))
        }
    }

    private func answer(
        _ id: UInt64, on channel: FrameChannel,
        _ body: () throws(PluginFailure) -> [UInt8]?
    ) {
        let outcome: Result<[UInt8]?, PluginFailure>
        do throws(PluginFailure) {
            outcome = .success(try body())
        } catch {
            outcome = .failure(error)
        }
        Self.send(id, on: channel) { body in
            switch outcome {
            case .failure(let failure):
                body.wire.byte(1)
                body.wire.failure(failure)
            case .success(let value):
                body.wire.byte(0)
                body.wire.byte(value == nil ? 0 : 1)
                if let value { body.bulk(value) }
            }
        }
    }

    private static func send(
        _ id: UInt64, on channel: FrameChannel, _ write: (inout WireBody) -> Void
    ) {
        do throws(FrameChannel.End) {
            try channel.send(.served) { body in
                body.number(id)
                write(&body)
            }
        } catch {
            // A helper that is gone needs no answer.
            return
        }
    }
}

/// Stands for services that a plugin was not granted and asks for all the same.
private struct NoStore: StoreService {
    func value(of key: String) throws(PluginFailure) -> [UInt8]? { throw Self.withheld("store") }

    func set(_ value: [UInt8], for key: String) throws(PluginFailure) {
        throw Self.withheld("store")
    }

    static func withheld(_ what: String) -> PluginFailure {
        PluginFailure(
            code: 7, reason: "service.withheld", message: "the plugin was not granted \(what)")
    }
}
