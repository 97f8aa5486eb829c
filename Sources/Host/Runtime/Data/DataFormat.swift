/// How bytes are cut in items.
package enum DataFormat: String, Sendable, CaseIterable {
    /// One document; the items are the elements of an array, any other value is one item.
    case json
    /// One JSON value a line; blank lines are no items.
    case jsonl
    /// RFC 4180 with a header; the items are the rows after it.  An empty line is no row.
    case csv
    /// Text; the items are the lines.  A last line counts with or without its line feed.
    case lines
    /// A list of paths; the items are the paths.
    case files
    /// Consecutive integers.
    case range
    /// Bytes without a meaning: always one item.
    case bytes
    /// One tensor as numpy writes it; the items are the rows along the first axis.
    case npy
    /// Named tensors; the items are the tensors, in the order of their numbers.
    case safetensors
    /// A table as an Arrow file or stream; the items are the rows.
    case arrow

    /// Whether it is no text, and is read and written by ``BinaryItems``.
    var isBinary: Bool { self == .npy || self == .safetensors || self == .arrow }

    /// What follows the dot in the name of a file of this format.
    package var fileExtension: String {
        switch self {
        case .files, .range: DataFormat.lines.rawValue
        default: rawValue
        }
    }

    /// The format in which a child gets these items if nothing else is said: paths and integers are
    /// written one a line.
    package var streamFormat: DataFormat {
        switch self {
        case .files, .range: .lines
        default: self
        }
    }
}

/// One input of a subtask.
package enum InputPart: Sendable {
    /// Items of an input of the pipeline.
    case slice(DataSlice)
    /// What another subtask wrote, or the host made, in the stated format.
    case payload(PayloadSlice, DataFormat)

    /// The format of the items.
    package var format: DataFormat {
        switch self {
        case .slice(let slice): slice.dataset.format
        case .payload(_, let format): format
        }
    }
}
