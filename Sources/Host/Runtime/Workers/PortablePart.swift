import FanfoldJSON

/// A part of what a subtask is given, in a form that means the same on another machine.
///
/// Text formats travel as a text of their own: a slice of a table gets the header, a slice of an
/// array becomes an array.
package struct PortablePart: Sendable {
    /// What stands for the items.
    package enum Content: Sendable {
        /// Bytes of the format; by reference where they lay in one piece.
        case bytes(PayloadSlice)
        /// Consecutive integers from this one.
        case range(from: Int)
        /// Files of the machine that says so.
        case files([String])
    }

    /// How the bytes are cut in items.
    package var format: DataFormat
    /// How many items; `nil` where nobody counted.
    package var count: Int?
    /// What stands for the items.
    package var content: Content

    /// A part.
    package init(format: DataFormat, count: Int?, content: Content) {
        self.format = format
        self.count = count
        self.content = content
    }

    /// The part that an executor gets.
    ///
    /// - Throws: what makes it no list of this format.
    package func inputPart() throws(DataError) -> InputPart {
        switch content {
        case .bytes(let slice): return .payload(slice, format)
        case .files(let paths): return .slice(Dataset(files: paths).whole)
        case .range(let from):
            let (end, overflow) = from.addingReportingOverflow(count ?? 0)
            guard !overflow, end >= from else {
                throw .tooLarge(
                    path: nil, limit: "Int.max", bytes: Int.max, found: count ?? 0)
            }
            return .slice(Dataset(range: from..<end).whole)
        }
    }
}

extension InputPart {
    /// The part for another machine.
    ///
    /// Complexity: what is one run of bytes already is not copied.
    package func portable() throws -> PortablePart {
        switch self {
        case .payload(let slice, let format):
            return PortablePart(format: format, count: nil, content: .bytes(slice))
        case .slice(let slice):
            let format = slice.dataset.format
            switch slice.dataset.content {
            case .files(let paths):
                return PortablePart(
                    format: format, count: slice.count, content: .files(Array(paths[slice.items])))
            case .range(let first):
                return PortablePart(
                    format: format, count: slice.count, content: .range(from: first + slice.from))
            case .pieces(let list):
                if let bytes = try slice.oneRun(in: list) {
                    return PortablePart(format: format, count: slice.count, content: .bytes(bytes))
                }
            case .binary: break
            }
            let bytes = try DataEncoding.bytes(of: [self], as: format)
            return PortablePart(
                format: format, count: slice.count, content: .bytes(Payload(bytes).whole))
        }
    }
}

extension DataSlice {
    /// The bytes of the items if they lie in one piece and are a text of the format by themselves.
    fileprivate func oneRun(in list: PieceList) throws -> PayloadSlice? {
        guard dataset.format != .json, dataset.format != .csv else { return nil }
        var found: [PayloadSlice] = []
        try list.forEach(of: items) { piece, own in
            guard found.count < 2 else { return }
            let range = try piece.byteRange(of: own)
            let base = piece.slice.range.lowerBound
            found.append(
                PayloadSlice(
                    payload: piece.slice.payload,
                    range: (base + range.lowerBound)..<(base + range.upperBound)))
        }
        return found.count == 1 ? found[0] : nil
    }
}
