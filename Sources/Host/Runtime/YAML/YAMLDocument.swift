/// A YAML document that was read, or what is wrong with it.
package struct YAMLDocument: Sendable {
    /// Size of a document, in bytes.
    package static let maximumBytes = 4 << 20
    /// How deep sequences and mappings may nest, aliases being replaced.
    package static let maximumDepth = 64
    /// How many keys, values, sequences and mappings there may be, aliases being replaced.
    package static let maximumNodes = 100_000

    /// The whole document; null if it is empty or could not be read.
    package let root: YAMLNode
    /// The text, without a byte order mark.
    package let text: String
    /// Everything that is wrong, without files and lines; empty if the document is right.
    let problems: [YAMLProblem]

    /// Reads a document.
    ///
    /// What can be read in spite of a mistake is in `root`, so that later checks find theirs.
    package init(_ bytes: [UInt8]) {
        do throws(YAMLProblem) {
            let text = try YAMLText.check(bytes)
            self.text = text
            let (root, problems) = YAMLComposer.compose(text)
            self.root = root ?? Self.nothing
            self.problems = problems
        } catch {
            text = String(decoding: bytes.prefix(Self.maximumBytes), as: UTF8.self)
            root = Self.nothing
            problems = [error]
        }
    }

    /// The first thing that is wrong, as `LINE:COLUMN: MESSAGE`; `nil` if the document is right.
    package var firstProblem: String? {
        problems.first.map { "\($0.range.start): \($0.message)" }
    }

    /// Whether the reading stopped before the end of the document.
    var isCutShort: Bool { problems.contains { $0.isFatal } }

    private static let nothing: YAMLNode = {
        let start = Place(line: 1, column: 1)
        return YAMLNode(.scalar("", .plain), PlaceRange(start, start))
    }()
}

/// Something that is wrong with a YAML document.
struct YAMLProblem: Error, Sendable {
    /// Where.
    var range: PlaceRange
    /// What was wanted and what was found.
    var message: String
    /// Other places.
    var notes: [Diagnostic.Note] = []
    /// Whether nothing after it could be read.
    var isFatal = false
}

/// What must hold of the bytes before they are YAML.
enum YAMLText {
    /// The text of the bytes, without a byte order mark.
    static func check(_ bytes: [UInt8]) throws(YAMLProblem) -> String {
        guard bytes.count <= YAMLDocument.maximumBytes else {
            let start = Place(line: 1, column: 1)
            throw YAMLProblem(
                range: PlaceRange(start, start),
                message: "the document is larger than \(YAMLDocument.maximumBytes >> 20) MiB; "
                    + "put data in files and name them under inputs:",
                isFatal: true)
        }
        let hasMark = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        let content = bytes[(hasMark ? 3 : 0)...]
        guard let text = String(validating: content, as: UTF8.self) else {
            throw notUTF8(content)
        }
        try checkCharacters(text)
        return text
    }

    private static func notUTF8(_ bytes: ArraySlice<UInt8>) -> YAMLProblem {
        var offset = 0
        while offset < bytes.count {
            let rest = bytes.dropFirst(offset)
            guard let length = lengthOfScalar(rest) else { break }
            offset += length
        }
        let place = SourceText.place(ofOffset: offset, in: bytes)
        let byte = bytes.dropFirst(offset).first.map { String($0, radix: 16) } ?? ""
        return YAMLProblem(
            range: PlaceRange(place, place),
            message: "wanted UTF-8, found byte 0x\(byte); save the document as UTF-8",
            isFatal: true)
    }

    /// How many bytes the first scalar takes; `nil` if they are not UTF-8.
    private static func lengthOfScalar(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = bytes.first else { return nil }
        let length =
            switch first {
            case ..<0x80: 1
            case 0xC2..<0xE0: 2
            case 0xE0..<0xF0: 3
            case 0xF0..<0xF5: 4
            default: 0
            }
        guard length > 0, bytes.count >= length else { return nil }
        guard length > 1 else { return 1 }
        return String(validating: bytes.prefix(length), as: UTF8.self) == nil ? nil : length
    }

    /// Refuses what may not stand in YAML as itself.
    ///
    /// Source: YAML 1.2.2, chapter 5.1.
    private static func checkCharacters(_ text: String) throws(YAMLProblem) {
        var offset = 0
        for scalar in text.unicodeScalars {
            guard isAllowed(scalar.value) else {
                let place = SourceText.place(ofOffset: offset, in: text.utf8)
                let code = String(scalar.value, radix: 16, uppercase: true)
                let padded = String(repeating: "0", count: 4 - min(4, code.count)) + code
                throw YAMLProblem(
                    range: PlaceRange(place, place),
                    message: "the character U+\(padded) cannot stand here as itself; "
                        + "write \"\\u\(padded)\" in double quotes",
                    isFatal: true)
            }
            offset += UTF8.width(scalar)
        }
    }

    private static func isAllowed(_ value: UInt32) -> Bool {
        switch value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE,
            0xFF00...0xFFFD, 0x10000...0x10FFFF:
            true
        default: false
        }
    }
}
