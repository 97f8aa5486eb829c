import FanfoldCore

/// A job on a trace, look by look: the published protocol.
///
/// A start takes its time out of what is paid for; spot runs only at looks at which it is there.
struct SpotProtocol {
    /// Who decides.
    enum Policy: CaseIterable {
        case onDemand, greedy, uniformProgress, fanfold

        var name: String {
            switch self {
            case .onDemand: "on demand"
            case .greedy: "greedy"
            case .uniformProgress: "uniform progress"
            case .fanfold: "fanfold"
            }
        }
    }

    /// What a job cost, in hours on demand.
    struct Outcome {
        var cost: Double
        var isInTime: Bool
    }

    var job: SpotJob

    /// Where a job is at a look.
    private struct Moment {
        var hours = 0.0
        var done = 0.0
        var running = SpotChoice.wait
        /// Time that a start still takes.
        var starting = 0.0
        /// Whether the baselines have gone on demand for good.
        var isForced = false
    }

    /// Runs the job from the first look of the slice.
    func run(_ looks: ArraySlice<Bool>, _ policy: Policy) -> Outcome {
        var chooser = SpotChooser(job: job)
        var moment = Moment()
        var cost = 0.0
        let gap = job.lookHours
        for isThere in looks {
            guard moment.done < job.workHours - 1e-9 else { break }
            guard moment.hours < job.deadlineHours - 1e-9 else { break }
            let choice =
                switch policy {
                case .fanfold:
                    chooser.choose(
                        atHours: moment.hours, workLeftHours: job.workHours - moment.done,
                        isSpotThere: isThere, running: moment.running)
                case .onDemand, .greedy, .uniformProgress: baseline(policy, isThere, &moment)
                }
            if choice != moment.running {
                moment.running = choice
                moment.starting = choice == .wait ? 0 : job.changeoverHours
            }
            if moment.running == .spot, !isThere { moment.running = .wait }
            if moment.running != .wait {
                cost += (moment.running == .spot ? job.spotPrice : 1) * gap
                let start = min(moment.starting, gap)
                moment.starting -= start
                moment.done += gap - start
            }
            moment.hours += gap
        }
        return Outcome(cost: cost, isInTime: moment.done >= job.workHours - 1e-9)
    }

    /// The simple policies, each with a net: on demand for good when it is time.
    private func baseline(
        _ policy: Policy, _ isThere: Bool, _ moment: inout Moment
    ) -> SpotChoice {
        if policy == .onDemand { return .onDemand }
        let (gap, change) = (job.lookHours, job.changeoverHours)
        let left = job.deadlineHours - moment.hours
        var need = job.workHours - moment.done + 2 * gap
        need += moment.running == .onDemand ? moment.starting : change
        if moment.running == .spot, isThere {
            need = job.workHours - moment.done + 2 * change + 2 * gap
        }
        if left <= need { moment.isForced = true }
        if moment.isForced { return .onDemand }
        if policy == .greedy { return isThere ? .spot : .wait }
        // As much work as time, in shares; a worker on demand is kept until it is ahead by a bit.
        let rate = job.workHours / job.deadlineHours
        let ahead = job.workHours * min(1, (moment.hours + 2 * change) / job.deadlineHours)
        if moment.running == .onDemand, moment.done < ahead { return .onDemand }
        if isThere { return .spot }
        return moment.done < rate * moment.hours ? .onDemand : .wait
    }
}
