/// A function found in a file, from the line of its keyword to the line of its closing brace.
struct FoundFunction: Equatable {
    var firstLine: Int
    var lineCount: Int
}

/// Finds the functions of a file by matching braces in its masked code.
struct FunctionLengths {
    private let bytes: [UInt8]
    private var found: [FoundFunction] = []

    /// The functions of a Swift file (`func`, `init`, `deinit`, `subscript`) or of a C file.
    static func functions(in file: SourceFile) -> [FoundFunction] {
        var finder = FunctionLengths(file)
        switch file.language {
        case .swift: finder.findSwift()
        case .c: finder.findC()
        case .other: break
        }
        return finder.found
    }

    private init(_ file: SourceFile) {
        bytes = Array(file.code.joined(separator: "\n").utf8)
    }

    private mutating func findSwift() {
        var line = 1
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            guard let length = keywordLength(at: index) else {
                index += 1
                continue
            }
            if let brace = bodyStart(after: index + length) {
                add(from: index, brace: brace, line: line)
            }
            index += length
        }
    }

    /// In C, a brace at the outermost level that follows a parameter list opens a function.
    private mutating func findC() {
        var line = 1
        var index = 0
        var last = UInt8(ascii: "\n")
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "{") && last == UInt8(ascii: ")") {
                add(from: index, brace: index, line: line)
                let end = closingBrace(of: index) ?? bytes.count
                line += bytes[index..<end].count { $0 == UInt8(ascii: "\n") }
                index = end
                last = UInt8(ascii: "}")
                continue
            }
            if byte == UInt8(ascii: "\n") { line += 1 }
            if !isBlank(byte) { last = byte }
            index += 1
        }
    }

    private mutating func add(from start: Int, brace: Int, line: Int) {
        guard let end = closingBrace(of: brace) else { return }
        let breaks = bytes[start..<end].count { $0 == UInt8(ascii: "\n") }
        found.append(FoundFunction(firstLine: line, lineCount: breaks + 1))
    }

    private func keywordLength(at index: Int) -> Int? {
        guard index == 0 || !isWordByte(bytes[index - 1]) && bytes[index - 1] != UInt8(ascii: ".")
        else { return nil }
        for keyword in ["func", "init", "deinit", "subscript"] {
            let length = keyword.utf8.count
            guard index + length <= bytes.count,
                bytes[index..<index + length].elementsEqual(keyword.utf8)
            else { continue }
            let next = index + length < bytes.count ? bytes[index + length] : UInt8(ascii: " ")
            if keyword == "func" || keyword == "deinit" { return isBlank(next) ? length : nil }
            return "(<?!".utf8.contains(next) ? length : nil
        }
        return nil
    }

    /// The brace that opens the body of the function whose keyword ends at `start`; `nil` for a
    /// requirement of a protocol.
    private func bodyStart(after start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
            case UInt8(ascii: "{") where depth == 0: return index
            case UInt8(ascii: "}") where depth == 0: return nil
            case UInt8(ascii: "\n") where depth == 0:
                if !isContinued(at: index) { return nil }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Whether a signature goes on after the line break at `index`.
    private func isContinued(at index: Int) -> Bool {
        let before = bytes[..<index].last { !isBlank($0) }
        if let before, ",:&=>".utf8.contains(before) { return true }
        let rest = bytes[index...].drop(while: isBlank)
        return ["{", "->", "throws", "rethrows", "async", "where", "&", ",", ":"].contains {
            rest.starts(with: $0.utf8)
        }
    }

    private func closingBrace(of open: Int) -> Int? {
        var depth = 0
        for index in open..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "}"):
                depth -= 1
                if depth == 0 { return index }
            default: break
            }
        }
        return nil
    }

    private func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\t")
    }
}

/// Whether a byte can be part of a name.
func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...:
        true
    default: false
    }
}
