import FanfoldJSON

/// What a strategy has put out so far, by reference.
struct OutputPieces: Sendable {
    /// Stated by the first output that states one.
    var format: DataFormat?
    var pieces: [PayloadSlice] = []
    var reports: [JSON] = []
    /// What `explain` answered.
    var explanation: JSON?

    /// Moves everything from `other` behind what is here.
    mutating func append(_ other: inout OutputPieces) {
        format = format ?? other.format
        pieces += other.pieces
        reports += other.reports
        other = OutputPieces()
    }

    /// The pieces read as one text: together they are the result of the task.
    ///
    /// A document and a table are put together in memory, because a piece of one is none.  Lines
    /// stay where they are; only a line that goes on in the next piece is put together.
    func dataset() throws(DataError) -> Dataset {
        let format = format ?? .bytes
        switch format {
        case .json where pieces.isEmpty:
            return try Dataset(format: .json, pieces: [Payload(text: "[]").whole])
        case .json, .csv:
            return try Dataset(format: format, pieces: [Self.joined(pieces[...])])
        case .bytes, .npy, .safetensors, .arrow: return try Dataset(format: format, pieces: pieces)
        default: return try Dataset(format: format, pieces: Self.wholeLines(pieces))
        }
    }

    private static func wholeLines(_ pieces: [PayloadSlice]) -> [PayloadSlice] {
        var whole: [PayloadSlice] = []
        var start = 0
        var isOpen = false
        for (position, piece) in pieces.enumerated() {
            // A piece without bytes neither ends a line nor begins one.
            if let last = piece.withBytes(\.last) { isOpen = last != UInt8(ascii: "\n") }
            if isOpen, position < pieces.count - 1 { continue }
            whole.append(joined(pieces[start...position]))
            start = position + 1
        }
        return whole
    }

    private static func joined(_ pieces: ArraySlice<PayloadSlice>) -> PayloadSlice {
        if pieces.count == 1, let only = pieces.first { return only }
        let count = pieces.reduce(0) { $0 + $1.count }
        guard count > 0 else { return Payload.empty.whole }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        var offset = 0
        for piece in pieces {
            piece.withBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: memory[offset...]).copyMemory(from: bytes)
            }
            offset += piece.count
        }
        guard let start = memory.baseAddress else { return Payload.empty.whole }
        return Payload(adopting: start, count: count).whole
    }
}
