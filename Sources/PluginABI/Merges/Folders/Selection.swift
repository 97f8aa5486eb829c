import FanfoldJSON
import PluginKit

/// Keeps the best items; of equal ones, those that come first.
final class TopKFolder: Folder {
    private let options: Merge.TopK
    /// The best first, at most `k`.
    private var best: [(figure: Figure, item: JSON)] = []

    /// Parameter options: How many, and by what.
    init(_ options: Merge.TopK) {
        self.options = options
    }

    func fold(_ piece: Piece) throws(PluginError) {
        for item in try piece.elements() {
            guard let figure = options.by.map({ item.figure(at: $0) }) ?? item.figure else {
                throw piece.mistake(
                    "top-k ranks by \(options.by ?? "the item itself"), which must be a number, "
                        + "found \(item.text.prefix(80)).")
            }
            insert(figure, item)
        }
    }

    func finish() -> Output { Output(.array(best.map(\.item))) }

    private func insert(_ figure: Figure, _ item: JSON) {
        if best.count == options.k, let last = best.last, !isBetter(figure, last.figure) {
            return
        }
        var low = 0
        var high = best.count
        while low < high {
            let middle = (low + high) / 2
            if isBetter(figure, best[middle].figure) { high = middle } else { low = middle + 1 }
        }
        best.insert((figure, item), at: low)
        if best.count > options.k { best.removeLast() }
    }

    private func isBetter(_ left: Figure, _ right: Figure) -> Bool {
        options.lowest ? left.precedes(right) : right.precedes(left)
    }
}

/// Keeps every value once, as it was first written.
final class UnionFolder: Folder {
    private let sorted: Bool
    private var known: Set<JSON> = []
    private var values: [JSON] = []

    /// Parameter sorted: Whether the values are put in ascending order, else as first seen.
    init(sorted: Bool) {
        self.sorted = sorted
    }

    func fold(_ piece: Piece) throws(PluginError) {
        for value in try piece.elements() where known.insert(value.canonical).inserted {
            values.append(value)
        }
    }

    func finish() -> Output {
        Output(.array(sorted ? values.sorted { $0.precedes($1) } : values))
    }
}

/// Keeps the whole result with the best metric; of equal ones, the first.
final class BestFolder: Folder {
    private let by: String
    private let lowest: Bool
    private var best: (figure: Figure, value: JSON)?

    /// Ranks by the number under the key or JSON Pointer `by`, the least first if `lowest`.
    init(by: String, lowest: Bool) {
        self.by = by
        self.lowest = lowest
    }

    func fold(_ piece: Piece) throws(PluginError) {
        for value in try piece.values(.each) {
            guard let figure = value.figure(at: by) else {
                throw piece.mistake(
                    "best wants a number under \"\(by)\", found \(value.text.prefix(80)).")
            }
            guard let kept = best else {
                best = (figure, value)
                continue
            }
            if lowest ? figure.precedes(kept.figure) : kept.figure.precedes(figure) {
                best = (figure, value)
            }
        }
    }

    func finish() -> Output { Output(best?.value ?? .null) }
}

/// Keeps the first `k` results to arrive, put in the order of their subtasks.
///
/// The one merge in which the order of arrival shows: that is what it is for.
final class FirstFolder: Folder {
    private let k: Int
    private let format: PieceFormat
    private var pieces: [Piece] = []
    var takesAnyOrder: Bool { true }

    /// Keeps `k`; nothing is written in `format`.
    init(k: Int, format: PieceFormat) {
        self.k = k
        self.format = format
    }

    func fold(_ piece: Piece) {
        if pieces.count < k { pieces.append(piece) }
    }

    func isDecided(remaining: [Double]) -> Bool { pieces.count >= k }

    func finish() throws(PluginError) -> Output {
        if k == 1, let only = pieces.first {
            return Output(format: only.format.rawValue, parts: [.blob(only.blob)])
        }
        let concat = ConcatFolder(format)
        for piece in pieces.sorted(by: { $0.index < $1.index }) { try concat.fold(piece) }
        return concat.finish()
    }
}
