import FanfoldJSON
import PluginKit

/// One merge at work: is given pieces and keeps what it needs of them.
protocol Folder: AnyObject {
    /// Whether pieces may be given in any order; else they are given by ascending index.
    var takesAnyOrder: Bool { get }

    /// Takes in a piece.
    func fold(_ piece: Piece) throws(PluginError)

    /// Output that is final already, and its format; is not given again.
    func ready() -> (format: PieceFormat, parts: [Part])?

    /// Whether no further piece can change the result.
    ///
    /// Parameter remaining: The weights of the pieces that may still come.
    func isDecided(remaining: [Double]) -> Bool

    /// The rest of the output, once.
    func finish() throws(PluginError) -> Output

    /// What people should know of the result, after `finish`.
    var details: JSONObject? { get }
}

extension Folder {
    var takesAnyOrder: Bool { false }

    func ready() -> (format: PieceFormat, parts: [Part])? { nil }

    func isDecided(remaining: [Double]) -> Bool { false }

    var details: JSONObject? { nil }
}

extension Merge {
    /// A folder of this merge; `nil` for the merges that are a second run.
    func folder(_ reading: Reading, format: PieceFormat) -> (any Folder)? {
        switch self {
        case .concat: ConcatFolder(format)
        case .interleave: InterleaveFolder(format)
        case .sum: TreeFolder<SumLeaf>(reading, empty: 0)
        case .mean: TreeFolder<MeanLeaf>(reading, empty: .null, weighted: true)
        case .average: TreeFolder<MeanLeaf>(reading, empty: .null)
        case .min: TreeFolder<MinLeaf>(reading, empty: .null)
        case .max: TreeFolder<MaxLeaf>(reading, empty: .null)
        case .median: TreeFolder<MedianLeaf>(reading, empty: .null)
        case .count: CountFolder()
        case .histogram(let edges): HistogramFolder(edges: edges)
        case .topK(let options): TopKFolder(options)
        case .union(let sorted): UnionFolder(sorted: sorted)
        case .dictionary(let conflict): DictionaryFolder(reading, conflict)
        case .vote(let options): VoteFolder(reading, options)
        case .best(let by, let lowest): BestFolder(by: by, lowest: lowest)
        case .first(let k): FirstFolder(k: k, format: format)
        case .metrics(let reducers): MetricsFolder(reducers)
        case .tensorConcat(let axis): TensorFolder(TensorConcat(axis: axis), format)
        case .tensorSum: TensorFolder(TensorSum(), format)
        case .tensorMean: TensorFolder(TensorMean(), format)
        case .stack, .custom: nil
        }
    }
}
