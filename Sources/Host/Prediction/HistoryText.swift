/// Histories as CSV: a header, then a line for each attempt.
///
/// Fields are quoted as RFC 4180 says.  An empty field is not known.  `numbers` and `words` hold
/// `name=value` separated by `;`; in them `%`, `;`, `=` and control characters are written as
/// `%` and two hexadecimal digits.
package enum HistoryText {
    /// Why a text is no history.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// The line, from 1.
        package var line: Int
        /// What was wanted, what was found.
        package var message: String

        package var description: String { "line \(line): \(message)" }
    }

    /// The columns, in the order in which they are written.
    package static let columns =
        ["class", "run", "ended_ms", "outcome", "numbers", "words"]
        + prefixes.flatMap { prefix in Quantity.allCases.map { prefix + $0.column } }

    private static let prefixes = ["default_", "given_", "used_"]

    /// The first line.
    package static var header: String { columns.joined(separator: ",") }

    /// An attempt as a line, without its end.
    package static func line(_ entry: HistoryEntry) -> String {
        let features = entry.row.features
        var fields = [
            entry.row.taskClass, entry.run, entry.endedMilliseconds.map(String.init) ?? "",
            entry.outcome.rawValue, pairs(features.numbers.mapValues { "\($0)" }),
            pairs(features.words),
        ]
        for quantities in [entry.row.requested, entry.given, entry.row.used] {
            fields += Quantity.allCases.map { quantities[$0].map { "\($0)" } ?? "" }
        }
        return fields.map(quoted).joined(separator: ",")
    }

    /// The attempts of a text; columns that it does not have are not known, others are ignored.
    package static func entries(_ text: String) throws(Refusal) -> [HistoryEntry] {
        var records = CSVRecords(text)
        guard let header = try records.next() else { return [] }
        var places: [String: Int] = [:]
        for (place, name) in header.fields.enumerated() { places[name] = place }
        guard places["class"] != nil else {
            throw Refusal(
                line: 1, message: "wanted a header with the column `class`, found \(header.fields)")
        }
        var entries: [HistoryEntry] = []
        while let record = try records.next() {
            guard record.fields != [""] else { continue }
            guard record.fields.count == header.fields.count else {
                throw Refusal(
                    line: record.line,
                    message: "wanted \(header.fields.count) fields as in the header, "
                        + "found \(record.fields.count)")
            }
            entries.append(try entry(Fields(record: record, places: places)))
        }
        return entries
    }

    /// The attempts of a text that may have lost lines, and how many lines are none.
    package static func readable(_ text: String) -> (entries: [HistoryEntry], skipped: Int) {
        var entries: [HistoryEntry] = []
        var skipped = 0
        // A name never has the end of a line in it here: what is torn ends with its line.
        for line in text.split(whereSeparator: \.isNewline) where line != header {
            if let read = try? Self.entries("\(header)\n\(line)\n"), let entry = read.first {
                entries.append(entry)
            } else {
                skipped += 1
            }
        }
        return (entries, skipped)
    }

    private struct Fields {
        var record: CSVRecords.Record
        var places: [String: Int]

        subscript(name: String) -> String {
            places[name].map { record.fields[$0] } ?? ""
        }

        func number(_ name: String) throws(Refusal) -> Double? {
            let text = self[name]
            guard !text.isEmpty else { return nil }
            guard let number = Double(text), number.isFinite else {
                throw Refusal(
                    line: record.line, message: "\(name): wanted a number, found \"\(text)\"")
            }
            return number
        }
    }

    private static func entry(_ fields: Fields) throws(Refusal) -> HistoryEntry {
        let line = fields.record.line
        let name = fields["class"]
        guard !name.isEmpty, name.utf8.count <= PredictionLimits.nameBytes else {
            throw Refusal(
                line: line,
                message: "class: wanted 1 to \(PredictionLimits.nameBytes) bytes, "
                    + "found \(name.utf8.count)")
        }
        let outcome = fields["outcome"]
        guard
            let ended = outcome.isEmpty ? .succeeded : HistoryEntry.Outcome(rawValue: outcome)
        else {
            let known = HistoryEntry.Outcome.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(line: line, message: "outcome: wanted \(known), found \"\(outcome)\"")
        }
        var numbers: [String: Double] = [:]
        for (key, value) in try pairs(fields["numbers"], line: line) {
            guard let number = Double(value) else {
                throw Refusal(
                    line: line, message: "numbers: wanted a number for \(key), found \"\(value)\"")
            }
            numbers[key] = number
        }
        let words = try pairs(fields["words"], line: line)
        var quantities: [Quantities] = []
        for prefix in prefixes {
            var read = Quantities()
            for quantity in Quantity.allCases {
                read[quantity] = try fields.number(prefix + quantity.column)
            }
            quantities.append(read)
        }
        return HistoryEntry(
            run: fields["run"],
            endedMilliseconds: try fields.number("ended_ms").flatMap { Int64(exactly: $0) },
            outcome: ended, given: quantities[1],
            row: HistoryRow(
                taskClass: name,
                features: Features(
                    numbers: numbers,
                    words: Dictionary(words, uniquingKeysWith: { _, last in last })),
                requested: quantities[0], used: quantities[2]))
    }

    // MARK: Names with values

    private static func pairs(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }
            .map { "\(escaped($0.key))=\(escaped($0.value))" }.joined(separator: ";")
    }

    private static func pairs(
        _ text: String, line: Int
    ) throws(Refusal) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for pair in text.split(separator: ";") {
            guard let sign = pair.firstIndex(of: "=") else {
                throw Refusal(line: line, message: "wanted name=value, found \"\(pair)\"")
            }
            pairs.append(
                (unescaped(pair[..<sign]), unescaped(pair[pair.index(after: sign)...])))
        }
        return pairs
    }

    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if byte < 0x20 || [0x25, 0x3B, 0x3D, 0x7F].contains(byte) {
                bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else {
            return field
        }
        let doubled = field.split(separator: "\"", omittingEmptySubsequences: false)
        return "\"" + doubled.joined(separator: "\"\"") + "\""
    }
}

extension Quantity {
    /// The end of its columns' names: with the unit.
    var column: String {
        switch self {
        case .runtime: "runtime_s"
        case .cpu: "cores"
        case .memory: "memory_bytes"
        case .gpuMemory: "gpu_memory_bytes"
        }
    }
}

/// The records of a CSV text.
///
/// Source: RFC 4180.
private struct CSVRecords {
    struct Record {
        var line: Int
        var fields: [String]
    }

    private let bytes: [UInt8]
    private var place = 0
    private var line = 1

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The next record; `nil` at the end.
    mutating func next() throws(HistoryText.Refusal) -> Record? {
        guard place < bytes.count else { return nil }
        let begin = line
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard place < bytes.count else { break }
            let separator = bytes[place]
            place += 1
            if separator == 0x2C { continue }
            // The end of a line, with or without a carriage return.
            if separator == 0x0D, place < bytes.count, bytes[place] == 0x0A { place += 1 }
            line += 1
            break
        }
        return Record(line: begin, fields: fields)
    }

    private mutating func field() throws(HistoryText.Refusal) -> String {
        guard place < bytes.count, bytes[place] == 0x22 else {
            let begin = place
            while place < bytes.count, ![0x2C, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
            return String(decoding: bytes[begin..<place], as: UTF8.self)
        }
        place += 1
        var field: [UInt8] = []
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if byte == 0x22 {
                guard place < bytes.count, bytes[place] == 0x22 else {
                    return String(decoding: field, as: UTF8.self)
                }
                place += 1
            }
            if byte == 0x0A { line += 1 }
            field.append(byte)
        }
        throw HistoryText.Refusal(line: line, message: "wanted a closing quote, found the end")
    }
}
