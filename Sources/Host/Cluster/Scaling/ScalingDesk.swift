import FanfoldAPI
import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime
import FanfoldWire
import Logging
import Synchronization

/// Carries out what the scaler decides: asks providers which workers there are, hands the scaler what
/// it needs to know, and has workers launched, drained and ended.
///
/// What it knows belongs to the loop's thread; each provider is asked on a thread of its own, and
/// answers come back as work for the loop.  So is it with evaluations: the loop only looks, and checks
/// what was decided.  What was decided is on disk before anybody is asked for it.
final class ScalingDesk: Sendable {
    /// What belongs to the loop's thread.
    final class Books: @unchecked Sendable {
        // Unchecked: touched by the loop's thread only.
        var scaler: Scaler
        var memory = ScalingMemory()
        /// By provider.
        var lists: [String: WorkerList] = [:]
        /// When what is for rent is asked for again, by provider; looked up only.
        var offeringsDue: [String: UInt64] = [:]
        /// Providers that refused, until when, and what they said.
        var refusals: [String: (until: UInt64, why: String)] = [:]
        /// Tries of launches without an answer.
        var tries: [UInt64: Int] = [:]
        var launching: Set<UInt64> = []
        /// When a worker was last told to end; looked up only.
        var ended: [String: UInt64] = [:]
        /// Since when nothing has run on a worker, by the wall clock.
        var idleSince: [String: UInt64] = [:]
        var supply = Supply.given
        var nextLook = Tick.zero
        /// Since when lists are waited for.
        var askedAt: Tick?
        var recordedAt: UInt64 = 0
        var isChanged = false
        /// Whether an evaluation is under way on its thread: the scaler is its own meanwhile.
        var isEvaluating = false
        /// What became of orders meanwhile; it is taken in when the evaluation is over.
        var waiting: [(inout EngineLoop) -> Void] = []
        /// What providers have for rent and no evaluation has seen yet, by pool.
        var offered: [String: [RentableOffering]] = [:]
        /// Pools that are left alone, with the currency of their prices.
        var foreign: [String: String] = [:]
        /// What a person was told last.
        var warnings: Set<ScalingEvaluation.Warning> = []
        /// What was decided last time, so that the same is not kept again and again.
        var lastNotes: [ScalingDecision] = []

        init(_ scaler: Scaler) { self.scaler = scaler }
    }

    /// What a provider said of the workers there are.
    struct WorkerList: Sendable {
        var workers: [RentedWorker] = []
        var isAsked = false
        /// Whether it ever answered.
        var isKnown = false
        /// Why it does not answer now.
        var problem: String?
    }

    /// How workers find the coordinator.
    struct Entrance: Sendable {
        var address: WireAddress
        /// The file with the token of workers of this machine; `nil` with TLS.
        var tokenFile: String?
    }

    let scaling: ClusterScaling
    let owner: String
    let engine: EngineHost
    let hub: WorkerHub
    let tokens: JoinTokens
    let journal: EngineJournal
    let logger: Logger
    let books: Books
    private let dispatcher: Dispatcher
    /// The thread of evaluations.
    private let thinker = Dispatcher(threads: 1, name: "scaling")
    private let entrance = Shared<Entrance?>(nil)

    init(
        _ scaling: ClusterScaling, owner: String, engine: EngineHost, hub: WorkerHub,
        tokens: JoinTokens, journal: EngineJournal, logger: Logger
    ) {
        self.scaling = scaling
        self.owner = owner
        self.engine = engine
        self.hub = hub
        self.tokens = tokens
        self.journal = journal
        self.logger = logger
        books = Books(Scaler(settings: scaling.declaration.settings))
        dispatcher = Dispatcher(threads: scaling.providers.count, name: "providers")
    }

    /// Workers join here from now on.
    func open(at address: WireAddress, tokenFile: String?) {
        entrance.set(Entrance(address: address, tokenFile: tokenFile))
    }

    /// Waits for what providers are doing; workers stay.
    func close() {
        for provider in scaling.providers { provider.fleet.close() }
        dispatcher.close()
        thinker.close()
    }

    /// Has something done that takes long, after what was posted before.
    func think(_ body: @escaping @Sendable () -> Void) { thinker.post(0, body) }

    var open: Entrance? { entrance.value }

    /// Has a provider asked on its thread.
    func ask(_ provider: ClusterScaling.Provider, _ body: @escaping @Sendable (any Fleet) -> Void) {
        let place = scaling.providers.firstIndex { $0.name == provider.name } ?? 0
        dispatcher.post(UInt32(place)) { body(provider.fleet) }
    }

    func provider(ofPool pool: String) -> ClusterScaling.Provider? {
        guard let declared = declaration(ofPool: pool) else { return nil }
        return scaling.providers.first { $0.name == declared.provider }
    }

    func declaration(ofPool pool: String) -> PoolDeclaration? {
        scaling.pools.first { $0.name == pool }
    }

    // MARK: On the loop's thread

    /// What is known, for the API.
    var view: ScalingView {
        ScalingView(
            scaling: scaling, owner: owner, scaler: books.scaler, memory: books.memory,
            lists: books.lists, refusals: books.refusals, foreign: books.foreign)
    }

    /// Goes on where an earlier process stopped.
    func recovered(_ loop: EngineLoop) {
        books.supply = loop.supply
        let kept = loop.scaling.state
        guard !kept.isEmpty else { return }
        do {
            var bytes: [UInt8] = []
            books.memory = try ScalingMemory(kept, scaler: &bytes)
            let settings = scaling.settings(books.memory.offerings) { _ in false }
            books.scaler = try Scaler(settings: settings, from: bytes)
        } catch {
            logger.warning(
                "what was kept of scaling cannot be read; workers are found by their tags",
                metadata: ["why": "\(error)"])
        }
    }

    /// Looks whether it is time; called after each turn.
    func turned(_ loop: inout EngineLoop) {
        let now = loop.now
        guard open != nil, !books.isEvaluating, now >= books.nextLook else { return }
        if let asked = books.askedAt {
            let isLate =
                now.nanoseconds - asked.nanoseconds >= ClusterScaling.listNanoseconds
            guard isLate || books.lists.values.allSatisfy({ !$0.isAsked }) else { return }
            books.askedAt = nil
            books.nextLook = now.advanced(
                byNanoseconds: scaling.declaration.settings.evaluationNanoseconds)
            begin(loop)
        } else {
            books.askedAt = now
            askAll()
        }
    }

    private func askAll() {
        let wall = WallClock.now()
        for provider in scaling.providers {
            if wall >= books.offeringsDue[provider.name] ?? 0 {
                books.offeringsDue[provider.name] = wall + ClusterScaling.offeringsNanoseconds
                askOfferings(provider)
            }
            guard books.lists[provider.name]?.isAsked != true else { continue }
            books.lists[provider.name, default: WorkerList()].isAsked = true
            let owner = owner
            ask(provider) { [self] fleet in
                let answer = Result { () throws(PluginFailure) in
                    try fleet.describe(.owner(owner))
                }
                engine.perform { [self] _, _ in listed(provider.name, answer) }
            }
        }
    }

    private func listed(_ provider: String, _ answer: Result<[RentedWorker], PluginFailure>) {
        var list = books.lists[provider] ?? WorkerList()
        list.isAsked = false
        switch answer {
        case .success(let workers):
            list.workers = workers.filter { $0.state != "gone" }
            list.isKnown = true
            list.problem = nil
        case .failure(let failure):
            if list.problem == nil {
                logger.warning(
                    "a provider does not say which workers there are",
                    metadata: ["provider": "\(provider)", "why": "\(failure.message)"])
            }
            list.problem = failure.message
        }
        books.lists[provider] = list
    }

    private func askOfferings(_ provider: ClusterScaling.Provider) {
        ask(provider) { [self] fleet in
            let answer = Result { () throws(PluginFailure) in try fleet.offerings() }
            engine.perform { [self] _, _ in offered(provider, answer) }
        }
    }

    private func offered(
        _ provider: ClusterScaling.Provider, _ answer: Result<[RentableOffering], PluginFailure>
    ) {
        do throws(PluginFailure) {
            let all = try answer.get()
            for pool in scaling.pools where pool.provider == provider.name {
                books.offered[pool.name] = all.filter(pool.takes)
            }
        } catch {
            books.offeringsDue[provider.name] =
                WallClock.now() + ClusterScaling.silentNanoseconds
            logger.warning(
                "a provider does not say what is for rent",
                metadata: ["provider": "\(provider.name)", "why": "\(error.message)"])
        }
    }
}

/// A value that is set once and read from many threads.
final class Shared<Value: Sendable>: Sendable {
    private let box: Mutex<Value>

    init(_ value: Value) { box = Mutex(value) }

    var value: Value { box.withLock { $0 } }

    func set(_ value: Value) { box.withLock { $0 = value } }
}
