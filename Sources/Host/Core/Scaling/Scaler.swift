/// Decides how many workers of which kind there are: facts in, decisions out.
///
/// It carries nothing out.  What became of a decision comes back by ``launched(_:names:at:)``,
/// ``launchFailed(_:at:)`` and ``drained(_:at:)``, and by the next facts; until then an order is
/// repeated, and is harmless to repeat.  Why a value: it is simulated, replayed and coded.
package struct Scaler: Hashable, Sendable {
    /// A worker that is counted.
    struct Member: Hashable, Sendable {
        enum Phase: UInt8, Sendable { case active, draining, ending }

        var pool: Int
        var offering: Int
        var launch: UInt64
        var since: Tick
        var phase = Phase.active
        /// Whether the provider has listed it.
        var isSeen = false
        var isInterrupted = false
        /// When it was last told to end.
        var ordered = Tick.zero
        /// When it was last seen to take work, or was launched.
        var lastReady = Tick.zero
        /// Whether it was launched by this scaler and has not taken work yet.
        var isBooting = false
    }

    /// A launch that has no answer.
    struct Launch: Hashable, Sendable {
        var pool: Int
        var offering: Int
        var count: Int
        /// When it was last asked for.
        var ordered: Tick
    }

    struct PoolState: Hashable, Sendable {
        var upUntil = Tick.zero
        var downUntil = Tick.zero
        var samples: [Sample] = []
        var records: [OfferingRecord]
        /// Nothing is added for what is only expected before this moment.
        var expectsFrom = Tick.zero
        var load = PoolLoad()
    }

    struct Sample: Hashable, Sendable {
        var at: Tick
        var utilisation: Double
    }

    /// How it decides.
    package let settings: ScalingSettings
    var pools: [PoolState]
    var members: [String: Member] = [:]
    var launches: [UInt64: Launch] = [:]
    var nextLaunch: UInt64 = 1
    var spent = 0.0
    var clock = Tick.zero
    /// Tasks that have not begun and are expected to.
    var expectations: [TaskID: Expectation] = [:]
    /// Runs with a deadline, by their numbers.
    var choosers: [RunID: RunChooser] = [:]
    /// How such runs are served, by their numbers; not part of what is coded.
    package internal(set) var outlooks: [RunOutlook] = []
    /// The latest decisions of each kind, the oldest first; not part of what is coded.
    package internal(set) var recent: [ScalingDecision] = []

    /// Nothing is known of any worker yet.
    package init(settings: ScalingSettings) {
        precondition(settings.problem == nil, "settings are checked before they are used")
        self.settings = settings
        pools = settings.pools.map {
            PoolState(records: Array(repeating: OfferingRecord(), count: $0.offerings.count))
        }
    }

    /// What has been spent, in millionths, rounded up.
    package var spentMicros: Int64 { Int64(min(spent.rounded(.up), 9e18)) }

    /// What was spent is counted on from here: the budget is another one.
    package mutating func goOn(spentMicros: Int64) { spent = Double(max(0, spentMicros)) }

    /// What all workers cost, those whose launch has no answer included, in millionths an hour.
    package var microsPerHour: Int64 {
        var sum: Int64 = 0
        // Not by `offering(_:_:)`: this is asked for each decision, and copies of names take long.
        for member in members.values {
            sum += settings.pools[member.pool].offerings[member.offering].microsPerHour
        }
        for (id, launch) in launches {
            let price = settings.pools[launch.pool].offerings[launch.offering].microsPerHour
            sum += price * Int64(outstanding(id))
        }
        return sum
    }

    /// Workers of a pool, those that start and end included.
    package func count(of pool: Int) -> Int {
        members.values.count { $0.pool == pool }
            + launches.reduce(0) { $0 + ($1.value.pool == pool ? outstanding($1.key) : 0) }
    }

    func offering(_ pool: Int, _ offering: Int) -> ScalingOffering {
        settings.pools[pool].offerings[offering]
    }

    /// Workers of a launch without an answer that are not known by name.
    func outstanding(_ launch: UInt64) -> Int {
        guard let asked = launches[launch]?.count else { return 0 }
        return max(0, asked - members.values.count { $0.launch == launch })
    }

    /// What a comparison of shares overlooks: sums of the same shares in another order.
    static let rounding = 1e-9

    /// Names of workers, sorted.
    func names(where isWanted: (Member) -> Bool) -> [String] {
        var names: [String] = []
        for (name, member) in members where isWanted(member) { names.append(name) }
        return names.sorted()
    }

    // MARK: - What became of decisions

    /// A launch was answered: these workers exist or will.
    ///
    /// Fewer than asked for is a success.
    package mutating func launched(_ id: UInt64, names: [String], at moment: Tick) {
        guard let launch = launches.removeValue(forKey: id) else { return }
        for name in names where members[name] == nil {
            members[name] = Member(
                pool: launch.pool, offering: launch.offering, launch: id, since: moment,
                isBooting: true)
        }
        if names.count < launch.count {
            pools[launch.pool].records[launch.offering].failed(at: moment)
        }
        guard !names.isEmpty else { return }
        pools[launch.pool].records[launch.offering].succeeded(at: moment)
        pools[launch.pool].upUntil = moment.advanced(
            byNanoseconds: settings.upCooldownNanoseconds)
        startDownCooldown(launch.pool, at: moment)
    }

    /// A launch made nothing and will not; no cooldown begins.
    package mutating func launchFailed(_ id: UInt64, at moment: Tick) {
        guard let launch = launches.removeValue(forKey: id) else { return }
        pools[launch.pool].records[launch.offering].failed(at: moment)
    }

    /// A worker was told to take nothing new.
    package mutating func drained(_ name: String, at moment: Tick) {
        guard let member = members[name], member.phase == .draining else { return }
        startDownCooldown(member.pool, at: moment)
    }

    /// A drain, an end or a drain taken back of the last evaluation is not carried out.
    ///
    /// What it was made from has changed meanwhile.  Its worker is what it was, and the next evaluation
    /// looks again.
    ///
    /// - Parameter before: the scaler that the evaluation began with.
    package mutating func withdraw(_ decision: ScalingDecision, as before: Scaler) {
        switch decision.action {
        case .drain(let name), .terminate(let name), .cancelDrain(let name):
            members[name]?.phase = before.members[name]?.phase ?? .active
            members[name]?.ordered = before.members[name]?.ordered ?? .zero
        case .launch, .adopt, .recommend, .keep: break
        }
    }

    mutating func startDownCooldown(_ pool: Int, at moment: Tick) {
        pools[pool].downUntil = moment.advanced(
            byNanoseconds: settings.downCooldownNanoseconds)
    }

    // MARK: - Deciding

    /// Looks at everything and decides.
    ///
    /// Times must not go back.  The same scaler and facts give the same decisions.
    package mutating func evaluate(_ facts: ScalingFacts) -> [ScalingDecision] {
        precondition(facts.at >= clock, "time does not go back")
        account(to: facts.at)
        var turn = ScalingTurn(facts: facts)
        for pool in pools.indices where turn.forecasts[settings.pools[pool].name] == nil {
            turn.forecasts[settings.pools[pool].name] = pools[pool].load.forecast
        }
        reconcile(&turn)
        repeatOrders(&turn)
        if isSpent(intervals: Limits.scalingSpentIntervals) {
            spendNoMore(&turn)
        } else {
            // What was seen is learned from before it is decided what will be needed.
            forecast(&turn)
            believe(&turn)
            divide(&turn)
            setApart(&turn)
            project(&turn)
            endWhatIsDrained(&turn)
            grow(&turn)
            // A load is of what there is to do; what is only expected is no part of it.
            for pool in pools.indices {
                pools[pool].load.take(turn.projection.load(of: pool), at: clock)
            }
            meetExpected(&turn)
            launch(&turn)
            shrink(&turn)
        }
        remember(turn.decisions)
        return turn.decisions
    }

    private mutating func account(to moment: Tick) {
        let hours = Double(moment.nanoseconds - clock.nanoseconds) / 3.6e12
        if clock > .zero { spent += Double(microsPerHour) * hours }
        for member in members.values where clock > .zero && member.phase == .active {
            pools[member.pool].records[member.offering].ran(hours: hours, at: moment)
        }
        clock = moment
    }

    /// Whether the total budget is used up after so many more intervals.
    func isSpent(intervals: Double) -> Bool {
        guard let total = settings.totalBudgetMicros else { return false }
        let hours = intervals * Double(settings.evaluationNanoseconds) / 3.6e12
        return spent + Double(microsPerHour) * hours >= Double(total)
    }

    /// Drains everything, and ends it before the budget is passed.
    private mutating func spendNoMore(_ turn: inout ScalingTurn) {
        endWhatIsDrained(&turn)
        let isLast = isSpent(intervals: Limits.scalingLastIntervals)
        for name in members.keys.sorted() {
            switch members[name]?.phase {
            case .active where !isLast: drain(name, .budget, &turn)
            case .active, .draining: if isLast { end(name, .budget, &turn) }
            case .ending, nil: break
            }
        }
    }

    private mutating func remember(_ decisions: [ScalingDecision]) {
        recent += decisions
        recent.removeFirst(max(0, recent.count - Limits.scalingDecisions))
    }
}

/// One evaluation: what it looks at and has decided so far.
struct ScalingTurn {
    var facts: ScalingFacts
    /// Demand of runs that are served in a way of their own, which is not in the facts any more.
    var served: [ServedDemand] = []
    /// How runs with a deadline are served; looked up only.
    var outlooks: [RunID: RunOutlook] = [:]
    /// Load that is expected of each pool: what the facts say, or the scaler's own forecast.
    var forecasts: [String: Double]
    let byName: [String: ScalingWorker]
    var decisions: [ScalingDecision] = []
    var projection = Projection()
    /// Slots that are wanted, the largest requests first.
    var wanted: [(request: ResourceRequest, count: Int)] = []
    /// What tasks will want that have not begun, the largest requests first.
    var expected: [ScalingDemand] = []
    /// Slots of that for which there is room: nothing that they need is taken away.
    var kept: [(request: ResourceRequest, count: Int)] = []
    /// Slots that found no room, with what each needs.
    var unmet: [(request: ResourceRequest, count: Int)] = []
    /// Workers to launch: pool, offering, count, reason.
    var plan: [Planned] = []
    /// Pools whose drains were taken back.
    var relented: Set<Int> = []
    /// Pools that a cooldown kept from growing.
    var isHeldBack: Set<Int> = []

    struct Planned {
        var pool: Int
        var offering: Int
        var count: Int
        var reason: ScalingDecision.Reason
        var alternatives: [ScalingDecision.Alternative]
    }

    init(facts: ScalingFacts) {
        self.facts = facts
        forecasts = facts.forecasts
        byName = Dictionary(facts.workers.map { ($0.name, $0) }) { first, _ in first }
    }

    var unmetSlots: Int { unmet.reduce(0) { $0 + $1.count } }

    func planned(in pool: Int) -> Int {
        plan.reduce(0) { $0 + ($1.pool == pool ? $1.count : 0) }
    }
}
