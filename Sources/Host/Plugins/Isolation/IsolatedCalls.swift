import FanfoldJSON
import Logging

/// An executor or a provider in a helper.
///
/// A helper that ends takes its calls with it: they end as unavailable.  The next call starts
/// another helper, after a pause that doubles, and after too many ends in a row not at all for a
/// while.  What was loaded is loaded again.
final class IsolatedCalls: PluginCalls {
    private struct Pending: Sendable {
        var call: PluginCall
        var handler: PluginCallHandler
        var isSent = false
        /// Whether the helper has been told of it, so that it can be told more.
        var isTold = false
        var isCancelled = false
        /// Whether it only loads again what an earlier helper had loaded.
        var isAgain = false
        var timer: UInt64?
    }

    private enum Phase {
        case idle
        case starting
        /// It loads what was loaded before, and is asked for nothing else yet.
        case loading(HelperProcess)
        case running(HelperProcess)
        case closed

        /// The process that can be spoken to.
        var helper: HelperProcess? {
            switch self {
            case .loading(let helper), .running(let helper): helper
            case .idle, .starting, .closed: nil
            }
        }
    }

    private struct State: @unchecked Sendable {
        // Unchecked: a helper is ended by its own thread only.
        var phase = Phase.idle
        var next: UInt64 = 1
        var pending: [UInt64: Pending] = [:]
        /// What `load` was told, by module.
        var modules: [UInt64: PluginCall] = [:]
        /// Ends in a row without an answer in between.
        var deaths = 0
        var restarts = 0
        /// No helper is started before.
        var openAgain: UInt64 = 0
        var hasThread = false
    }

    private let launch: HelperLaunch
    private let component: String
    private let configuration: JSON
    private let services: ServiceServer
    private let state = Monitor(State())

    /// Starts a helper and makes the instance in it.
    init(
        _ launch: HelperLaunch, component: String, configuration: JSON, services: PluginServices
    ) throws(PluginFailure) {
        self.launch = launch
        self.component = component
        self.configuration = configuration
        self.services = ServiceServer(services: services)
        state.withLock { $0.phase = .starting }
        let first = Monitor<Result<Void, PluginFailure>?>(nil)
        begin { result in
            first.withLock { $0 = result }
            first.wake()
        }
        if let outcome = first.wait({ $0 }) { try outcome.get() }
    }

    /// The process that runs it now, for tests.
    var processID: Int32? {
        state.withLock { $0.phase.helper?.id }
    }

    /// How often a helper was replaced.
    var restarts: Int { state.withLock { $0.restarts } }

    // MARK: Calls

    func start(_ call: PluginCall, _ handler: PluginCallHandler) -> UInt64 {
        let (id, phase, isOpen) = state.withLock { state -> (UInt64, Phase, Bool) in
            let id = state.next
            state.next += 1
            let isOpen =
                state.deaths < IsolationLimits.deathsInARow
                || HostTable.monotonicNow() >= state.openAgain
            if case .closed = state.phase { return (id, state.phase, isOpen) }
            if case .idle = state.phase, !isOpen { return (id, state.phase, false) }
            state.pending[id] = Pending(call: call, handler: handler)
            if call.method == .load { state.modules[call.module] = call }
            let phase = state.phase
            if case .idle = phase { state.phase = .starting }
            return (id, phase, isOpen)
        }
        switch phase {
        case .closed: handler.done(.failure(Self.closed))
        case .idle where !isOpen: handler.done(.failure(brokenCircuit))
        case .idle: begin { _ in }
        case .starting, .loading: break
        case .running(let helper): send(id, to: helper)
        }
        watch(id, call)
        return id
    }

    private static let closed = PluginFailure(
        code: 14, retry: .elsewhere, reason: "plugin.closed",
        message: "the plugin's instance has ended")

    private var brokenCircuit: PluginFailure {
        PluginFailure(
            code: 14, retry: .later,
            retryAfterMs: UInt32(IsolationLimits.circuitNanoseconds / 1_000_000),
            reason: "plugin.circuit-open",
            message: "\(component) ended its helper \(IsolationLimits.deathsInARow) times in a row "
                + "and rests for \(IsolationLimits.circuitNanoseconds / 1_000_000_000) s")
    }

    /// The helper ends an overdue call itself; one that cannot do even that is hung.
    private func watch(_ id: UInt64, _ call: PluginCall) {
        guard let limit = call.nanoseconds else { return }
        let grace = 2 * CallLimits.cancelNanoseconds
        let timer = CallTimers.shared.add(after: limit + grace) { [weak self] in
            guard let self, state.withLock({ $0.pending[id] != nil }) else { return }
            state.withLock { $0.phase }.helper?.interrupt(limit)
        }
        let isStill = state.withLock { state -> Bool in
            state.pending[id]?.timer = timer
            return state.pending[id] != nil
        }
        if !isStill { CallTimers.shared.remove(timer) }
    }

    func cancel(_ id: UInt64) {
        let helper = state.withLock { state -> HelperProcess? in
            state.pending[id]?.isCancelled = true
            // What the helper does not know yet is cancelled as soon as it does.
            return state.pending[id]?.isTold == true ? state.phase.helper : nil
        }
        if let helper { tell(helper, .cancel) { $0.number(id) } }
    }

    func unload(module: UInt64) {
        let phase = state.withLock { state in
            state.modules[module] = nil
            return state.phase
        }
        if let helper = phase.helper { tell(helper, .unload) { $0.number(module) } }
    }

    func close() {
        let phase = state.withLock { state in
            defer { state.phase = .closed }
            return state.phase
        }
        phase.helper?.channel.shutDown()
        endAll(Self.closed)
        // The thread that started the helper ends it.
        _ = state.wait { $0.hasThread ? nil : true }
    }

    private func send(_ id: UInt64, to helper: HelperProcess) {
        let call = state.withLock { state -> PluginCall? in
            guard state.pending[id]?.isSent == false else { return nil }
            state.pending[id]?.isSent = true
            return state.pending[id]?.call
        }
        guard let call else { return }
        tell(helper, .call) { call.write(id: id, to: &$0) }
        let isCancelled = state.withLock { state -> Bool in
            state.pending[id]?.isTold = true
            return state.pending[id]?.isCancelled == true
        }
        if isCancelled { tell(helper, .cancel) { $0.number(id) } }
    }

    private func tell(
        _ helper: HelperProcess, _ kind: MessageKind, _ write: (inout WireBody) -> Void
    ) {
        var ticks = 0
        do throws(FrameChannel.End) {
            try helper.channel.send(
                kind,
                onTick: {
                    ticks += 1
                    return ticks < IsolationLimits.sendTicks
                }, write)
        } catch {
            // A message that was cut in two ends the channel, and its thread ends the calls.
            helper.channel.shutDown()
        }
    }

    private func endAll(_ failure: PluginFailure) {
        let pending = state.withLock { state -> [Pending] in
            defer { state.pending = [:] }
            return state.pending.keys.sorted().compactMap { state.pending[$0] }
        }
        for one in pending {
            if let timer = one.timer { CallTimers.shared.remove(timer) }
            one.handler.done(.failure(failure))
        }
    }
}

// MARK: - The helper's thread

extension IsolatedCalls {
    /// Starts a thread that starts a helper, receives from it, and ends it.
    private func begin(_ ready: @escaping @Sendable (Result<Void, PluginFailure>) -> Void) {
        state.withLock { $0.hasThread = true }
        startThread(name: "helper-\(component.suffix(8))") { [self] in
            serve(ready)
            state.withLock { $0.hasThread = false }
            state.wake()
        }
    }

    private func serve(_ ready: @Sendable (Result<Void, PluginFailure>) -> Void) {
        let helper: HelperProcess
        do throws(HelperFailure) {
            (helper, _) = try HelperProcess.start(
                launch, component: component, configuration: configuration,
                services: services.granted, other: take)
        } catch {
            let failure = error.failure(of: launch.path)
            ended(failure)
            ready(.failure(failure))
            return
        }
        let (modules, isClosed) = state.withLock { state -> ([PluginCall], Bool) in
            if case .closed = state.phase { return ([], true) }
            state.phase = .loading(helper)
            // What is waiting to be loaded goes out with the rest.
            let waiting = Set(
                state.pending.values.filter { $0.call.method == .load }.map(\.call.module))
            return (
                state.modules.keys.sorted().filter { !waiting.contains($0) }
                    .compactMap { state.modules[$0] }, false
            )
        }
        guard !isClosed else { return helper.discard() }
        ready(.success(()))
        if let failure = loadAgain(modules, in: helper) { return ended(failure) }
        let waiting = state.withLock { state -> [UInt64] in
            if case .loading = state.phase { state.phase = .running(helper) }
            return state.pending.keys.sorted()
        }
        for id in waiting { send(id, to: helper) }
        if let failure = receive(from: helper) { ended(failure) }
    }

    /// Loads what an earlier helper had loaded, and waits for the end: calls of a component that
    /// locks for itself overlap, and a run must find its module.
    ///
    /// - Returns: how the helper ended; `nil` if it goes on.
    private func loadAgain(_ modules: [PluginCall], in helper: HelperProcess) -> PluginFailure? {
        var left: Set<UInt64> = []
        for module in modules {
            let id = state.withLock { state -> UInt64 in
                let id = state.next
                state.next += 1
                state.pending[id] = Pending(
                    call: module, handler: PluginCallHandler { _ in }, isSent: true, isAgain: true)
                return id
            }
            left.insert(id)
            tell(helper, .call) { module.write(id: id, to: &$0) }
            watch(id, module)
        }
        return receive(from: helper) {
            left = state.withLock { state in left.filter { state.pending[$0] != nil } }
            return !left.isEmpty
        }
    }

    /// Receives as long as that is wanted.
    ///
    /// - Returns: how the helper ended; `nil` if it goes on.
    private func receive(
        from helper: HelperProcess, while isWanted: () -> Bool = { true }
    ) -> PluginFailure? {
        while isWanted() {
            do throws(FrameChannel.End) {
                try helper.channel.receive { (kind, body) throws(WireFault) in
                    try receive(kind, &body, helper)
                }
            } catch {
                if case .tick = error {
                    guard helper.isStoppedTooLong(at: HostTable.monotonicNow()) else { continue }
                }
                if case .closed = state.withLock({ $0.phase }) {
                    helper.retire()
                    return Self.closed
                }
                let cause = helper.cause(of: error)
                let method = state.withLock { state in
                    state.pending.values.first { $0.isSent }?.call.method.description
                }
                return helper.end(cause, during: method ?? "no call").failure(of: launch.path)
            }
        }
        return nil
    }

    private func ended(_ failure: PluginFailure) {
        let isClosed = state.withLock { state -> Bool in
            if case .closed = state.phase { return true }
            state.phase = .idle
            state.deaths += 1
            state.restarts += 1
            state.openAgain = HostTable.monotonicNow() + IsolationLimits.circuitNanoseconds
            return false
        }
        guard !isClosed else { return }
        launch.logger.warning(
            "a helper ended", metadata: ["why": "\(failure.message)", "component": "\(component)"])
        endAll(failure)
    }

    private func receive(
        _ kind: MessageKind, _ body: inout IncomingBody, _ helper: HelperProcess
    ) throws(WireFault) {
        switch kind {
        case .ended: try takeEnd(&body)
        case .progress:
            let id = try body.wire.number(UInt64.self)
            let answer = try PluginAnswer(&body)
            state.withLock { $0.pending[id]?.handler }?.progress(answer)
        case .log: try helper.takeLog(&body)
        default:
            guard try take(kind, &body, helper.channel) else {
                throw WireFault("\(kind) was not due")
            }
        }
    }

    /// Services, which may be asked while the instance is made.
    private func take(
        _ kind: MessageKind, _ body: inout IncomingBody, _ channel: FrameChannel
    ) throws(WireFault) -> Bool {
        switch kind {
        case .ask: try services.serve(&body, on: channel)
        case .metric: services.take(try Figure(&body))
        default: return false
        }
        return true
    }

    private func takeEnd(_ body: inout IncomingBody) throws(WireFault) {
        let id = try body.wire.number(UInt64.self)
        let result: Result<PluginAnswer, PluginFailure> =
            try body.wire.byte() == 0
            ? .success(try PluginAnswer(&body)) : .failure(try body.wire.failure())
        let pending = state.withLock { state -> Pending? in
            let pending = state.pending.removeValue(forKey: id)
            if pending?.isAgain != true { state.deaths = 0 }
            return pending
        }
        // One that was ended by us meanwhile is not missed.
        guard let pending else { return }
        if let timer = pending.timer { CallTimers.shared.remove(timer) }
        pending.handler.done(result)
    }
}
