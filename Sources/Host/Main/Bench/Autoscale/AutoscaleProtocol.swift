/// How replicas follow what is desired, and what that costs: the published protocol.
///
/// What is desired at the end of a step is there a step later if it is more, and at once if it is
/// less.  A replica serves a hundredth of the largest load, and a step is in order where the load is
/// at most 0.8 of what its replicas serve.
struct AutoscaleProtocol {
    /// Head-rooms that are tried, the smallest first.
    static let headrooms = [
        1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0,
    ]
    /// Share of the load, in percent, that may come in steps that are not in order.
    static let allowedPercent = 1.0

    /// What came of the replicas that were there.
    struct Score {
        /// Requests, and steps, that were not in order, in percent.
        var requests: Double
        var steps: Double
        /// Replicas beside those that were needed.
        var cost: Double
    }

    /// Loads, in replicas that serve them in order.
    let loads: [Double]
    /// Where the first half is measured from.
    let begin: Int

    init(_ series: LoadSeries) {
        let unit = 0.8 * (series.loads.max() ?? 1) / 100
        loads = series.loads.map { $0 / unit }
        begin = series.season
    }

    var firstHalf: Range<Int> { begin..<loads.count / 2 }
    var secondHalf: Range<Int> { loads.count / 2..<loads.count }

    /// Replicas for a load.
    static func need(_ load: Double) -> Int {
        max(1, Int((min(max(load, 0), 1e9) - 1e-9).rounded(.up)))
    }

    /// Replicas that were there in each step, of those desired at the end of each.
    func replicas(desired: [Int]) -> [Int] {
        // With a delay of one step what is desired is there in the next, more or less of it.
        [desired[0]] + desired.dropLast()
    }

    func score(_ replicas: [Int], _ range: Range<Int>) -> Score {
        var (missed, total, steps, paid, needed) = (0.0, 0.0, 0, 0, 0)
        for step in range {
            total += loads[step]
            paid += replicas[step]
            needed += Self.need(loads[step])
            if loads[step] > Double(replicas[step]) + 1e-9 {
                missed += loads[step]
                steps += 1
            }
        }
        return Score(
            requests: 100 * missed / total, steps: 100 * Double(steps) / Double(range.count),
            cost: Double(paid) / Double(needed))
    }

    /// Replicas for forecasts with the smallest head-room that is in order on the first half.
    func tuned(_ forecasts: [Double]) -> (headroom: Double, replicas: [Int]) {
        var last: (Double, [Int]) = (1, [])
        for headroom in Self.headrooms {
            last = (headroom, replicas(desired: forecasts.map { Self.need($0 * headroom) }))
            if score(last.1, firstHalf).requests <= Self.allowedPercent { break }
        }
        return last
    }
}
