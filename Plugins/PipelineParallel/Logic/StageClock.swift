import FanfoldJSON
import PluginMerges

/// Replays measured run times as an ideal pipeline, for the report: what each stage did of the
/// time from the first start to the last end, hand-over costing nothing.
///
/// Shape: micro-batches are given in order; a stage with r replicas works on r at a time.
struct StageClock: Sendable {
    /// When each replica of each stage is free, in seconds.
    private var free: [[Double]]
    private var busy: [Double]
    private var span = 0.0
    private(set) var microBatches = 0

    /// Stages with so many replicas each.
    init(replicas: [Int]) {
        free = replicas.map { Array(repeating: 0, count: $0) }
        busy = replicas.map { _ in 0 }
    }

    /// Adds a micro-batch that took so many seconds in each stage.
    mutating func add(_ seconds: [Double]) {
        microBatches += 1
        var ready = 0.0
        for (stage, taken) in seconds.enumerated() {
            var earliest = 0
            for replica in free[stage].indices where free[stage][replica] < free[stage][earliest] {
                earliest = replica
            }
            ready = max(ready, free[stage][earliest]) + taken
            free[stage][earliest] = ready
            busy[stage] += taken
        }
        span = max(span, ready)
    }

    /// Utilisation by stage, and the share of time in which stages are idle.
    func report(_ stages: [StageList.Stage]) -> JSONObject {
        let slots = free.reduce(0) { $0 + $1.count }
        let entries = stages.indices.map { index -> JSON in
            let available = span * Double(free[index].count)
            return [
                "name": .string(stages[index].name), "busy_seconds": .number(busy[index]),
                "utilisation": .number(available > 0 ? busy[index] / available : 0),
            ]
        }
        let used = busy.reduce(0, +)
        return JSONObject([
            ("micro_batches", .integer(Int64(microBatches))), ("stages", .array(entries)),
            ("bubble", .number(span > 0 ? 1 - used / (span * Double(slots)) : 0)),
            (
                "bubble_of_equal_stages",
                .number(Self.bubble(stages: stages.count, microBatches: microBatches))
            ),
        ])
    }

    /// The idle share of `p` equal stages over `m` micro-batches: `(p - 1) / (m + p - 1)`.
    ///
    /// Source: Huang et al., "GPipe", 2019.
    static func bubble(stages: Int, microBatches: Int) -> Double {
        guard stages > 0, microBatches > 0 else { return 0 }
        return Double(stages - 1) / Double(microBatches + stages - 1)
    }
}
