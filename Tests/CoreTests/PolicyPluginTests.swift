import Testing

@testable import FanfoldCore

/// Policies that are plugins, as the coordinator knows them: by facts alone.
@Suite struct PolicyPluginTests {
    /// Two workers of four cores, the second with a label, and a plugin that places.
    private func env(shadow: Bool = false) -> TestEnv {
        let env = TestEnv(cores: [4])
        env.on(
            .workerRegistered(
                WorkerSpec(
                    id: worker1,
                    capacity: ResourceVector(milliCores: 4000, memoryBytes: 1 << 30),
                    labels: ["good"])))
        var settings = PlacementSettings(policy: .fitness, shadow: shadow ? .fitness : nil)
        if shadow { settings.shadowPlugin = "one" } else { settings.plugin = "one" }
        env.on(.placementConfigured(settings))
        return env
    }

    /// The answer of a plugin that prefers workers with the label, more when they are fuller.
    private func answer(
        _ question: PolicyQuestion, _ score: (WorkerKind, Int) -> Double = preferGood
    ) -> PolicyAnswer {
        let row = question.kinds.flatMap { kind in
            (0..<WorkerLoad.count).map { score(kind, $0) }
        }
        return PolicyAnswer(question, scores: question.classes.flatMap { _ in row })
    }

    private static func preferGood(_ kind: WorkerKind, _ load: Int) -> Double {
        kind.labels.contains("good") ? 1 : 0
    }

    private func ask(_ env: TestEnv, _ seat: PolicySeat = .placing) throws -> PolicyQuestion {
        try #require(env.core.policyQuestion(for: seat))
    }

    private func note(_ index: UInt32, _ env: TestEnv) throws -> PlacementNote {
        try #require(env.core.placementNote(of: attempt(index).subtask))
    }

    @Test func `a plugin is asked before anything is placed, and its scores decide`() throws {
        let env = env()
        let question = try ask(env)
        #expect(question.kinds.map(\.labels) == [[], ["good"]])
        #expect(question.workers == [1, 1])
        env.on(.policyAnswered(answer(question)))
        #expect(env.core.policyQuestion(for: .placing) == nil)
        env.put(2)
        for index in UInt32(0)..<2 {
            let note = try note(index, env)
            #expect(note.worker == worker1)
            #expect(note.decider == "one")
            #expect(note.values.last == ScorerValue(name: "plugin", value: 1))
        }
        #expect(env.core.placementCounts.byPlugin == 2)
    }

    @Test func `without an answer the policy that is built in decides, and says why`() throws {
        let env = env()
        env.put(1)
        #expect(try note(0, env).worker == worker0)
        #expect(try note(0, env).fallback == .unanswered)
        #expect(try note(0, env).decider == "fitness")
        env.on(.policyFailed(.placing, .late, isSetAside: false))
        env.ended(attempt(0), slot(0))
        env.on(.strategyReplied(task0, StrategyReply(.results)))
        #expect(env.core.placementCounts.fallbacks[Int(PolicyFault.unanswered.rawValue)] == 1)
        #expect(env.core.policyFault(in: .placing).fault == .late)
    }

    @Test func `what a plugin that is set aside had said counts no more`() throws {
        let env = env()
        let question = try ask(env)
        env.on(.policyAnswered(answer(question)))
        env.on(.policyFailed(.placing, .crashed, isSetAside: true))
        env.put(1)
        #expect(try note(0, env).worker == worker0)
        #expect(try note(0, env).fallback == .crashed)
        // It is asked again, and believed again.
        env.on(.policyAnswered(answer(try ask(env))))
        #expect(env.core.policyFault(in: .placing) == (nil, false))
    }

    @Test func `a worker of another kind is asked about, and until then nothing is chosen`() throws
    {
        let env = env()
        env.on(.policyAnswered(answer(try ask(env))))
        env.worker(2, cores: 8)
        let question = try ask(env)
        #expect(question.kinds.map(\.milliCores) == [4000, 4000, 8000])
        env.put(1)
        #expect(try note(0, env).fallback == .unanswered)
        env.on(.policyAnswered(answer(question) { kind, _ in Double(kind.milliCores) }))
        #expect(env.core.policyQuestion(for: .placing) == nil)
    }

    @Test func `scores are for how full a worker is`() throws {
        let env = env()
        let question = try ask(env)
        // The emptiest first, as spread does, whatever the label.
        env.on(.policyAnswered(answer(question) { _, load in -Double(load) }))
        env.put(4)
        #expect(try (0..<4).map { try note($0, env).worker.index } == [0, 1, 0, 1])
    }

    @Test func `a plugin in the shadow is compared once it has a say`() throws {
        let env = env(shadow: true)
        env.put(1)
        #expect(try note(0, env).shadow == nil)
        env.on(.policyAnswered(answer(try ask(env, .shadow))))
        env.on(.strategySplit(task0, added: [SubtaskSpec(shape: ShapeID(0))], state: .end))
        let counts = env.core.placementCounts
        #expect(counts.chosen == 1 && counts.compared == 0)
    }

    @Test func `answers about what is not there are dropped`() throws {
        let env = env()
        let question = try ask(env)
        var wrong = answer(question)
        wrong.classes = [7]
        env.on(.policyAnswered(wrong))
        wrong = answer(question)
        wrong.scores[0] = .nan
        env.on(.policyAnswered(wrong))
        wrong.scores = []
        env.on(.policyAnswered(wrong))
        wrong = answer(question)
        wrong.seat = .shadow
        env.on(.policyAnswered(wrong))
        #expect(env.core.policyQuestion(for: .placing) == question)
    }

    @Test func `a restored coordinator chooses the same without asking anybody`() throws {
        let env = env()
        env.on(.policyAnswered(answer(try ask(env))))
        env.put(1)
        let bytes = env.core.encoded()
        var restored = try Coordinator(decoding: bytes)
        #expect(restored.encoded() == bytes)
        #expect(restored.violations() == [])
        let more = Event.strategyReplied(
            task0, StrategyReply(.results, added: [SubtaskSpec(shape: ShapeID(0))]))
        let ended = Event.attemptsEnded(
            worker1,
            [AttemptReport(attempt: attempt(0), outcome: .succeeded, slot: slot(0))])
        for event in [ended, more] {
            #expect(restored.handle(event, at: Tick(5)) == env.core.handle(event, at: Tick(5)))
        }
        #expect(restored.policyQuestion(for: .placing) == nil)
    }

    @Test func `events of plugins are read as they were written`() throws {
        let question = try ask(env())
        var settings = PlacementSettings(policy: .pack, shadow: .spread)
        settings.plugin = "a"
        settings.shadowPlugin = "b"
        for event in [
            .placementConfigured(settings), .policyAnswered(answer(question)),
            .policyFailed(.shadow, .wrong, isSetAside: true),
        ] as [Event] {
            #expect(try Event(decoding: event.encoded()) == event)
        }
    }

    @Test func `scores of too many requests go before more are kept`() {
        var scores = PolicyScores()
        let kind = WorkerKind(milliCores: 1000, gibibytes: 1)
        func take(_ number: Int) -> Bool {
            scores.take(
                PolicyAnswer(
                    seat: .placing, classes: [number], kinds: [kind],
                    scores: Array(repeating: 1, count: WorkerLoad.count)))
        }
        for number in 0..<Limits.policyRequests { #expect(!take(number)) }
        #expect(scores.count == Limits.policyRequests)
        #expect(take(Limits.policyRequests))
        #expect(scores.count == 1)
    }

    @Test func `a worker's load is that of its scarcest, in quarters rounded up`() {
        let total = ResourceVector(milliCores: 4000, memoryBytes: 100)
        func load(_ milliCores: Int64, _ memory: Int64) -> Int {
            let state = NodeState(
                kind: 0, devices: 0, milliCores: milliCores, memoryBytes: memory)
            return WorkerLoad.of(state, total, milli: 0)
        }
        #expect(load(4000, 100) == 0)
        #expect(load(3999, 100) == 1)
        #expect(load(3000, 100) == 1)
        #expect(load(2999, 100) == 2)
        #expect(load(4000, 25) == 3)
        #expect(load(0, 100) == 4)
    }

    @Test func `what was scored is asked again, and an answer that is no news is known`()
        throws
    {
        let env = env()
        #expect(env.core.policyQuestion(for: .placing, again: 0) == nil)
        let question = try ask(env)
        env.on(.policyAnswered(answer(question)))
        let again = try #require(env.core.policyQuestion(for: .placing, again: 0))
        #expect(again.question == question)
        #expect(env.core.policyQuestion(for: .placing, again: again.next) == nil)
        #expect(env.core.policyQuestion(for: .shadow, again: 0) == nil)
        #expect(env.core.isKnown(answer(question)))
        #expect(!env.core.isKnown(answer(question) { _, _ in 0.5 }))
        env.on(.policyFailed(.placing, .late, isSetAside: false))
        #expect(!env.core.isKnown(answer(question)))
        env.on(.policyFailed(.placing, .late, isSetAside: true))
        #expect(env.core.policyQuestion(for: .placing, again: 0) == nil)
    }

    @Test func `an outcome has shape, worker, load, end and what was used`() throws {
        let env = env()
        env.put(2)
        let usage = AttemptUsage(ranNanoseconds: 7, cpuNanoseconds: 5, peakMemoryBytes: 3)
        func report(_ outcome: AttemptOutcome, slot: SlotID?) -> AttemptReport {
            AttemptReport(attempt: attempt(0), outcome: outcome, slot: slot, usage: usage)
        }
        let place = try note(0, env).worker
        let good = try #require(
            env.core.outcome(of: report(.succeeded, slot: slot(0)), on: place))
        #expect(good.request.milliCores == 1000)
        #expect(good.kind == WorkerKind(milliCores: 4000, gibibytes: good.kind.gibibytes))
        #expect(good.load >= 1)
        #expect(good.failure == nil)
        #expect(good.usage == usage)
        let bad = env.core.outcome(of: report(.failed(exit1()), slot: slot(0)), on: place)
        #expect(bad?.failure == .exitCode)
        // One that never ran, one that is not there, and one of another worker are no outcomes.
        #expect(env.core.outcome(of: report(.succeeded, slot: nil), on: place) == nil)
        #expect(
            env.core.outcome(of: report(.succeeded, slot: slot(0)), on: WorkerID(9)) == nil)
        let lost = env.core.outcomes(ofLosing: place)
        #expect(lost.allSatisfy { $0.failure == .workerLost })
        #expect(lost.count == (try note(1, env).worker == place ? 2 : 1))
        env.ended(attempt(0), slot(0))
        #expect(env.core.outcome(of: report(.succeeded, slot: slot(0)), on: place) == nil)
    }
}
