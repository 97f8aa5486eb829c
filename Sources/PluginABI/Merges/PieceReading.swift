import FanfoldJSON
import PluginKit

extension Piece {
    /// The values of the piece, in order.
    ///
    /// Throws: `merge.input` naming the piece, and the line if it has lines.
    func values(_ reading: Reading) throws(PluginError) -> [JSON] {
        switch reading {
        case .each where format != .json: try list()
        case .each, .whole: [try whole()]
        }
    }

    /// The elements of the piece: lines, rows, the elements of a JSON array, or one JSON value.
    func elements() throws(PluginError) -> [JSON] {
        guard format == .json else { return try list() }
        let value = try whole()
        return value.arrayValue ?? [value]
    }

    /// The piece as one value; lines and rows become an array.
    func whole() throws(PluginError) -> JSON {
        guard format == .json else { return .array(try list()) }
        do {
            return try blob.json()
        } catch {
            throw unreadable("one JSON value", "\(error)")
        }
    }

    /// An error that names the piece.
    func mistake(_ message: String) -> PluginError {
        PluginError(.invalid, reason: "merge.input", "The result of \(name): \(message)")
    }

    private func unreadable(_ wanted: String, _ found: String) -> PluginError {
        mistake(
            "wanted \(wanted), found something else (\(found)). Correct the program, or say "
                + "in run.stdout what it prints.")
    }

    private func list() throws(PluginError) -> [JSON] {
        switch format {
        case .jsonl: return try jsonLines()
        case .lines: return blob.withBytes { bytes in LineReader.lines(bytes).map(Self.scalar) }
        case .csv: return try rows()
        case .json: return [try whole()]
        case .bytes, .npy, .safetensors, .arrow:
            throw mistake(
                "a merge that computes cannot read stdout: \(format.rawValue). Say json, jsonl, csv or "
                    + "lines in run.stdout, or merge with concat.")
        }
    }

    private func jsonLines() throws(PluginError) -> [JSON] {
        try blob.withBytes { (bytes) throws(PluginError) in
            var values: [JSON] = []
            for (number, line) in LineReader.lines(bytes).enumerated() where !line.isEmpty {
                do throws(JSONParseError) {
                    values.append(try JSON(parsing: line))
                } catch {
                    throw unreadable("JSON in line \(number + 1)", error.message)
                }
            }
            return values
        }
    }

    private func rows() throws(PluginError) -> [JSON] {
        let table = blob.withBytes { CSVReader.rows($0) }
        guard let header = table.first else { return [] }
        var values: [JSON] = []
        values.reserveCapacity(table.count - 1)
        for (number, row) in table.dropFirst().enumerated() {
            guard row.count == header.count else {
                throw unreadable(
                    "\(header.count) columns in row \(number + 1)", "\(row.count) columns")
            }
            let members = zip(header, row).map { name, cell in
                (name, cell.withUTF8Bytes(Self.scalar))
            }
            values.append(.object(JSONObject(members)))
        }
        return values
    }

    /// A line or cell: a number if it is written as JSON writes numbers, else text.
    private static func scalar(_ bytes: UnsafeRawBufferPointer) -> JSON {
        if let first = bytes.first,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) || first == UInt8(ascii: "-"),
            let value = try? JSON(parsing: bytes), value.doubleValue != nil
        {
            return value
        }
        return .string(String(decoding: bytes, as: UTF8.self))
    }
}

extension String {
    fileprivate func withUTF8Bytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        var copy = self
        return copy.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }
}

/// Cuts text into lines.
enum LineReader {
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    /// The lines without their ends; a final newline begins no line.
    static func lines(_ bytes: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        var lines: [UnsafeRawBufferPointer] = []
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: newline) ?? bytes.count
            let text = end > start && bytes[end - 1] == carriageReturn ? end - 1 : end
            lines.append(UnsafeRawBufferPointer(rebasing: bytes[start..<text]))
            start = end + 1
        }
        return lines
    }
}

/// Reads comma-separated values.
///
/// Source: RFC 4180.
enum CSVReader {
    private static let quote = UInt8(ascii: "\"")

    /// Where the first record ends, its newline included; newlines in quotes do not count.
    static func firstRecordEnd(_ bytes: UnsafeRawBufferPointer) -> Int {
        var quoted = false
        for (position, byte) in bytes.enumerated() {
            if byte == quote { quoted.toggle() }
            if byte == UInt8(ascii: "\n"), !quoted { return position + 1 }
        }
        return bytes.count
    }

    /// All records, the header first; empty lines are passed over.
    static func rows(_ bytes: UnsafeRawBufferPointer) -> [[String]] {
        var rows: [[String]] = []
        var start = 0
        while start < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            let end = firstRecordEnd(rest)
            var record = rest[..<end]
            while let last = record.last, last == 0x0A || last == 0x0D { record.removeLast() }
            if !record.isEmpty { rows.append(cells(record)) }
            start += end
        }
        return rows
    }

    private static func cells(_ record: Slice<UnsafeRawBufferPointer>) -> [String] {
        var cells: [String] = []
        var cell: [UInt8] = []
        var quoted = false
        var position = record.startIndex
        while position < record.endIndex {
            let byte = record[position]
            let next = position + 1
            if byte == quote, quoted, next < record.endIndex, record[next] == quote {
                cell.append(quote)
                position += 1
            } else if byte == quote {
                quoted.toggle()
            } else if byte == UInt8(ascii: ","), !quoted {
                cells.append(String(decoding: cell, as: UTF8.self))
                cell.removeAll(keepingCapacity: true)
            } else {
                cell.append(byte)
            }
            position += 1
        }
        cells.append(String(decoding: cell, as: UTF8.self))
        return cells
    }
}
