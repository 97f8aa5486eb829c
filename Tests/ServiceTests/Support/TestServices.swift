import FanfoldPlugins
import Logging
import Synchronization

@testable import FanfoldServices

/// Time that passes only by waiting: a pause is over at once, and an alarm never comes.
final class TestClock: ServiceClock {
    private let state: Mutex<(now: UInt64, unix: Int64, pauses: [UInt64])>
    private let ringsAtOnce: Bool

    init(unixSeconds: Int64 = 1_440_938_160, ringsAtOnce: Bool = false) {
        state = Mutex((1_000_000_000, unixSeconds, []))
        self.ringsAtOnce = ringsAtOnce
    }

    /// The pauses so far, in milliseconds.
    var pauses: [UInt64] { state.withLock { $0.pauses.map { $0 / 1_000_000 } } }

    func pass(seconds: Int64) {
        state.withLock { state in
            state.now += UInt64(seconds) * 1_000_000_000
            state.unix += seconds
        }
    }

    func now() -> UInt64 { state.withLock { $0.now } }

    func unixSeconds() -> Int64 { state.withLock { $0.unix } }

    func pause(until tick: UInt64) async throws(CancellationError) {
        state.withLock { state in
            state.pauses.append(tick - min(tick, state.now))
            state.now = max(state.now, tick)
        }
    }

    func alarm(at tick: UInt64) async throws(CancellationError) {
        guard !ringsAtOnce else { return }
        // Ends when it is cancelled, which is when the answer is there.
        for await _ in AsyncStream<Never>.makeStream().stream {}
        throw CancellationError()
    }
}

/// A network of which every exchange is written beforehand.
final class ScriptedTransport: HTTPTransport {
    private let state:
        Mutex<
            (
                outcomes: [Result<HTTPServiceAnswer, TransportFailure>], seen: [OutgoingRequest],
                clock: TestClock?
            )
        >

    /// Parameter outcomes: Given in order, the last one again and again.
    init(_ outcomes: [Result<HTTPServiceAnswer, TransportFailure>]) {
        state = Mutex((outcomes, [], nil))
    }

    var seen: [OutgoingRequest] { state.withLock { $0.seen } }

    func exchange(
        _ request: OutgoingRequest, timeout: UInt64
    ) async -> Result<HTTPServiceAnswer, TransportFailure> {
        state.withLock { state in
            state.seen.append(request)
            return state.outcomes.count > 1 ? state.outcomes.removeFirst() : state.outcomes[0]
        }
    }
}

/// All that was logged, whatever its level.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.lines.withLock {
                $0.append("\(event.message) \(event.metadata ?? [:])")
            }
        }
    }
}

/// Everything that a service of HTTP is made of, as a test wants it.
struct TestHTTP {
    var clock = TestClock()
    var redactor = SecretRedactor()
    var log = LogLines()
    var limits = HTTPClientLimits()
    var grant = PluginGrant(
        hosts: ["*.example.org:*", "localhost:*", "127.0.0.1:*"],
        secrets: ["aws", "google", "token"])
    var secrets: [String: SecretSource] = [:]
    /// The jitter: of all that it could be.
    var chance: @Sendable (UInt64) -> UInt64 = { $0 - 1 }

    func service(
        _ transport: any HTTPTransport, clock other: (any ServiceClock)? = nil
    ) -> HTTPClientService {
        let clock: any ServiceClock = other ?? clock
        let attempts = AttemptLoop(
            transport: transport, limits: limits, clock: clock, chance: chance)
        let store = SecretStore(secrets, redactor: redactor, clock: clock)
        return HTTPClientService(
            component: "test.cloud", agent: "fanfold/test", grant: grant, limits: limits,
            attempts: attempts,
            signer: RequestSigner(
                grant: grant, secrets: store, attempts: attempts, redactor: redactor),
            redactor: redactor, logger: log.logger)
    }

    /// A service over the network, in the time of this machine.
    func networkService(_ options: ClientTransport.Options = .init()) -> HTTPClientService {
        service(ClientTransport(options, grant: grant), clock: SystemServiceClock())
    }
}

extension HTTPService {
    /// Sends a request and waits for what comes of it.
    func result(
        _ request: HTTPServiceRequest
    ) async -> Result<HTTPServiceAnswer, PluginFailure> {
        await withCheckedContinuation { done in
            fetch(request) { done.resume(returning: $0) }
        }
    }

    /// Sends a request that is to fail; `nil` if it did not.
    func failure(_ request: HTTPServiceRequest) async -> PluginFailure? {
        guard case .failure(let failure) = await result(request) else { return nil }
        return failure
    }
}

extension HTTPServiceRequest {
    static func get(_ url: String, sign: Signing? = nil, timeout: Int? = nil) -> Self {
        Self(method: "GET", url: url, timeoutMilliseconds: timeout, signing: sign)
    }
}

extension Result where Success == HTTPServiceAnswer, Failure == TransportFailure {
    static func status(_ status: Int, _ headers: [String: String] = [:], body: String = "") -> Self
    {
        .success(
            HTTPServiceAnswer(
                status: status, headers: headers.map { HTTPServiceHeader($0.key, $0.value) },
                body: Array(body.utf8)))
    }
}
