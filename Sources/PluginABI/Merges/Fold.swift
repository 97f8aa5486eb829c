import FanfoldJSON
import PluginKit

/// Folds pieces into the result of a task, the same bytes in whatever order they arrive.
///
/// Pieces are folded by ascending index: one that is early waits, by reference, until every lower
/// index is in or known to be missing.  Streams what is final.  A merge that is a second run
/// keeps all pieces and gives one closing subtask instead.
///
/// Complexity: constant bookkeeping a piece; memory for the pieces that wait.
public struct Fold {
    /// The parts of one output; a longer answer is put in several.
    static let maximumPartsPerOutput = 16_384

    /// The merge.
    public let merge: Merge
    /// How many pieces have been folded or wait for it.
    public private(set) var pieces = 0
    /// How many pieces are known to be missing.
    public private(set) var missing = 0

    private let format: PieceFormat
    private let folder: (any Folder)?
    private var waiting: [Int: Piece?] = [:]
    private var next = 0
    private var closing: [Piece] = []
    private var closed: Output?

    /// A fold of nothing yet.
    ///
    /// Parameter format: What the result of nothing is written in, where the merge leaves it open.
    public init(_ merge: Merge, _ reading: Reading, format: PieceFormat) {
        self.merge = merge
        self.format = format
        folder = merge.folder(reading, format: format)
    }

    /// Takes in a piece; each index once.
    public mutating func add(
        _ piece: Piece, into sink: any StrategySink
    ) throws(PluginError) {
        pieces += 1
        if let folder, folder.takesAnyOrder {
            try folder.fold(piece)
        } else {
            waiting[piece.index] = .some(piece)
            try advance(into: sink)
        }
    }

    /// The piece with this index will not come.
    public mutating func miss(
        _ index: Int, into sink: any StrategySink
    ) throws(PluginError) {
        missing += 1
        if folder?.takesAnyOrder == true { return }
        waiting[index] = .some(nil)
        try advance(into: sink)
    }

    /// Whether no further piece can change the result.
    ///
    /// Parameter remaining: The weights of the pieces that may still come.
    public func isDecided(remaining: [Double]) -> Bool {
        folder?.isDecided(remaining: remaining) ?? false
    }

    /// The second run over all results, once every piece is in; `nil` if the merge is none, or
    /// there is nothing to run over.
    public mutating func closingSubtask(id: UInt64) throws(PluginError) -> Subtask? {
        guard let run = merge.secondRun else { return nil }
        closing += waiting.values.compactMap(\.self).sorted { $0.index < $1.index }
        waiting = [:]
        guard !closing.isEmpty else { return nil }
        guard closing.count <= Self.maximumPartsPerOutput else {
            throw PluginError(
                .range, reason: "merge.parts",
                "The merge \(merge.name) takes at most \(Self.maximumPartsPerOutput) results, "
                    + "found \(closing.count). Make larger subtasks.")
        }
        var spec = JSONObject([("run", run), ("label", .string(merge.name))])
        if case .stack = merge { spec["names"] = .array(closing.map { .string($0.name) }) }
        // The pieces stay kept, and with them the right to name their results.
        let parts = closing.map { piece in
            piece.subtask.map { Part.result(of: $0) } ?? .blob(piece.blob)
        }
        return Subtask(id: id, spec: SubtaskSpec(.object(spec)), parts: parts)
    }

    /// Takes in the result of the closing subtask, which is the result of the task.
    public mutating func close(_ result: SubtaskResult) {
        let format = PieceFormat(run: merge.secondRun)
        closed = Output(format: format.rawValue, parts: result.parts.map { .blob($0) })
    }

    /// Puts the rest of the output; afterwards the fold is used up.
    public mutating func finish(
        report: JSON? = nil, into sink: any StrategySink
    ) throws(PluginError) {
        if var output = closed {
            output.report = report
            try sink.output(output)
            return
        }
        guard let folder else {
            let format = PieceFormat(run: merge.secondRun)
            let nothing: [Part] = format == .json ? [.bytes(JSON.null.bytes)] : []
            try sink.output(Output(format: format.rawValue, parts: nothing, report: report))
            return
        }
        for piece in waiting.values.compactMap(\.self).sorted(by: { $0.index < $1.index }) {
            try folder.fold(piece)
        }
        waiting = [:]
        try stream(into: sink)
        var output = try folder.finish()
        var shown = report?.objectValue ?? JSONObject()
        for (key, value) in folder.details?.members ?? [] { shown[key] = value }
        output.report = shown.isEmpty ? nil : .object(shown)
        try sink.output(output)
    }

    private mutating func advance(into sink: any StrategySink) throws(PluginError) {
        var folded = 0
        while let ready = waiting.removeValue(forKey: next) {
            next += 1
            guard let piece = ready else { continue }
            if let folder { try folder.fold(piece) } else { closing.append(piece) }
            folded += 1
            if folded % (Self.maximumPartsPerOutput / 4) == 0 { try stream(into: sink) }
        }
        if folded > 0 { try stream(into: sink) }
    }

    private func stream(into sink: any StrategySink) throws(PluginError) {
        guard let ready = folder?.ready(), !ready.parts.isEmpty else { return }
        try sink.output(Output(format: ready.format.rawValue, parts: ready.parts))
    }
}
