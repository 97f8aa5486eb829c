import FanfoldCore

/// What a job would cost if all that spot does were known beforehand.
///
/// A dynamic programme over looks, work left in looks, what runs, and what a start still takes.
struct SpotOptimum {
    private let job: SpotJob
    private let works: Int
    private let starts: Int
    /// Costs from here on with work left and nothing running.
    private var idle: [Double]
    /// The same with spot (even places) or on demand (odd ones) running.
    private var running: [Double]

    init(job: SpotJob) {
        self.job = job
        works = Int((job.workHours / job.lookHours - 1e-9).rounded(.up))
        starts = Int((job.changeoverHours / job.lookHours - 1e-9).rounded(.up))
        idle = []
        running = []
    }

    private func place(_ work: Int, _ kind: Int, _ start: Int) -> Int {
        (work * (starts + 1) + start) * 2 + kind
    }

    /// The least cost from the first look of the slice, in hours on demand.
    mutating func cost(_ looks: ArraySlice<Bool>) -> Double {
        let count = Int(job.deadlineHours / job.lookHours)
        idle = Array(repeating: 1e18, count: works + 1)
        running = Array(repeating: 1e18, count: (works + 1) * (starts + 1) * 2)
        idle[0] = 0
        for place in 0..<((starts + 1) * 2) { running[place] = 0 }
        for isThere in looks.prefix(count).reversed() { stepBack(isThere) }
        return idle[works]
    }

    private mutating func stepBack(_ isThere: Bool) {
        let prices = [job.spotPrice * job.lookHours, job.lookHours]
        // More work first: what is looked up of less work is still that of the next look.
        for work in stride(from: works, to: 0, by: -1) {
            var least = idle[work]
            for kind in 0...1 {
                guard kind == 1 || isThere else {
                    for start in 0...starts { running[place(work, kind, start)] = 1e18 }
                    continue
                }
                for start in stride(from: starts, through: 0, by: -1) {
                    let after =
                        start > 0
                        ? running[place(work, kind, start - 1)]
                        : running[place(work - 1, kind, 0)]
                    running[place(work, kind, start)] = after + prices[kind]
                }
                least = min(least, running[place(work, kind, starts)])
            }
            idle[work] = least
            for place in (work * (starts + 1) * 2)..<((work + 1) * (starts + 1) * 2) {
                running[place] = min(running[place], least)
            }
        }
    }
}
