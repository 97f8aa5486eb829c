import CPluginABI
import FanfoldPlugins
import Logging
import Synchronization

/// `fanfold.http/1` over the network: what the grant allows, within the limits, signed.
///
/// Every request is checked again here, whoever made it: the service does not trust its caller.
package final class HTTPClientService: HTTPService {
    private let component: String
    private let agent: String
    private let grant: PluginGrant
    private let limits: HTTPClientLimits
    private let attempts: AttemptLoop
    private let signer: any RequestSigning
    private let gate: RequestGate
    private let redactor: SecretRedactor
    private let logger: Logger

    /// A service for one component.
    ///
    /// - Parameters:
    ///   - agent: what `user-agent` says if the plugin says nothing.
    ///   - attempts: made with the same limits.
    package init(
        component: String, agent: String, grant: PluginGrant,
        limits: HTTPClientLimits = HTTPClientLimits(), attempts: AttemptLoop,
        signer: any RequestSigning, redactor: SecretRedactor, logger: Logger
    ) {
        self.component = component
        self.agent = agent
        self.grant = grant
        self.limits = limits
        self.attempts = attempts
        self.signer = signer
        self.redactor = redactor
        self.logger = logger
        gate = RequestGate(
            places: limits.concurrentRequests, longestQueue: limits.waitingRequests)
    }

    /// Sends a request; `done` comes once, never before this returns to a caller that holds a lock
    /// of its own, since it comes from another thread.
    package func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void
    ) {
        let start = attempts.clock.now()
        let timeout =
            request.timeoutMilliseconds.map {
                UInt64(clamping: min($0, HTTPServiceLimits.timeoutMilliseconds)) * 1_000_000
            } ?? limits.usualTimeout
        let call = HTTPCall(done)
        let work = Task {
            call.end(await self.perform(request, start: start, end: start + timeout))
        }
        call.guarded(
            by: Task {
                do throws(CancellationError) {
                    try await self.attempts.clock.alarm(at: start + timeout)
                } catch {
                    // Cancelled: the answer came in time.
                    return
                }
                call.end(.failure(self.timeIsOver(request, milliseconds: timeout / 1_000_000)))
                work.cancel()
            })
    }

    private func timeIsOver(_ request: HTTPServiceRequest, milliseconds: UInt64) -> PluginFailure {
        do throws(HTTPServiceURL.Refusal) {
            return .timeIsOver(try HTTPServiceURL(request.url), milliseconds: milliseconds)
        } catch {
            return .never(FAN_INVALID, "request./url", "the request at /url: \(error.message)")
        }
    }

    private func perform(
        _ request: HTTPServiceRequest, start: UInt64, end: UInt64
    ) async -> Result<HTTPServiceAnswer, PluginFailure> {
        do throws(PluginFailure) {
            let url = try check(request)
            return .success(try await send(request, to: url, start: start, end: end))
        } catch {
            note(failure: error, request)
            return .failure(error)
        }
    }

    private func send(
        _ request: HTTPServiceRequest, to url: HTTPServiceURL, start: UInt64, end: UInt64
    ) async throws(PluginFailure) -> HTTPServiceAnswer {
        switch await gate.enter() {
        case .entered: break
        case .cancelled:
            throw .timeIsOver(url, milliseconds: (end - start) / 1_000_000)
        case .full:
            throw .later(
                FAN_EXHAUSTED, "http.queue",
                "\(limits.waitingRequests) requests of this plugin wait already; let some end "
                    + "before \(url.shown) is asked")
        }
        defer { gate.leave() }
        var outgoing = OutgoingRequest(
            method: request.method, url: url, headers: request.headers, body: request.body)
        if !outgoing.has("user-agent") { outgoing.set("User-Agent", agent) }
        let plain = outgoing
        let prepare: AttemptLoop.Preparation = { () async throws(PluginFailure) in
            guard let signing = request.signing else { return plain }
            return try await self.signer.signed(plain, signing, end: end)
        }
        var found = try await attempts.run(
            isIdempotent: RetryRules.idempotentMethods.contains(request.method), url: url,
            start: start, end: end, prepare)
        if found.answer.status == 401, let signing = request.signing,
            await signer.forget(signing)
        {
            // A token that was kept is worth nothing any more; the request was not carried out.
            found = try await attempts.run(
                isIdempotent: false, url: url, start: start, end: end, prepare)
        }
        note(found.answer, attempts: found.attempts, request, url)
        return found.answer
    }

    private func check(_ request: HTTPServiceRequest) throws(PluginFailure) -> HTTPServiceURL {
        let url: HTTPServiceURL
        do throws(HTTPServiceURL.Refusal) {
            url = try HTTPServiceURL(request.url)
        } catch {
            throw .never(FAN_INVALID, "request./url", "the request at /url: \(error.message)")
        }
        guard request.isWithinLimits else {
            throw .never(
                FAN_RANGE, "request.",
                "the request to \(url.shown) is past a limit: \(HTTPServiceLimits.headerCount) "
                    + "headers of \(HTTPServiceLimits.headerBytes) bytes, "
                    + "\(HTTPServiceLimits.requestBodyBytes) bytes of body")
        }
        guard request.isWellFormed else {
            throw .never(
                FAN_INVALID, "request./headers",
                "the method or a header of the request to \(url.shown) cannot be sent")
        }
        guard grant.allows(host: url.grantedName, port: url.effectivePort) else {
            throw .notGranted(url)
        }
        guard GuardedAddresses.allows(url.host, by: grant) else { throw .guardedAddress(url) }
        return url
    }

    private func note(
        _ answer: HTTPServiceAnswer, attempts: Int, _ request: HTTPServiceRequest,
        _ url: HTTPServiceURL
    ) {
        var metadata: Logger.Metadata = [
            "component": .string(component), "method": .string(request.method),
            "url": .string(redactor.redacted(url.withoutQuery)),
            "status": .stringConvertible(answer.status), "attempts": .stringConvertible(attempts),
            "bytes": .stringConvertible(answer.body.count),
        ]
        if answer.status >= 400 {
            let start = answer.body.prefix(SecretRedactor.excerptBytes)
            metadata["answer"] = .string(
                redactor.redacted(String(decoding: start, as: UTF8.self)))
        }
        logger.debug("a plugin's request was answered", metadata: metadata)
    }

    private func note(failure: PluginFailure, _ request: HTTPServiceRequest) {
        logger.debug(
            "a plugin's request failed",
            metadata: [
                "component": .string(component), "method": .string(request.method),
                "reason": .string(failure.reason),
                "message": .string(redactor.redacted(failure.message)),
            ])
    }
}

/// A request under way: it is answered once, by its end or by its alarm.
private final class HTTPCall: Sendable {
    private struct State {
        var done: (@Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void)?
        var alarm: Task<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void) {
        state = Mutex(State(done: done))
    }

    /// Cancels the alarm when the answer is there, also if that was before.
    func guarded(by alarm: Task<Void, Never>) {
        let isOver = state.withLock { state in
            state.alarm = alarm
            return state.done == nil
        }
        if isOver { alarm.cancel() }
    }

    func end(_ result: Result<HTTPServiceAnswer, PluginFailure>) {
        let (done, alarm) = state.withLock { state in
            defer { state.done = nil }
            return (state.done, state.alarm)
        }
        done?(result)
        alarm?.cancel()
    }
}

extension HTTPServiceRequest {
    fileprivate var isWithinLimits: Bool {
        headers.count <= HTTPServiceLimits.headerCount
            && headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
                <= HTTPServiceLimits.headerBytes
            && body.count <= HTTPServiceLimits.requestBodyBytes
            && method.utf8.count <= HTTPServiceLimits.methodBytes
    }

    fileprivate var isWellFormed: Bool {
        !method.isEmpty && method.utf8.allSatisfy { (0x41...0x5A).contains($0) }
            && !["CONNECT", "TRACE"].contains(method)
            && headers.allSatisfy {
                $0.name.isHeaderName && $0.value.isHeaderValue
                    && !Self.hostHeaders.contains($0.name.lowercased())
            }
    }
}
