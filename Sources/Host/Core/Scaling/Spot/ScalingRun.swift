/// What is left of a run that has a deadline.
package struct ScalingRun: Hashable, Sendable {
    /// The run.
    package var run: RunID
    /// When it is cancelled, by the clock of the facts.
    package var deadline: Tick
    /// What each of most of its subtasks needs.
    package var request: ResourceRequest
    /// Subtasks that have not ended, those that run included.
    package var count: Int
    /// Those of them that run.
    package var running = 0
    /// The most that may run at a time.
    package var slots = Int.max
    /// What all that have not ended take together, in nanoseconds on one slot.
    package var workNanoseconds = 0.0
    /// What those that run have run for already, in nanoseconds.
    package var ranNanoseconds = 0.0
    /// What nearly each subtask takes at most, in nanoseconds.
    package var longestNanoseconds = 0.0
    /// Whether that is all of its work; otherwise there is more of which nothing is known yet.
    package var isWhole = true

    /// So many subtasks, of which nothing is known.
    package init(run: RunID, deadline: Tick, request: ResourceRequest, count: Int) {
        self.run = run
        self.deadline = deadline
        self.request = request
        self.count = count
    }
}

/// What becomes of the deadlines of runs.
package enum DeadlineMode: String, Sendable, CaseIterable {
    /// Nothing: what a run wants is served by the cheapest offering.
    case ignore
    /// What would come too late on spot is served on demand.
    case meet
    /// The same, and until then a run waits for spot where that is expected to cost less.
    case wait
}

/// What the demand of a run with a deadline is served by.
package enum RunMarket: UInt8, Sendable, CaseIterable {
    /// What is cheapest, as for all others.
    case any
    /// Nothing: it waits for spot.
    case wait
    /// Workers that may be taken back.
    case spot
    /// Workers that stay, since that is expected to cost least.
    case onDemand
    /// Workers that stay, whatever they cost: what is taken back would come too late.
    case net
}

/// How a run with a deadline is served, and from what that was decided.
package struct RunOutlook: Hashable, Sendable {
    /// The run.
    package var run: RunID
    /// What its demand is served by.
    package var market: RunMarket
    /// Slots that it can use at a time, of those that can be had on demand.
    package var slots: Int
    /// What is left would take so long on demand on these slots, with the start of the workers and
    /// what is kept in hand, in nanoseconds.
    package var neededNanoseconds: UInt64
    /// Until its deadline, in nanoseconds.
    package var leftNanoseconds: UInt64
    /// So long may be done without on demand, in nanoseconds: a subtask that is lost on spot at its
    /// very end is allowed for.
    package var slackNanoseconds: UInt64

    /// An outlook.
    package init(
        run: RunID, market: RunMarket, slots: Int, neededNanoseconds: UInt64,
        leftNanoseconds: UInt64, slackNanoseconds: UInt64
    ) {
        self.run = run
        self.market = market
        self.slots = slots
        self.neededNanoseconds = neededNanoseconds
        self.leftNanoseconds = leftNanoseconds
        self.slackNanoseconds = slackNanoseconds
    }
}

/// Demand of a run that is served in a way of its own.
struct ServedDemand {
    var outlook: RunOutlook
    var request: ResourceRequest
    /// Slots that are wanted.
    var count: Int
    /// Those of them that found no room.
    var left: Int

    /// Whether workers that may be taken back are of no use.
    var isSteady: Bool { outlook.market == .net || outlook.market == .onDemand }
    /// Whether workers are wanted for it.
    var isWanted: Bool { outlook.market != .wait }
}
