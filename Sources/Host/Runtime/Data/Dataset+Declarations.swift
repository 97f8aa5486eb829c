extension Dataset {
    /// Bytes of a JSON value that a strategy is given as text; larger ones go by reference.
    package static let smallTextBytes = 64 << 10

    /// No items.
    package static let empty = Dataset(files: [])

    /// What an input of a pipeline stands for.
    package static func open(_ input: InputDeclaration) throws(DataError) -> Dataset {
        switch input.source {
        case .value(let value): Dataset(value: value)
        case .range(let from, let to): Dataset(range: Int(from)..<Int(max(from, to)))
        case .files(let paths):
            input.format == .files
                ? Dataset(files: paths) : try open(paths: paths, format: input.format)
        }
    }

    /// The text of a JSON value that is small enough to be looked at; `nil` for other data.
    var smallText: PayloadSlice? {
        guard format == .json, byteCount <= Self.smallTextBytes,
            case .pieces(let list) = content, list.pieces.count == 1
        else { return nil }
        return list.pieces[0].slice
    }
}
