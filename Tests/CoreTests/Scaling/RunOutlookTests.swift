import Testing

@testable import FanfoldCore

/// How the scaler serves runs with a deadline.
@Suite struct RunOutlookTests {
    private static let second = ScalingWorld.second
    private static let hour = 3_600 * second

    /// A pool that offers both markets: four cores, spot at a third of the price.
    private static func settings(_ mode: DeadlineMode, maximum: Int = 10) -> ScalingSettings {
        var pool = ScalingWorld.pool("p", maximum: maximum, price: 1_000_000)
        var spot = pool.offerings[0]
        spot.name = "spot"
        spot.isSpot = true
        spot.microsPerHour = 300_000
        pool.offerings.append(spot)
        var settings = ScalingSettings(pools: [pool])
        settings.deadlines = mode
        return settings
    }

    /// Eight subtasks of an hour, and what time there is for them.
    private static func facts(
        at seconds: UInt64, within deadline: UInt64, isWhole: Bool = true
    ) -> ScalingFacts {
        var facts = ScalingFacts(at: Tick(seconds * second))
        var run = ScalingRun(
            run: RunID(7), deadline: Tick(deadline), request: ScalingWorld.core, count: 8)
        run.longestNanoseconds = Double(hour)
        run.workNanoseconds = 8 * Double(hour)
        run.isWhole = isWhole
        facts.runs = [run]
        facts.demand = [
            ScalingDemand(
                request: ScalingWorld.core, count: 8, nanoseconds: hour, run: RunID(7))
        ]
        return facts
    }

    private static func launches(_ made: [ScalingDecision]) -> [String] {
        made.compactMap {
            if case .launch(_, let offering, let count) = $0.action {
                "\(count) \(offering)"
            } else {
                nil
            }
        }
    }

    @Test
    func `on demand is taken when a subtask that is lost on spot could not begin anew in time`() {
        // An hour to do, an hour that may be lost, a boot of 60 s, two looks of 60 s, 300 s in hand.
        let least = Self.second + 2 * Self.hour + 480 * Self.second
        for (deadline, offering) in [(least, "3 spot"), (least - 1, "2 p-4")] {
            var scaler = Scaler(settings: Self.settings(.meet))
            let made = scaler.evaluate(Self.facts(at: 1, within: deadline))
            #expect(Self.launches(made) == [offering])
        }
    }

    @Test func `the decision says that it is for the deadline, with numbers`() {
        var scaler = Scaler(settings: Self.settings(.wait))
        let made = scaler.evaluate(Self.facts(at: 1, within: Self.hour))
        guard case .deadline(let outlook) = made.first?.reason else {
            Issue.record("found \(made)")
            return
        }
        #expect(outlook.market == .net)
        #expect(outlook.slots == 8)
        #expect(outlook.neededNanoseconds == Self.hour + 480 * Self.second)
        #expect(outlook.leftNanoseconds == Self.hour - Self.second)
        #expect(outlook.slackNanoseconds == 0)
        #expect(scaler.outlooks == [outlook])
    }

    @Test func `the net is not held back by a cooldown, and keeps max and budgets`() {
        var scaler = Scaler(settings: Self.settings(.meet, maximum: 4))
        var facts = Self.facts(at: 1, within: 5 * Self.hour)
        facts.demand[0].count = 4
        for decision in scaler.evaluate(facts) {
            guard case .launch(let id, _, let count) = decision.action else { continue }
            scaler.launched(id, names: (0..<count).map { "s\($0)" }, at: facts.at)
        }
        // The pool has just grown.
        var late = Self.facts(at: 61, within: 2 * Self.hour)
        late.workers = scaler.memberViews.map {
            ScalingWorker(name: $0.name, pool: "p", offering: $0.offering, launch: 1)
        }
        #expect(Self.launches(scaler.evaluate(late)) == ["2 p-4"])
        #expect(scaler.count(of: 0) == 4)
    }

    @Test func `workers that may be taken back make room for the net`() {
        var scaler = Scaler(settings: Self.settings(.meet, maximum: 2))
        let facts = Self.facts(at: 1, within: 5 * Self.hour)
        for decision in scaler.evaluate(facts) {
            guard case .launch(let id, _, let count) = decision.action else { continue }
            scaler.launched(id, names: (0..<count).map { "s\($0)" }, at: facts.at)
        }
        #expect(scaler.memberViews.map(\.offering) == ["spot", "spot"])
        var late = Self.facts(at: 61, within: 2 * Self.hour)
        late.workers = scaler.memberViews.map {
            ScalingWorker(name: $0.name, pool: "p", offering: $0.offering, launch: 1)
        }
        let made = scaler.evaluate(late)
        #expect(Set(made.map(\.action)) == [.drain("s0"), .drain("s1")])
    }

    @Test
    func `a run waits for spot that is not given, asks for it again, and outlives the process`()
        throws
    {
        let settings = Self.settings(.wait)
        var scaler = Scaler(settings: settings)
        var asked: [UInt64] = []
        for turn in 0..<60 as Range<UInt64> {
            let facts = Self.facts(at: 60 * turn + 1, within: 24 * Self.hour)
            let made = scaler.evaluate(facts)
            for decision in made {
                guard case .launch(let id, let offering, _) = decision.action else { continue }
                #expect(offering == "spot")
                asked.append(turn)
                scaler.launchFailed(id, at: facts.at)
            }
            var copy = try Scaler(settings: settings, from: scaler.encoded())
            copy.recent = scaler.recent
            copy.outlooks = scaler.outlooks
            #expect(copy == scaler)
        }
        #expect(asked.prefix(3) == [0, 5, 10])
        #expect(scaler.market(of: RunID(7)) == .wait)
        let bytes = scaler.encoded()
        for cut in 0..<bytes.count {
            #expect(throws: CodingError.self) {
                try Scaler(settings: settings, from: Array(bytes.prefix(cut)))
            }
        }
        // A run that has ended is forgotten.
        _ = scaler.evaluate(ScalingFacts(at: Tick(4_000 * Self.second)))
        #expect(scaler.market(of: RunID(7)) == nil)
    }

    @Test func `what is not known as a whole does not wait`() {
        var scaler = Scaler(settings: Self.settings(.wait))
        let facts = Self.facts(at: 1, within: 24 * Self.hour, isWhole: false)
        _ = scaler.evaluate(facts)
        #expect(scaler.market(of: RunID(7)) == .any)
    }

    @Test func `where nothing is offered on demand the cheapest serves, whatever the deadline`() {
        var settings = Self.settings(.wait)
        settings.pools[0].offerings.removeFirst()
        var scaler = Scaler(settings: settings)
        let made = scaler.evaluate(Self.facts(at: 1, within: Self.hour))
        #expect(Self.launches(made) == ["3 spot"])
        #expect(scaler.market(of: RunID(7)) == .any)
    }

    @Test func `what was coded before there were deadlines is read`() throws {
        let settings = ScalingSettings(pools: [])
        let bytes = Scaler(settings: settings).encoded()
        // The last are the numbers of what is expected and of runs with a deadline.
        for (version, missing) in [(UInt8(7), 1), (5, 2)] {
            let old = [version] + bytes.dropFirst().dropLast(missing)
            #expect(try Scaler(settings: settings, from: old) == Scaler(settings: settings))
        }
    }

    @Test
    func `as many runs are planned as there may be, and one more is served by what is cheapest`() {
        var scaler = Scaler(settings: Self.settings(.wait))
        var facts = Self.facts(at: 1, within: 24 * Self.hour)
        let (run, demand) = (facts.runs[0], facts.demand[0])
        facts.runs = []
        facts.demand = []
        for number in 0...UInt64(Limits.spotRuns) {
            var (other, wanted) = (run, demand)
            other.run = RunID(number)
            wanted.run = RunID(number)
            facts.runs.append(other)
            facts.demand.append(wanted)
        }
        _ = scaler.evaluate(facts)
        #expect(scaler.outlooks.count { $0.market == .spot } == Limits.spotRuns)
        #expect(scaler.outlooks.last?.market == .any)
    }
}
