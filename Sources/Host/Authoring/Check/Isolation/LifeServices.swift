import FanfoldJSON
import FanfoldPlugins

/// What the host of a life does for an instance: the fake cloud behind `fanfold.http/1`, a store in
/// memory, and figures that nobody reads.
final class LifeServices: HTTPService, StoreService, MetricsService, @unchecked Sendable {
    // Unchecked: what changes is touched under the lock only.
    private let lock = CallLock()
    private let cloud: FakeCloud
    private var values: [String: [UInt8]] = [:]
    private var requests = 0
    private var hook: @Sendable (Int) -> Void = { _ in }

    init(_ world: CallWorld, _ cloud: FakeCloud? = nil) {
        self.cloud = cloud ?? FakeCloud(world)
    }

    /// All of them.
    var services: PluginServices { PluginServices(http: self, store: self, metrics: self) }

    /// Is called at each request, with its number from 1 on, before it is answered.
    var onRequest: @Sendable (Int) -> Void {
        get { lock.locked { hook } }
        set { lock.locked { hook = newValue } }
    }

    func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void
    ) {
        let (number, hook) = lock.locked {
            requests += 1
            return (requests, self.hook)
        }
        hook(number)
        var document: JSON = ["method": .string(request.method)]
        if let signing = request.signing {
            document = [
                "method": .string(request.method),
                "sign": ["with": .string(signing.scheme), "secret": .string(signing.secret)],
            ]
        }
        let asked = CloudRequest(document, url: request.url, body: request.body)
        switch lock.locked({ cloud.answer(asked) }) {
        case .answer(let status, let headers, let body):
            let lines = (headers.objectValue ?? JSONObject()).members.map { name, value in
                HTTPServiceHeader(name, value.stringValue ?? value.text)
            }
            done(.success(HTTPServiceAnswer(status: status, headers: lines, body: body)))
        case .broken, .silence:
            done(
                .failure(
                    PluginFailure(
                        code: 14, retry: .later, reason: "http.reset",
                        message: "the connection was reset by the other side")))
        }
    }

    func value(of key: String) throws(PluginFailure) -> [UInt8]? {
        lock.locked { values[key] }
    }

    func set(_ value: [UInt8], for key: String) throws(PluginFailure) {
        lock.locked { values[key] = value.isEmpty ? nil : value }
    }

    func add(_ value: Double, to name: String, labels: JSON) {}

    func observe(_ value: Double, of name: String, labels: JSON) {}
}
