import Testing

@testable import FanfoldCore

/// Jobs with a deadline on made-up spot.
@Suite struct SpotChooserTests {
    /// What a job did: hours paid for of each kind, starts, and whether it was in time.
    private struct Life {
        var spot = 0.0
        var onDemand = 0.0
        var starts = 0
        var isInTime = false

        var cost: Double { onDemand + 0.3 * spot }
    }

    private static func job(_ work: Double, within deadline: Double) -> SpotJob {
        SpotJob(
            workHours: work, deadlineHours: deadline, changeoverHours: 0.2, lookHours: 0.1,
            spotPrice: 0.3)
    }

    private func run(_ job: SpotJob, _ isThere: (Double) -> Bool) -> Life {
        var chooser = SpotChooser(job: job)
        var life = Life()
        var running = SpotChoice.wait
        var (hours, done, starting) = (0.0, 0.0, 0.0)
        while done < job.workHours - 1e-9, hours < job.deadlineHours - 1e-9 {
            let there = isThere(hours)
            let choice = chooser.choose(
                atHours: hours, workLeftHours: job.workHours - done, isSpotThere: there,
                running: running)
            if choice != running, choice != .wait {
                starting = job.changeoverHours
                life.starts += 1
            }
            running = choice == .spot && !there ? .wait : choice
            if running != .wait {
                if running == .spot { life.spot += 0.1 } else { life.onDemand += 0.1 }
                let start = min(starting, 0.1)
                starting -= start
                done += 0.1 - start
            }
            hours += 0.1
        }
        life.isInTime = done >= job.workHours - 1e-9
        return life
    }

    @Test func `spot that is always there is all that is paid for`() {
        let life = run(Self.job(20, within: 24)) { _ in true }
        #expect(life.isInTime)
        #expect(life.onDemand == 0)
        #expect(life.starts == 1)
    }

    @Test func `without spot a job runs on demand in one piece and is in time`() {
        let life = run(Self.job(20, within: 24)) { _ in false }
        #expect(life.isInTime)
        #expect(life.starts == 1)
        #expect(abs(life.onDemand - 20.2) < 1e-6)
    }

    @Test func `a job that has time waits for spot, and one that has none does not`() {
        // Spot is there every other six hours.
        let there = { (hours: Double) in Int(hours / 6) % 2 == 1 }
        let calm = run(Self.job(12, within: 40), there)
        #expect(calm.isInTime)
        #expect(calm.onDemand < 1)
        let pressed = run(Self.job(12, within: 13), there)
        #expect(pressed.isInTime)
        #expect(pressed.onDemand > 5)
        #expect(calm.cost < pressed.cost)
    }

    @Test func `spot that leaves at once is not worth a start`() {
        // There for six minutes in every half hour: less than a start takes.
        let life = run(Self.job(10, within: 20)) { Int($0 * 10 + 0.5) % 5 == 0 }
        #expect(life.isInTime)
        #expect(life.cost < 10.2 * 1.15)
    }

    @Test func `no deadline is missed, whatever spot does`() {
        for seed in 0..<200 {
            var random = SplitMix64(seed: UInt64(seed))
            let work = 2 + Double(random.upTo(20))
            let job = Self.job(work, within: work + 0.3 + Double(random.upTo(100)) / 10)
            // Spells of a random length, from one look to many hours.
            let longest = 1 + random.upTo(150)
            var there = false
            var left: UInt64 = 0
            let life = run(job) { _ in
                if left == 0 {
                    there.toggle()
                    left = 1 + random.upTo(longest)
                }
                left -= 1
                return there
            }
            #expect(life.isInTime, "seed \(seed)")
            #expect(life.cost <= work + 0.2 + 0.3 * Double(life.starts) + 1e-6, "seed \(seed)")
        }
    }

    @Test func `what a plan expects of spells is learned from the job`() {
        var short = SpotSpells(isThere: true)
        for look in 0..<100 { short.look(isThere: look % 2 == 1, after: 0.1) }
        var long = SpotSpells(isThere: true)
        for _ in 0..<100 { long.look(isThere: true, after: 0.1) }
        let fresh = SpotSpells(isThere: true)
        let rates = [short, fresh, long].map { $0.rate(isThere: true, bucket: 0) }
        #expect(rates[0] > 2 * rates[1] && rates[1] > 2 * rates[2])
        #expect(long.ageBucket == SpotSpells.rates - 1)
    }

    @Test func `a job that cannot be in time is refused in words`() {
        #expect(Self.job(20, within: 20.3 + 1e-9).problem == nil)
        #expect(Self.job(20, within: 20.29).problem?.contains("at least 20.3 h") == true)
        #expect(Self.job(-1, within: 4).problem != nil)
    }
}
