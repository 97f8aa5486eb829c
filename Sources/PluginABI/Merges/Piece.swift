import FanfoldJSON
import PluginKit

/// How the bytes of a result are to be read.
public enum PieceFormat: String, Sendable, Hashable {
    /// One JSON value.
    case json
    /// One JSON value a line.
    case jsonl
    /// A header line and rows.
    case csv
    /// One text a line; a line that is a JSON number counts as that number.
    case lines
    /// Bytes without structure.
    case bytes
    /// A tensor as numpy writes it.
    case npy
    /// Named tensors.
    case safetensors
    /// A table as an Arrow file or stream.
    case arrow

    /// The format that `run` gives: what it says under `stdout`, `jsonl` for `native` and `noop`,
    /// and `lines` otherwise.
    public init(run: JSON?) {
        let stated = run?["stdout"].flatMap { $0.stringValue ?? $0["format"]?.stringValue }
        if let stated, let format = PieceFormat(rawValue: stated) {
            self = format
        } else if run?["native"] != nil || run?["noop"] != nil
            || run?["use"]?.stringValue == "noop"
        {
            self = .jsonl
        } else {
            self = .lines
        }
    }
}

/// One result on its way into a merge.
public struct Piece {
    /// The place among the results; the merge folds in this order, from 0.
    public var index: Int
    /// What people call it, for messages and for merges by name.
    public var name: String
    /// How the bytes are to be read.
    public var format: PieceFormat
    /// How much it counts in weighted merges: items for data parallel, a member's weight for an
    /// ensemble.
    public var weight: Double
    /// How many items the bytes hold.
    public var items: Int
    /// The bytes.
    public var blob: Blob
    /// The subtask whose result it is; a second run names the result instead of copying it.
    public var subtask: UInt64?

    /// A piece.
    public init(
        index: Int, name: String, format: PieceFormat, weight: Double = 1, items: Int = 1,
        blob: Blob
    ) {
        self.index = index
        self.name = name
        self.format = format
        self.weight = weight
        self.items = items
        self.blob = blob
    }

    /// The first part of a result as a piece; a result without parts is an empty piece.
    public init(
        _ result: SubtaskResult, index: Int, name: String, format: PieceFormat, weight: Double
    ) {
        self.init(
            index: index, name: name, format: format, weight: weight, items: result.items,
            blob: result.parts.first ?? Blob([]))
        subtask = result.subtask
    }
}

/// Whether a piece stands for many values or for one.
public enum Reading: Sendable, Hashable {
    /// Every line or row is a value of its own: the pieces are parts of one input.
    case each
    /// The piece is one value, its lines or rows being a list: the pieces answer the same input.
    case whole
}
