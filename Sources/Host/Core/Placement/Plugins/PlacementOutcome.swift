/// How an attempt turned out where it was placed: what a policy that is a plugin is told.
package struct PlacementOutcome: Hashable, Sendable {
    /// What it asked for.
    package var request: ResourceRequest
    /// What its worker has in all.
    package var total: ResourceVector
    /// The labels of its worker.
    package var labels: [String]
    /// The ``WorkerLoad`` of its worker at its end, itself included.
    package var load: Int
    /// Why it gave no result; `nil` if it gave one.
    package var failure: FailureClass?
    /// What it used, as far as that was measured.
    package var usage: AttemptUsage

    /// An attempt that ended.
    package init(
        request: ResourceRequest, total: ResourceVector, labels: [String], load: Int,
        failure: FailureClass?, usage: AttemptUsage
    ) {
        self.request = request
        self.total = total
        self.labels = labels
        self.load = load
        self.failure = failure
        self.usage = usage
    }

    /// The kind of its worker.
    package var kind: WorkerKind { WorkerKind(total: total, labels: labels) }
}

extension Coordinator {
    /// How what was placed turned out with this report, which has not been taken in; `nil` for an
    /// attempt that is not there, or that never ran.
    ///
    /// - Complexity: O(GPUs of the worker).
    package func outcome(of report: AttemptReport, on id: WorkerID) -> PlacementOutcome? {
        guard report.slot != nil, let worker = known(id),
            let index = find(report.attempt, on: worker)
        else { return nil }
        switch report.outcome {
        case .succeeded: return outcome(of: placements[index], nil, report.usage)
        case .failed(let failure):
            return outcome(of: placements[index], failure.kind, report.usage)
        }
    }

    /// How what runs on a worker turns out if the worker is lost now.
    ///
    /// - Complexity: O(attempts that run there).
    package func outcomes(ofLosing id: WorkerID) -> [PlacementOutcome] {
        guard let worker = known(id) else { return [] }
        return workers[worker].cells.flatMap { cell in
            cellLinks.members(of: cells[Int(cell)].running).map { index in
                let placement = placements[index]
                let ran = clock.nanoseconds - placement.started.nanoseconds
                return outcome(of: placement, .workerLost, AttemptUsage(ranNanoseconds: ran))
            }
        }
    }

    private func outcome(
        of placement: Placement, _ failure: FailureClass?, _ usage: AttemptUsage
    ) -> PlacementOutcome {
        let cell = cells[Int(placement.cell)]
        let ledger = workers[cell.worker].ledger
        var why = failure
        // It is told that it is cancelled, whatever for.
        if failure == .cancelled {
            switch placement.fate {
            case .timedOut: why = .timeout
            case .preempted: why = .preempted
            case .wanted, .doomed: break
            }
        }
        return PlacementOutcome(
            request: classes[shapes[cell.shape].resources].request, total: ledger.total,
            labels: ledger.labels, load: WorkerLoad.of(free: ledger.free, total: ledger.total),
            failure: why, usage: usage)
    }
}
