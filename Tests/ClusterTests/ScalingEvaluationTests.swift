import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime
import Testing

@testable import FanfoldCluster

/// What is decided beside the loop, and what of it still holds when it comes back.
@Suite struct ScalingEvaluationTests {
    /// A provider that nobody asks.
    private final class NoFleet: Fleet {
        func check() throws(PluginFailure) -> [RentalCheck] { [] }
        func offerings() throws(PluginFailure) -> [RentableOffering] { [] }
        func launch(_ request: RentalRequest) throws(PluginFailure) -> [RentedWorker] { [] }
        func describe(_ query: RentedFleet.Query) throws(PluginFailure) -> [RentedWorker] { [] }
        func terminate(_ ids: [String]) throws(PluginFailure) {}
        func close() {}
    }

    private static let second: UInt64 = 1_000_000_000

    private func offered(_ name: String, _ price: Double, _ currency: String) throws
        -> RentableOffering
    {
        try #require(
            RentableOffering([
                "id": .string(name), "cpu": 4, "memory": .integer(1 << 34),
                "price_per_hour": .number(price), "currency": .string(currency),
            ]))
    }

    private func listed(_ name: String, pool: String, _ state: String = "running") throws
        -> RentedWorker
    {
        try #require(
            RentedWorker([
                "id": .string(name), "state": .string(state), "offering": .string("o-" + pool),
                "token": .string(LaunchToken(owner: "me", pool: pool, launch: 1).text),
            ]))
    }

    /// Pools that each have a provider of their name, which lists these workers.
    private func evaluation(
        _ pools: [String], workers: [String: [RentedWorker]] = [:],
        offered: [String: [RentableOffering]] = [:], currency: String = "",
        work: WorkSnapshot = Coordinator().workSnapshot(),
        instances: [String: ScalingEvaluation.Instance] = [:], demand: [ScalingDemand] = [],
        after: ScalingEvaluation.Outcome? = nil
    ) -> ScalingEvaluation {
        var declaration = ScalingDeclaration()
        declaration.currency = currency
        let scaling = ClusterScaling(
            pools: pools.map { PoolDeclaration(name: $0, provider: $0, maximum: 10) },
            declaration: declaration,
            providers: pools.map { .init(name: $0, fleet: NoFleet(), isLocal: false) },
            memoryShare: 1)
        let lists = pools.map { name in
            var list = ScalingDesk.WorkerList()
            list.isKnown = true
            list.workers = workers[name] ?? []
            return (name, list)
        }
        let latest = after?.after.latest.nanoseconds ?? 0
        return ScalingEvaluation(
            scaling: scaling, owner: "me", wall: Tick(latest + 30 * Self.second),
            scaler: after?.after ?? Scaler(settings: ScalingSettings(pools: [])),
            memory: after?.memory ?? ScalingMemory(), offered: offered,
            foreign: after?.foreign ?? [:],
            lists: Dictionary(lists) { first, _ in first }, refusedUntil: [:],
            idleSince: after?.idleSince ?? [:], demand: demand, runs: [],
            work: work, instances: instances)
    }

    /// A coordinator with one worker of four cores that does so many subtasks.
    private func coordinator(running: Int) -> Coordinator {
        var coordinator = Coordinator()
        let task = TaskSpec(id: TaskID(0), name: "t")
        let events: [Event] = [
            .workerRegistered(
                WorkerSpec(
                    id: WorkerID(0),
                    capacity: ResourceVector(milliCores: 4_000, memoryBytes: 1 << 34))),
            .runSubmitted(RunSpec(id: RunID(1), seed: 1, tasks: [task])),
            .shapeDeclared(ShapeID(0), ShapeSpec(task: TaskID(0))), .strategyBegan(TaskID(0)),
            .strategySplit(
                TaskID(0), added: Array(repeating: SubtaskSpec(shape: ShapeID(0)), count: running),
                state: .end),
        ]
        for event in events { _ = coordinator.handle(event, at: Tick(0)) }
        return coordinator
    }

    @Test func `facts say what runs on a worker by the name that its provider has for it`() throws {
        let instance = ScalingEvaluation.Instance(
            worker: WorkerID(0),
            capacity: ResourceVector(milliCores: 4_000, memoryBytes: 1 << 34))
        let first = evaluation(
            ["a"], workers: ["a": [try listed("i-1", pool: "a"), try listed("i-2", pool: "a")]],
            offered: ["a": [try offered("o-a", 1, "USD")]],
            work: coordinator(running: 3).workSnapshot(), instances: ["i-1": instance])
        let outcome = first.evaluated()
        let workers = outcome.facts.workers
        #expect(workers.map(\.name) == ["i-1", "i-2"])
        #expect(workers.map(\.isReady) == [true, false])
        #expect(workers[0].running.map(\.count) == [3])
        #expect(workers[0].idleSince == nil)
        #expect(outcome.made.map(\.action) == [.adopt("i-1"), .adopt("i-2")])
        var inner: [UInt8] = []
        #expect(try ScalingMemory(outcome.bytes, scaler: &inner).currency == "USD")
        let back = try Scaler(settings: outcome.after.settings, from: inner)
        #expect(back.memberViews == outcome.after.memberViews)
        #expect(back.memberViews.count == 2)
        // What would be decided is what is decided.
        #expect(first.evaluated().made == outcome.made)
        let second = evaluation(
            ["a"], workers: ["a": [try listed("i-1", pool: "a")]],
            work: coordinator(running: 0).workSnapshot(), instances: ["i-1": instance],
            after: outcome
        ).evaluated()
        #expect(second.facts.workers.map(\.idleSince) == [second.facts.at])
    }

    @Test func `a plan says which part of the demand is expected, and of which task`() throws {
        var expected = ScalingDemand(request: ResourceRequest(milliCores: 2_000), count: 3)
        expected.expected = ExpectedTask(
            run: RunID(7), id: TaskID(4), name: "train", readyNanoseconds: 5 * Self.second)
        let ready = ScalingDemand(request: ResourceRequest(), count: 1)
        let evaluation = evaluation(
            ["a"], offered: ["a": [try offered("o-a", 1, "USD")]], demand: [ready, expected])
        let plan = ScalingView.plan(evaluation)
        let demand = plan["demand"]?.arrayValue ?? []
        #expect(demand.count == 2)
        #expect(demand.first?["expected"] == nil)
        #expect(demand.last?["count"]?.integerValue == 3)
        #expect(demand.last?["expected"]?["run"]?.stringValue == "7")
        #expect(demand.last?["expected"]?["task"]?.stringValue == "train")
        #expect(demand.last?["expected"]?["ready_s"]?.doubleValue == 5)
        // One worker has room for what is ready and one of the three; another has for the others.
        #expect(
            evaluation.evaluated().made.map(\.reason) == [
                .unmetDemand(slots: 1),
                .expectedDemand(slots: 2, run: RunID(7), task: "train"),
            ])
        let alone = self.evaluation(
            ["a"], offered: ["a": [try offered("o-a", 1, "USD")]], demand: [expected])
        #expect(
            alone.evaluated().made.map(\.why) == [
                "task train of run 7 is expected to begin before a worker has booted, and 3 slots of it "
                    + "would find no room"
            ])
    }

    @Test func `a pool whose prices are in another currency is left alone, with its workers`()
        throws
    {
        let offers = [
            "a": [try offered("o-a", 1, "USD")], "b": [try offered("o-b", 0.1, "EUR")],
            "free": [try offered("o-free", 0, "XTS")],
        ]
        let pools = ["a", "b", "free"]
        let workers = ["b": [try listed("i-b", pool: "b")]]
        let outcome = evaluation(pools, workers: workers, offered: offers).evaluated()
        #expect(outcome.foreign == ["b": "EUR"])
        #expect(outcome.memory.currency == "USD")
        #expect(outcome.after.settings.pools.map(\.name) == ["a", "free"])
        #expect(outcome.after.microsPerHour == 0)
        #expect(outcome.facts.workers.isEmpty)
        #expect(outcome.made.map(\.action) == [.keep])
        #expect(outcome.made.map(\.reason) == [.otherCurrency(found: "EUR", wanted: "USD")])
        #expect(outcome.warnings.map(\.pool) == ["b"])
        // It stays so without new offers, and is said again.
        let next = evaluation(pools, workers: workers, after: outcome).evaluated()
        #expect(next.foreign == ["b": "EUR"])
        #expect(next.warnings.isEmpty)
        #expect(next.made.map(\.reason) == outcome.made.map(\.reason))
    }

    @Test func `what idles in a pool that is left alone is ended, but for min and what works`()
        throws
    {
        let offers = ["a": [try offered("o-a", 1, "USD")], "b": [try offered("o-b", 0.1, "EUR")]]
        let workers = [
            "b": [
                try listed("i-busy", pool: "b"), try listed("i-idle", pool: "b"),
                try listed("i-going", pool: "b", "stopping"), try listed("i-last", pool: "b"),
            ]
        ]
        let busy = ScalingEvaluation.Instance(
            worker: WorkerID(0),
            capacity: ResourceVector(milliCores: 4_000, memoryBytes: 1 << 34))
        let work = coordinator(running: 1).workSnapshot()
        var last: ScalingEvaluation.Outcome?
        var ended: [[ScalingDecision]] = []
        for turn in 0..<22 {
            let outcome = evaluation(
                ["a", "b"], workers: workers, offered: turn == 0 ? offers : [:], work: work,
                instances: ["i-busy": busy], after: last
            ).evaluated()
            ended.append(outcome.made.filter { $0.action != .keep })
            last = outcome
        }
        // Every 30 s, and 600 s after it was first seen to do nothing.
        #expect(ended.prefix(20).joined().isEmpty)
        #expect(ended[20].map(\.action) == [.terminate("i-idle"), .terminate("i-last")])
        #expect(
            ended[20].first?.why
                == "its prices are in EUR, and the budget is in USD: nobody counts what "
                + "it costs, and it is idle")
        let outcome = try #require(last)
        let decision = ended[20][0]
        #expect(!outcome.isStale(decision, now: nil))
        #expect(!outcome.isStale(decision, now: WorkerStanding(isDraining: false, isIdle: true)))
        #expect(outcome.isStale(decision, now: WorkerStanding(isDraining: false, isIdle: false)))
    }

    @Test func `a budget in another currency begins with what was spent in that one`() throws {
        let dollars = ["a": [try offered("o-a", 1, "USD")], "b": [try offered("o-b", 2, "EUR")]]
        let workers = ["a": [try listed("i-a", pool: "a")], "b": [try listed("i-b", pool: "b")]]
        func turns(
            _ count: Int, in currency: String, _ last: ScalingEvaluation.Outcome?
        ) throws -> ScalingEvaluation.Outcome {
            var last = last
            for turn in 0..<count {
                last = evaluation(
                    ["a", "b"], workers: workers, offered: turn == 0 ? dollars : [:],
                    currency: currency, after: last
                ).evaluated()
            }
            return try #require(last)
        }
        // 30 s between two looks; the first finds the workers.
        let first = try turns(11, in: "USD", nil)
        #expect(first.memory.spentBefore.isEmpty)
        #expect(first.after.spentMicros == 83_334)
        let second = try turns(1, in: "EUR", first)
        #expect(second.memory.currency == "EUR")
        #expect(second.memory.spentBefore == ["USD": 83_334])
        #expect(second.after.spentMicros == 0)
        #expect(second.foreign == ["a": "USD"])
        #expect(second.warnings.contains { $0.message.contains("0.083334 USD that were spent") })
        let third = try turns(11, in: "EUR", second)
        #expect(third.after.spentMicros == 183_334)
        // Back again it goes on where it stopped.
        let fourth = try turns(1, in: "USD", third)
        #expect(fourth.after.spentMicros == 83_334)
        #expect(fourth.memory.spentBefore.keys.sorted() == ["EUR"])
    }

    @Test func `prices of the old currency are none until the providers have said others`() throws {
        let offers = ["a": [try offered("o-a", 1, "USD")], "free": [try offered("o-f", 0, "")]]
        let first = evaluation(["a", "free"], offered: offers, currency: "USD").evaluated()
        let second = evaluation(["a", "free"], currency: "EUR", after: first).evaluated()
        #expect(second.after.settings.pools.map(\.name) == ["free"])
        #expect(second.memory.offerings.keys.sorted() == ["free"])
    }

    @Test func `the budget's currency says which pools are left alone`() throws {
        let offers = [
            "a": [try offered("o-a", 1, "USD")], "b": [try offered("o-b", 0.1, "EUR")],
        ]
        let outcome = evaluation(["a", "b"], offered: offers, currency: "EUR").evaluated()
        #expect(outcome.foreign == ["a": "USD"])
        #expect(outcome.after.settings.pools.map(\.name) == ["b"])
        let none = evaluation(["a", "b"], offered: offers, currency: "GBP").evaluated()
        #expect(none.foreign == ["a": "USD", "b": "EUR"])
        #expect(none.after.settings.pools.isEmpty)
    }

    @Test func `offerings in another currency are left out of a pool that has others`() throws {
        let outcome = evaluation(
            ["a"],
            offered: ["a": [try offered("o-a", 1, "USD"), try offered("o-b", 0.1, "EUR")]],
            currency: "USD"
        ).evaluated()
        #expect(outcome.foreign.isEmpty)
        #expect(outcome.after.settings.pools.flatMap(\.offerings).map(\.name) == ["o-a"])
        #expect(outcome.warnings.count == 1)
    }

    @Test func `a currency that no pool has any more gives way to that of the first`() throws {
        let first = evaluation(["a"], offered: ["a": [try offered("o-a", 1, "USD")]]).evaluated()
        let unheard = evaluation(["a", "b"], after: first).evaluated()
        #expect(unheard.memory.currency == "USD")
        let changed = evaluation(
            ["a"], offered: ["a": [try offered("o-a", 1, "EUR")]], after: first
        ).evaluated()
        #expect(changed.memory.currency == "EUR")
        #expect(changed.foreign.isEmpty)
    }

    @Test func `a decision whose worker has changed meanwhile is not carried out`() throws {
        let instance = ScalingEvaluation.Instance(
            worker: WorkerID(0),
            capacity: ResourceVector(milliCores: 4_000, memoryBytes: 1 << 34))
        var outcome = evaluation(
            ["a"], workers: ["a": [try listed("i-1", pool: "a"), try listed("i-2", pool: "a")]],
            offered: ["a": [try offered("o-a", 1, "USD")]],
            work: coordinator(running: 0).workSnapshot(), instances: ["i-1": instance]
        ).evaluated()
        outcome.made[0].action = .drain("i-1")
        outcome.made[1].action = .terminate("i-2")
        outcome.noteStandings()
        #expect(outcome.ready == ["i-1"])
        #expect(outcome.idle == ["i-1"])
        let (decided, made) = (outcome, outcome.made[0])
        let busy = WorkerStanding(isDraining: false, isIdle: false)
        let idle = WorkerStanding(isDraining: false, isIdle: true)
        let draining = WorkerStanding(isDraining: true, isIdle: true)
        func isStale(
            _ action: ScalingDecision.Action, _ reason: ScalingDecision.Reason,
            _ now: WorkerStanding?
        ) -> Bool {
            var decision = made
            decision.action = action
            decision.reason = reason
            return decided.isStale(decision, now: now)
        }
        let low = ScalingDecision.Reason.lowUtilisation(0.1)
        // An idle worker that got work is not drained, one that has gone cannot be.
        #expect(isStale(.drain("i-1"), low, busy))
        #expect(!isStale(.drain("i-1"), low, idle))
        #expect(isStale(.drain("i-1"), low, nil))
        #expect(!isStale(.drain("i-1"), .interrupted, busy))
        #expect(!isStale(.drain("i-1"), .budget, nil))
        // One that was booting takes work now.
        #expect(isStale(.terminate("i-2"), low, idle))
        #expect(!isStale(.terminate("i-2"), low, nil))
        #expect(isStale(.terminate("i-2"), .neverReady, idle))
        #expect(isStale(.terminate("i-1"), .drained, busy))
        #expect(!isStale(.terminate("i-1"), .drained, draining))
        #expect(!isStale(.terminate("i-1"), .budget, busy))
        // Only a drain that is there is taken back.
        #expect(!isStale(.cancelDrain("i-1"), .demandReturned, draining))
        #expect(isStale(.cancelDrain("i-1"), .demandReturned, idle))
        #expect(isStale(.cancelDrain("i-1"), .demandReturned, nil))
        #expect(!isStale(.launch(1, offering: "o-a", count: 1), .belowMinimum, nil))
    }
}
