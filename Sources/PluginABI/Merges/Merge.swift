import FanfoldJSON
import PluginKit

/// How the results of the subtasks become the result of the task.
///
/// In YAML a name (`merge: sum`) or one key with its options
/// (`merge: { top-k: { k: 3, by: score } }`).
public enum Merge: Sendable, Hashable {
    /// One after the other.
    case concat
    /// Item 0 of each, then item 1 of each, and so on; the longer ones go on alone.
    case interleave
    /// Numbers added; objects key by key, arrays element by element.
    case sum
    /// The mean, weighted by item count, or by a member's weight.
    case mean
    /// The mean with every result counting the same.
    case average
    /// The least number.
    case min
    /// The greatest number.
    case max
    /// The middle number; the mean of the two middle ones if there are as many above as below.
    case median
    /// How many items the results hold.
    case count
    /// How often each value, or each interval between edges, occurs.
    case histogram(edges: [Double])
    /// The best items.
    case topK(TopK)
    /// Every value once.
    case union(sorted: Bool)
    /// Members of objects, or results by name.
    case dictionary(Conflict)
    /// The value with the most votes.
    case vote(Vote)
    /// The whole result with the best metric.
    case best(by: String, lowest: Bool)
    /// The results of the first `k` subtasks to succeed.
    case first(Int)
    /// Metrics, each by its own reducers.
    case metrics(JSONObject)
    /// Tensors one after the other along an axis, by name if they have names.
    case tensorConcat(axis: Int)
    /// Tensors added number by number, by name if they have names.
    case tensorSum
    /// The mean of tensors number by number, weighted by item count, or by a member's weight.
    case tensorMean
    /// A second run over all results, given by name.
    case stack(run: JSON)
    /// A second run over all results, given in order.
    case custom(run: JSON)

    /// The options of ``Merge/topK(_:)``.
    public struct TopK: Sendable, Hashable {
        /// How many are kept.
        public var k: Int
        /// The key or JSON Pointer of the number to rank by; `nil` ranks the items themselves.
        public var by: String?
        /// Whether the least are kept.
        public var lowest: Bool

        /// The `k` items with the greatest number under `by`, or the least.
        public init(k: Int, by: String? = nil, lowest: Bool = false) {
            self.k = k
            self.by = by
            self.lowest = lowest
        }
    }

    /// What ``Merge/dictionary(_:)`` does with a key that comes twice.
    public enum Conflict: String, Sendable, Hashable {
        /// The task fails.
        case error
        /// The first in order stays.
        case first
        /// The last in order stays.
        case last
        /// Every key holds a list of all its values.
        case list
    }

    /// The options of ``Merge/vote(_:)``.
    public struct Vote: Sendable, Hashable {
        /// Whether members count by their weights.
        public var weighted: Bool
        /// The share of the weight that the winner must have; `nil` asks for most votes only.
        public var threshold: Double?
        /// Who wins a tie.
        public var ties: Ties

        /// A rule; without a threshold, most votes are enough.
        public init(
            weighted: Bool = false, threshold: Double? = nil, ties: Ties = .firstMember
        ) {
            self.weighted = weighted
            self.threshold = threshold
            self.ties = ties
        }
    }

    /// Who wins a tie.
    public enum Ties: String, Sendable, Hashable {
        /// The value that the first member in order voted for.
        case firstMember = "first-member"
        /// The lowest value: numbers by size, texts by their bytes.
        case lowest
        /// Nobody: the task fails.
        case error
    }
}

/// What is true of a merge; the engine derives from it what it may do.
public struct MergeAlgebra: Sendable, Hashable {
    /// Merging merged parts gives the same.
    public var associative: Bool
    /// Any order gives the same.
    public var commutative: Bool
    /// The same piece twice gives the same.
    public var idempotent: Bool
    /// The order of the input shows in the result.
    public var ordered: Bool
    /// The result over some of the pieces is a right answer for those pieces.
    public var partialOK: Bool
}

extension Merge {
    /// What is true of the merge.
    public var algebra: MergeAlgebra {
        func algebra(_ letters: String) -> MergeAlgebra {
            MergeAlgebra(
                associative: letters.contains("a"), commutative: letters.contains("c"),
                idempotent: letters.contains("i"), ordered: letters.contains("o"),
                partialOK: letters.contains("p"))
        }
        switch self {
        case .concat, .tensorConcat: return algebra("aop")
        case .interleave: return algebra("o")
        case .sum, .count, .histogram, .mean, .tensorSum, .tensorMean: return algebra("acp")
        case .average, .median, .vote, .metrics: return algebra("cp")
        case .min, .max: return algebra("acip")
        case .topK: return algebra("ap")
        case .union(let sorted): return algebra(sorted ? "acip" : "aiop")
        case .dictionary(let conflict):
            return algebra(conflict == .error ? "acp" : conflict == .list ? "aop" : "aiop")
        case .best: return algebra("aip")
        case .first: return algebra("p")
        case .stack, .custom: return algebra("o")
        }
    }

    /// The run of the second level, for ``stack(run:)`` and ``custom(run:)``.
    public var secondRun: JSON? {
        switch self {
        case .stack(let run), .custom(let run): run
        default: nil
        }
    }

    /// The name in YAML.
    public var name: String {
        switch self {
        case .concat: "concat"
        case .interleave: "interleave"
        case .sum: "sum"
        case .mean: "mean"
        case .average: "average"
        case .min: "min"
        case .max: "max"
        case .median: "median"
        case .count: "count"
        case .histogram: "histogram"
        case .topK: "top-k"
        case .union: "union"
        case .dictionary: "dictionary"
        case .vote: "vote"
        case .best: "best"
        case .first: "first"
        case .metrics: "metrics"
        case .tensorConcat: "tensor-concat"
        case .tensorSum: "tensor-sum"
        case .tensorMean: "tensor-mean"
        case .stack: "stack"
        case .custom: "custom"
        }
    }
}
