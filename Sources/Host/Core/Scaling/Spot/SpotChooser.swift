/// Decides, look by look, whether a job with a deadline waits, runs on spot, or on demand.
///
/// It plans by what it has seen of spot in this job alone, plans anew from time to time, and never
/// takes a choice after which a start on demand would come too late.
package struct SpotChooser: Hashable, Sendable {
    /// From what a plan was made: the same gives the same plan.
    struct Basis: Hashable, Sendable {
        var job: SpotJob
        var spells: SpotSpells
        var workHours: Double
        var slackHours: Double

        /// The plan.
        func plan() -> SpotPlan {
            SpotPlan(workHours: workHours, slackHours: slackHours, job: job, spells: spells)
        }
    }

    /// What it decides for.
    package internal(set) var job: SpotJob
    var spells: SpotSpells?
    var basis: Basis?
    private var plan: SpotPlan?
    var plannedHours = 0.0
    var lastHours = 0.0

    /// A job that has not begun.
    package init(job: SpotJob) {
        precondition(job.problem == nil, "a job is checked before it is used")
        self.job = job
    }

    /// A job that goes on; the plan is made again.
    init(
        job: SpotJob, spells: SpotSpells?, basis: Basis?, plannedHours: Double, lastHours: Double
    ) {
        self.job = job
        self.spells = spells
        self.basis = basis
        self.plannedHours = plannedHours
        self.lastHours = lastHours
        plan = basis?.plan()
    }

    /// What to run until the next look, which comes after ``SpotJob/lookHours`` or before.
    ///
    /// Hours count from the beginning of the job; they must not go back.
    package mutating func choose(
        atHours now: Double, workLeftHours work: Double, isSpotThere: Bool, running: SpotChoice
    ) -> SpotChoice {
        let spells = look(isSpotThere, at: now)
        let slack = job.deadlineHours - now - work - job.spareHours - job.lookHours
        // After one more look without work a start on demand must still be in time.
        guard slack >= job.changeoverHours else { return .onDemand }
        if plan == nil || now - plannedHours >= Limits.spotPlanHours {
            let made = Basis(job: job, spells: spells, workHours: work, slackHours: slack)
            basis = made
            plan = made.plan()
            plannedHours = now
        }
        // Spot that is not there does not run, whatever was running.
        let running = running == .spot && !isSpotThere ? .wait : running
        return plan?.choice(
            workHours: work, slackHours: slack, isThere: isSpotThere, age: spells.ageBucket,
            running: running) ?? .onDemand
    }

    /// The job has other work, times and prices from now on; what was seen of spot stays.
    ///
    /// A plan for a much larger job, or another price, is made anew.
    mutating func change(to job: SpotJob, workLeftHours work: Double) {
        self.job = job
        guard let basis else { return }
        let isDearer = abs(job.spotPrice - basis.job.spotPrice) > Limits.spotPriceChange
        if isDearer || work > basis.workHours + 2 * job.changeoverHours { plan = nil }
    }

    private mutating func look(_ isThere: Bool, at now: Double) -> SpotSpells {
        var seen = spells ?? SpotSpells(isThere: isThere)
        if spells != nil {
            precondition(now >= lastHours, "time does not go back")
            seen.look(isThere: isThere, after: now - lastHours)
        }
        spells = seen
        lastHours = now
        return seen
    }
}
