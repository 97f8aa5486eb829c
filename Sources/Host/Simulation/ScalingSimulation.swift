import FanfoldCore

/// The scaler of a coordinator in a world that is made up: clouds in memory, work that comes by a list,
/// and calls that fail or whose answers are lost.
///
/// The same workload, settings and seed give the same world.  What decides is ``Scaler``, as it decides
/// in a coordinator; only the coordinator's placing is simplified: each job starts on the first worker
/// that has room, in the order in which they came.
/// Units: nanoseconds since the beginning of the world; prices are millionths for an hour.
package struct ScalingSimulation {
    /// Work that comes at a moment.
    package struct Arrival: Hashable, Sendable {
        /// When it comes.
        package var at: UInt64
        /// How many jobs.
        package var count: Int
        /// What each needs.
        package var request: ResourceRequest
        /// How long each runs.
        package var nanoseconds: UInt64
        /// When all of them are to have ended; `nil` for whenever.
        package var deadline: UInt64?

        /// Jobs that come at a moment.
        package init(
            at: UInt64, count: Int, request: ResourceRequest, nanoseconds: UInt64,
            deadline: UInt64? = nil
        ) {
            self.at = at
            self.count = count
            self.request = request
            self.nanoseconds = nanoseconds
            self.deadline = deadline
        }
    }

    /// How often of a thousand something goes wrong.
    package struct Faults: Hashable, Sendable {
        /// A call fails without an effect.
        package var failing: UInt64 = 0
        /// A call has its effect, and its answer is lost.
        package var losing: UInt64 = 0
        /// A call is made twice.
        package var repeating: UInt64 = 0
        /// A provider does not list its workers.
        package var silent: UInt64 = 0
        /// The coordinator dies and goes on with what it has written.
        package var restarting: UInt64 = 0
        /// The coordinator dies and has lost all.
        package var forgetting: UInt64 = 0

        /// Nothing goes wrong.
        package init() {}
    }

    struct Job {
        var arrival: Int
        var came: UInt64
        var begun: UInt64
        var ends: UInt64
        var slot: SlotID
    }

    struct Host {
        var ledger: Ledger
        var jobs: [Job] = []
        var idleSince: UInt64
    }

    let arrivals: [Arrival]
    let settings: ScalingSettings
    var clouds: [String: FakeCloud]
    var faults: Faults
    var random: SplitMix64
    var scaler: Scaler
    var now: UInt64 = 0
    var nextArrival = 0
    /// Jobs that wait, by arrival, with how many and since when.
    var waiting: [(arrival: Int, count: Int, came: UInt64)] = []
    /// Workers that have booted, by name.
    var hosts: [String: Host] = [:]
    var nextSlot: UInt32 = 0
    /// Whether every provider has answered since all was lost.
    var hasLists = true
    /// What the clouds are owed, whatever the scaler believes.
    var owed = 0.0
    /// That of it which is owed for machines that may be taken back.
    var owedForSpot = 0.0
    /// Jobs of each arrival that have not ended.
    var left: [Int]
    /// What has come of it so far.
    package internal(set) var report = ScalingReport()

    /// A world in which nothing has happened.
    ///
    /// Parameter clouds: By the name of the pool; the kinds are called like the pool's offerings.
    package init(
        _ arrivals: [Arrival], settings: ScalingSettings, clouds: [String: FakeCloud],
        faults: Faults = Faults(), seed: UInt64 = 1
    ) {
        self.arrivals = arrivals.sorted { $0.at < $1.at }
        self.settings = settings
        self.clouds = clouds
        self.faults = faults
        random = SplitMix64(seed: seed)
        scaler = Scaler(settings: settings)
        left = self.arrivals.map(\.count)
        report.deadlines = self.arrivals.count { $0.deadline != nil }
    }

    /// Lets time pass until everything is done and all that is not needed is gone, or until the moment.
    package mutating func run(until end: UInt64) -> ScalingReport {
        while now < end {
            turn()
            let isQuiet =
                nextArrival == arrivals.count && waiting.isEmpty
                && hosts.values.allSatisfy(\.jobs.isEmpty)
            let least = settings.pools.reduce(0) { $0 + $1.minimum }
            if isQuiet, alive <= least, scaler.memberViews.count == alive,
                scaler.memberViews.allSatisfy({ $0.phase == "active" || $0.phase == "starting" }),
                (0..<settings.pools.count).allSatisfy({ !isAwaited($0) })
            {
                break
            }
        }
        finish()
        return report
    }

    private func isAwaited(_ pool: Int) -> Bool {
        scaler.count(of: pool) != scaler.memberViews.count { $0.pool == settings.pools[pool].name }
    }

    /// Machines that cost something now.
    package var alive: Int {
        clouds.values.reduce(0) { sum, cloud in
            sum
                + cloud.machines.values.count {
                    $0.state(at: now, notice: cloud.noticeNanoseconds) != .gone
                }
        }
    }

    /// One interval: work comes and ends, machines boot and go, and the scaler looks at all of it.
    package mutating func turn() {
        let next = now + settings.evaluationNanoseconds
        advance(to: next)
        charge(from: now, to: next)
        now = next
        mishaps()
        adjustPrices()
        let facts = facts()
        let made = scaler.evaluate(facts)
        report.note(made)
        for decision in made { carryOut(decision) }
        check()
    }

    /// Prices change: the scaler is told as a coordinator tells it.
    private mutating func adjustPrices() {
        var changed = settings
        for place in changed.pools.indices {
            guard let cloud = clouds[changed.pools[place].name] else { continue }
            for index in changed.pools[place].offerings.indices {
                let name = changed.pools[place].offerings[index].name
                guard let kind = cloud.kinds.first(where: { $0.name == name }) else { continue }
                changed.pools[place].offerings[index].microsPerHour = kind.microsPerHour(at: now)
                changed.pools[place].offerings[index].isAvailable =
                    cloud.room(of: kind, at: now) > 0
            }
        }
        if changed.problem != nil {
            for place in changed.pools.indices { changed.pools[place].minimum = 0 }
        }
        guard changed != scaler.settings else { return }
        do throws(CodingError) {
            scaler = try Scaler(settings: changed, after: scaler)
        } catch {
            preconditionFailure("a scaler reads what it wrote: \(error)")
        }
    }

    private mutating func restart(with settings: ScalingSettings) {
        do throws(CodingError) {
            scaler = try Scaler(settings: settings, from: scaler.encoded())
        } catch {
            preconditionFailure("a scaler reads what it wrote: \(error)")
        }
    }

    private mutating func mishaps() {
        if random.upTo(999) < faults.restarting { restart(with: scaler.settings) }
        if random.upTo(999) < faults.forgetting {
            scaler = Scaler(settings: scaler.settings)
            // Who knows nothing decides nothing before each provider has said what is there.
            hasLists = false
        }
    }

    private mutating func charge(from start: UInt64, to end: UInt64) {
        // In one order: sums of the same numbers in another one differ.
        for (_, cloud) in clouds.sorted(by: { $0.key < $1.key }) {
            for machine in cloud.machines.values.sorted(by: { $0.id < $1.id }) {
                let last = min(end, machine.ended, machine.takenBack)
                guard machine.made < end, last > start,
                    let kind = cloud.kinds.first(where: { $0.name == machine.kind })
                else { continue }
                let time = Double(last - max(start, machine.made))
                let cost = Double(kind.microsPerHour(at: start)) * time / 3.6e12
                owed += cost
                if kind.isSpot { owedForSpot += cost }
            }
        }
    }

    private mutating func finish() {
        report.seconds = now / 1_000_000_000
        report.spentMicros = Int64(owed.rounded(.up))
        report.spotMicros = Int64(owedForSpot.rounded(.up))
        for (arrival, left) in zip(arrivals, left) where left > 0 {
            if let deadline = arrival.deadline, deadline <= now { report.late += 1 }
        }
        report.waitingAtEnd = waiting.reduce(0) { $0 + $1.count }
        report.aliveAtEnd = alive
        let known = Set(scaler.memberViews.map(\.name))
        for (pool, cloud) in clouds.sorted(by: { $0.key < $1.key }) {
            for machine in cloud.machines.values.sorted(by: { $0.id < $1.id })
            where machine.state(at: now, notice: cloud.noticeNanoseconds) != .gone
                && !known.contains(machine.id)
            {
                report.problems.append("\(pool): \(machine.id) runs and nobody counts it")
            }
        }
    }
}
