/// Decides, look by look, whether a job with a deadline waits, runs on spot, or on demand.
///
/// It plans by what it has seen of spot in this job alone, plans anew from time to time, and never
/// takes a choice after which a start on demand would come too late.
package struct SpotChooser: Hashable, Sendable {
    /// What it decides for.
    package let job: SpotJob
    private var spells: SpotSpells?
    private var plan: SpotPlan?
    private var plannedHours = 0.0
    private var lastHours = 0.0

    /// A job that has not begun.
    package init(job: SpotJob) {
        precondition(job.problem == nil, "a job is checked before it is used")
        self.job = job
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
            plan = SpotPlan(workHours: work, slackHours: slack, job: job, spells: spells)
            plannedHours = now
        }
        // Spot that is not there does not run, whatever was running.
        let running = running == .spot && !isSpotThere ? .wait : running
        return plan?.choice(
            workHours: work, slackHours: slack, isThere: isSpotThere, age: spells.ageBucket,
            running: running) ?? .onDemand
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
