import FanfoldCore
import FanfoldRuntime

/// `fanfold bench spot`: jobs with a deadline on traces of spot, the production code beside simple
/// policies and the optimum.
struct SpotBench {
    var traces: [SpotTrace]
    var workHours: Double
    var deadlines: [Double]
    var changeoverHours: Double
    var spotPrice: Double
    var jobs: Int
    var seed: UInt32

    /// Costs beside those on demand, and jobs that were late.
    private struct Row {
        var shares: [Double]
        var late = 0
    }

    /// The table: a row for each trace and deadline, and their means.
    func lines() throws(TraceFile.Failure) -> [String] {
        let policies = SpotProtocol.Policy.allCases.dropFirst().map(\.name)
        var lines = [
            "\(Human.fixed(workHours, 1)) h of work, a start takes "
                + "\(Human.fixed(changeoverHours, 2)) h, spot costs \(Human.fixed(spotPrice, 2)), "
                + "\(jobs) jobs a trace and deadline, seed \(seed); cost beside on demand alone",
            row("trace", "deadline", policies + ["optimum", "late"]),
        ]
        for deadline in deadlines {
            var all: [Row] = []
            for trace in traces {
                let figures = try measure(trace, deadline)
                all.append(figures)
                lines.append(row(trace.name, Human.fixed(deadline, 1), cells(figures)))
            }
            let mean = Row(
                shares: all[0].shares.indices.map { column in
                    all.reduce(0) { $0 + $1.shares[column] } / Double(all.count)
                }, late: all.reduce(0) { $0 + $1.late })
            lines.append(row("mean", Human.fixed(deadline, 1), cells(mean)))
        }
        return lines
    }

    private func measure(_ trace: SpotTrace, _ deadline: Double) throws(TraceFile.Failure) -> Row {
        let job = SpotJob(
            workHours: workHours, deadlineHours: deadline, changeoverHours: changeoverHours,
            lookHours: trace.gapHours, spotPrice: spotPrice)
        if let problem = job.problem {
            throw TraceFile.Failure(description: "\(trace.name): \(problem)")
        }
        let looks = Int(deadline / trace.gapHours) + 2
        guard trace.isThere.count > looks else {
            throw TraceFile.Failure(
                description: "\(trace.name): wanted more than \(looks) looks, so that a job of "
                    + "\(deadline) h fits, found \(trace.isThere.count)")
        }
        let rules = SpotProtocol(job: job)
        var optimum = SpotOptimum(job: job)
        var generator = NumPyGenerator(seed: seed)
        var costs = [Double](repeating: 0, count: SpotProtocol.Policy.allCases.count + 1)
        var late = 0
        for _ in 0..<jobs {
            let begin = generator.below(UInt32(trace.isThere.count - looks))
            let slice = trace.isThere[begin..<begin + looks]
            for (column, policy) in SpotProtocol.Policy.allCases.enumerated() {
                let outcome = rules.run(slice, policy)
                costs[column] += outcome.cost
                if policy == .fanfold, !outcome.isInTime { late += 1 }
            }
            costs[costs.count - 1] += optimum.cost(slice)
        }
        return Row(shares: costs.dropFirst().map { $0 / costs[0] }, late: late)
    }

    private func cells(_ row: Row) -> [String] {
        row.shares.map { Human.fixed($0, 4) } + ["\(row.late)"]
    }

    private func row(_ name: String, _ deadline: String, _ fields: [String]) -> String {
        let blanks = String(repeating: " ", count: max(1, 32 - name.count))
        return ([deadline] + fields).reduce(into: name + blanks) { line, field in
            line += String(repeating: " ", count: max(1, 17 - field.count)) + field
        }
    }
}
