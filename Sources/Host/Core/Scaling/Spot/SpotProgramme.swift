/// The expected costs from which ``SpotPlan`` chooses, a row of work at a time.
struct SpotProgramme {
    /// A cost that no job has: the deadline is missed.
    private static let never = 1e9

    private let spotCost: Double
    private let fullCost: Double
    /// Share of a step that a start takes.
    private let start: Double
    /// For each kind of spell and age: the probability that it ends in a step.
    private var ending: [Double] = []
    /// And that it reaches the next age, if it does not end.
    private var ageing: [Double] = []
    /// Expected costs after a step, for each slack and state, with one step of work less.
    private var before: ContiguousArray<Double>
    /// The same with the work that is looked at.
    private var now: ContiguousArray<Double>
    /// Expected costs before what spot does in the step.
    private var values = ContiguousArray<Double>(repeating: 0, count: SpotStates.count)

    init(stepHours: Double, width: Int, job: SpotJob, spells: SpotSpells) {
        spotCost = job.spotPrice * stepHours
        fullCost = stepHours
        start = job.changeoverHours / stepHours
        before = ContiguousArray(repeating: 0, count: width * SpotStates.count)
        now = before
        for isThere in [false, true] {
            for age in 0..<SpotSpells.rates {
                let hazard = spells.rate(isThere: isThere, bucket: age) * stepHours
                ending.append(hazard / (1 + hazard))
                let from = age == 0 ? 0 : SpotSpells.ages[age - 1]
                let to = age < SpotSpells.ages.count ? SpotSpells.ages[age] : .infinity
                ageing.append(min(1, stepHours / (to - from)))
            }
        }
    }

    /// The row that was filled is the one with less work from now on.
    mutating func nextWork() { swap(&before, &now) }

    /// Fills one slack of the row; those with less slack are filled.
    mutating func choose(slack: Int, _ take: (Int, SpotChoice) -> Void) {
        for isThere in [false, true] {
            for age in 0..<SpotSpells.rates {
                for running in SpotChoice.allCases where isThere || running != .spot {
                    let (choice, cost) = best(running, isThere, age, slack)
                    let state = SpotStates.place(running, isThere, age)
                    values[state] = cost
                    take(state, choice)
                }
            }
        }
        for isThere in [false, true] {
            for running in SpotChoice.allCases where isThere || running != .spot {
                expect(running, isThere, slack)
            }
        }
    }

    private func best(
        _ running: SpotChoice, _ isThere: Bool, _ age: Int, _ slack: Int
    ) -> (SpotChoice, Double) {
        var best = SpotChoice.onDemand
        var least = fullCost + after(.onDemand, running, isThere, age, slack)
        if isThere {
            let cost = spotCost + after(.spot, running, isThere, age, slack)
            if cost < least { (best, least) = (.spot, cost) }
        }
        if slack > 0 {
            let cost = now[
                (slack - 1) * SpotStates.count + SpotStates.place(.wait, isThere, age)]
            if cost < least { (best, least) = (.wait, cost) }
        }
        return least < Self.never ? (best, least) : (.onDemand, Self.never)
    }

    /// The expected cost after a step on a worker: a step's work less, or a start's share of it more.
    @inline(__always)
    private func after(
        _ choice: SpotChoice, _ running: SpotChoice, _ isThere: Bool, _ age: Int, _ slack: Int
    ) -> Double {
        let state = SpotStates.place(choice, isThere, age)
        let worked = before[slack * SpotStates.count + state]
        guard choice != running else { return worked }
        let lost = slack > 0 ? now[(slack - 1) * SpotStates.count + state] : Self.never
        return start * lost + (1 - start) * worked
    }

    /// Costs over what spot does in a step: the spell ends, or goes on and grows older.
    private mutating func expect(_ running: SpotChoice, _ isThere: Bool, _ slack: Int) {
        // A spot worker that is taken back is none.
        let left = running == .spot ? SpotChoice.wait : running
        let flipped = values[SpotStates.place(left, !isThere, 0)]
        for age in 0..<SpotSpells.rates {
            let state = SpotStates.place(running, isThere, age)
            let older = age + 1 < SpotSpells.rates ? values[state + 1] : values[state]
            let spell = SpotSpells.place(isThere, age)
            let stays = ageing[spell] * older + (1 - ageing[spell]) * values[state]
            now[slack * SpotStates.count + state] =
                ending[spell] * flipped + (1 - ending[spell]) * stays
        }
    }
}
