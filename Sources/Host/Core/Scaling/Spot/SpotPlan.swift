/// What to run for each amount of work and time that may be left: the expected cost is least.
///
/// A dynamic programme in steps of time over the work left, the steps that need do no work, whether
/// spot is there, for how long it has been so, and what runs.  A start takes its time out of its
/// first step; work between two steps is interpolated.  What misses the deadline costs without
/// limit.
///
/// Complexity: 25 states for each step of work and of slack, about 10 ns each; one byte is kept of
/// each.
/// Source: R. Bellman, "Dynamic Programming", 1957.  The question is that of Z. Wu et al., "Can't Be
/// Late: Optimizing Spot Instance Savings under Deadlines", NSDI 2024.
struct SpotPlan: Hashable, Sendable {
    /// Hours of a step.
    let stepHours: Double
    private let works: Int
    private let slacks: Int
    private var choices: ContiguousArray<UInt8>

    /// The best choices for work, and time beyond it, that are left at most, both in hours.
    init(workHours: Double, slackHours: Double, job: SpotJob, spells: SpotSpells) {
        stepHours = max(
            job.changeoverHours, job.lookHours,
            (workHours + slackHours) / Limits.spotPlanSteps)
        works = Int((workHours / stepHours).rounded(.up))
        slacks = Int((slackHours / stepHours).rounded(.up))
        choices = ContiguousArray(
            repeating: SpotChoice.onDemand.rawValue,
            count: (works + 1) * (slacks + 1) * SpotStates.count)
        var programme = SpotProgramme(
            stepHours: stepHours, width: slacks + 1, job: job, spells: spells)
        for work in stride(from: 1, through: works, by: 1) {
            for slack in 0...slacks {
                programme.choose(slack: slack) { state, choice in
                    choices[(work * (slacks + 1) + slack) * SpotStates.count + state] =
                        choice.rawValue
                }
            }
            programme.nextWork()
        }
    }

    /// What is best where so much is left, in hours; work is rounded up, and slack down.
    func choice(
        workHours: Double, slackHours: Double, isThere: Bool, age: Int, running: SpotChoice
    ) -> SpotChoice {
        guard slackHours >= 0 else { return .onDemand }
        let work = min(works, Int((workHours / stepHours).rounded(.up)))
        let slack = min(slacks, Int((slackHours / stepHours).rounded(.down)))
        let state = SpotStates.place(running, isThere, age)
        let raw = choices[(work * (slacks + 1) + slack) * SpotStates.count + state]
        return SpotChoice(rawValue: raw) ?? .onDemand
    }
}

/// What runs, whether spot is there, and the age of that: numbered.
enum SpotStates {
    /// All of them; that spot runs and is not there does not occur.
    static let count = 6 * SpotSpells.rates

    /// The number of one.
    static func place(_ running: SpotChoice, _ isThere: Bool, _ age: Int) -> Int {
        (Int(running.rawValue) * 2 + (isThere ? 1 : 0)) * SpotSpells.rates + age
    }
}
