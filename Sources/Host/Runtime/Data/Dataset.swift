import FanfoldJSON

/// Items in an order that does not change: what a strategy splits.
package struct Dataset: Sendable {
    /// How the bytes are cut in items.
    package let format: DataFormat
    /// The number of items.
    package let count: Int
    /// Bytes of data that it refers to; 0 for a range, the length of the paths for files.
    package let byteCount: Int
    let content: Content

    enum Content: Sendable {
        case pieces(PieceList)
        case files([String])
        case range(Int)
    }

    /// Opens the file at `path`.
    package static func open(
        path: String, format: DataFormat
    ) throws(DataError) -> Dataset {
        fatalError("soon")
    }
    package init(files: [String]) {
        format = .files
        count = files.count
        byteCount = 0
        content = .files(files)
    }
    package init(value: JSON) { fatalError("soon") }
    package init(range: Range<Int>) { fatalError("soon") }
    package init(format: DataFormat, pieces: [PayloadSlice]) throws(DataError) {
        fatalError("soon")
    }

    /// `count` items from number `from`, by reference.
    package func slice(from: Int, count: Int) -> DataSlice {
        DataSlice(dataset: self, from: from, count: count)
    }

    /// All items.
    package var whole: DataSlice { slice(from: 0, count: count) }
}

struct PieceList: Sendable {}

/// Consecutive items of a dataset, by reference.
package struct DataSlice: Sendable {
    /// What it is a part of.
    package let dataset: Dataset
    /// The first item, from 0.
    package let from: Int
    /// The number of items.
    package let count: Int
}
