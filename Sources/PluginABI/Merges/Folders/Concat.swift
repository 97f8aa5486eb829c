import FanfoldJSON
import PluginKit

/// Puts pieces one after the other, by reference.
///
/// Lines get the newline that a piece leaves out; CSV keeps the first header only; JSON arrays are
/// joined, and other JSON values collected in an array.  Tensors and tables go to the host, which joins
/// them along the first axis.
final class ConcatFolder: Folder {
    private var format: PieceFormat
    private var parts: [Part] = []
    private var seen = 0
    private var lacksNewline = false
    private var header: [UInt8]?

    /// Parameter format: The format of nothing.
    init(_ format: PieceFormat) {
        self.format = format
    }

    func fold(_ piece: Piece) throws(PluginError) {
        if seen == 0 { format = piece.format }
        guard piece.format == format else {
            throw piece.mistake(
                "it is \(piece.format.rawValue), and those before are \(format.rawValue). "
                    + "concat wants one format; let every program print the same.")
        }
        seen += 1
        switch format {
        case .bytes, .npy, .safetensors, .arrow:
            // The host joins tensors and tables, and refuses those that do not fit together.
            if piece.blob.count > 0 { parts.append(.blob(piece.blob)) }
        case .lines, .jsonl: appendLines(piece.blob, from: 0)
        case .csv: try appendRows(piece)
        case .json: appendElements(piece.blob)
        }
    }

    func ready() -> (format: PieceFormat, parts: [Part])? {
        defer { parts = [] }
        return (format, parts)
    }

    func finish() -> Output {
        if format == .json {
            parts.append(.bytes(Array((openedArray ? "]" : "[]").utf8)))
        }
        return Output(format: format.rawValue, parts: parts)
    }

    private func appendLines(_ blob: Blob, from start: Int) {
        guard blob.count > start else { return }
        if lacksNewline { parts.append(.bytes([UInt8(ascii: "\n")])) }
        lacksNewline = blob.withBytes { $0[$0.count - 1] != UInt8(ascii: "\n") }
        let whole = start == 0
        parts.append(whole ? .blob(blob) : .slice(of: blob, from: start, count: blob.count - start))
    }

    private func appendRows(_ piece: Piece) throws(PluginError) {
        let (end, found) = piece.blob.withBytes { bytes in
            let end = CSVReader.firstRecordEnd(bytes)
            return (end, Array(bytes[..<end].filter { $0 != 0x0A && $0 != 0x0D }))
        }
        guard let header else {
            if !found.isEmpty {
                header = found
                appendLines(piece.blob, from: 0)
            }
            return
        }
        guard found == header || found.isEmpty else {
            throw piece.mistake(
                "its header line is \"\(String(decoding: found.prefix(80), as: UTF8.self))\", "
                    + "the first result's is "
                    + "\"\(String(decoding: header.prefix(80), as: UTF8.self))\". Print the "
                    + "same header every time, or say stdout: lines if there is none.")
        }
        appendLines(piece.blob, from: end)
    }

    private var openedArray = false

    private func appendElements(_ blob: Blob) {
        let inner = blob.withBytes { Self.elements($0) }
        guard !inner.isEmpty else { return }
        parts.append(.bytes([openedArray ? UInt8(ascii: ",") : UInt8(ascii: "[")]))
        openedArray = true
        parts.append(.slice(of: blob, from: inner.lowerBound, count: inner.count))
    }

    /// Where the elements of an array stand, without its brackets; of another value, all of it.
    private static func elements(_ bytes: UnsafeRawBufferPointer) -> Range<Int> {
        let inner = trimmed(bytes, 0..<bytes.count)
        guard inner.count >= 2, bytes[inner.lowerBound] == UInt8(ascii: "["),
            bytes[inner.upperBound - 1] == UInt8(ascii: "]")
        else { return inner }
        return trimmed(bytes, inner.lowerBound + 1..<inner.upperBound - 1)
    }

    private static func trimmed(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) -> Range<Int> {
        var range = range
        while let first = range.first, bytes[first] <= UInt8(ascii: " ") { range.removeFirst() }
        while let last = range.last, bytes[last] <= UInt8(ascii: " ") { range.removeLast() }
        return range
    }
}

/// Takes item 0 of every piece, then item 1, and so on; longer pieces go on alone.
final class InterleaveFolder: Folder {
    private var format: PieceFormat
    private var pieces: [Piece] = []

    /// Parameter format: The format of nothing.
    init(_ format: PieceFormat) {
        self.format = format
    }

    func fold(_ piece: Piece) throws(PluginError) {
        if pieces.isEmpty { format = piece.format }
        guard piece.format == format, format != .bytes else {
            throw piece.mistake(
                "interleave wants items of one format, found \(piece.format.rawValue) after "
                    + "\(format.rawValue). Say json, jsonl, csv or lines in run.stdout.")
        }
        pieces.append(piece)
    }

    func finish() throws(PluginError) -> Output {
        var lists: [[JSON]] = []
        for piece in pieces { lists.append(try piece.elements()) }
        let longest = lists.map(\.count).max() ?? 0
        var items: [JSON] = []
        for position in 0..<longest {
            for list in lists where position < list.count { items.append(list[position]) }
        }
        return ItemWriter.output(items, as: format == .csv ? .jsonl : format)
    }
}

/// Writes a list in the format that its items came in.
enum ItemWriter {
    /// The items as lines, JSON lines or a JSON array.
    static func output(_ items: [JSON], as format: PieceFormat) -> Output {
        guard format == .lines || format == .jsonl else { return Output(.array(items)) }
        var bytes: [UInt8] = []
        for item in items {
            if format == .lines, let text = item.stringValue {
                bytes.append(contentsOf: text.utf8)
            } else {
                item.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        return Output(format: format.rawValue, parts: bytes.isEmpty ? [] : [.bytes(bytes)])
    }
}
