/// An element of an XML document, as the EC2 API writes them: no attributes, no mixed text.
struct XMLElement: Hashable, Sendable {
    /// Elements within elements that are read.
    static let mostDepth = 64

    var name: String
    var text = ""
    var children: [XMLElement] = []

    /// The first child of this name.
    subscript(name: String) -> XMLElement? { children.first { $0.name == name } }

    /// The text of the first child of this name; empty if there is none.
    func text(_ name: String) -> String { self[name]?.text ?? "" }

    /// The `item` children of the child of this name.
    func items(_ name: String) -> [XMLElement] {
        self[name]?.children.filter { $0.name == "item" } ?? []
    }

    /// The first element of this name below this one.
    func first(_ name: String) -> XMLElement? {
        for child in children {
            if child.name == name { return child }
            if let found = child.first(name) { return found }
        }
        return nil
    }

    /// Reads a document; `nil` for what is none.
    ///
    /// Attributes, comments and processing instructions are passed over; a document type is refused.
    /// Source: Extensible Markup Language 1.0, fifth edition.
    static func parse(_ bytes: [UInt8]) -> XMLElement? {
        var reader = XMLReader(bytes)
        return reader.document()
    }
}

/// Reads one document from its start.
private struct XMLReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() -> XMLElement? {
        guard passProlog(), let root = element(depth: 0), passProlog(), place == bytes.count else {
            return nil
        }
        return root
    }

    /// Passes white space, comments and instructions.
    ///
    /// Returns: Whether what follows is an element or the end.
    private mutating func passProlog() -> Bool {
        while place < bytes.count {
            if bytes[place] <= 0x20 {
                place += 1
            } else if has("<?") {
                guard pass(through: "?>") else { return false }
            } else if has("<!--") {
                guard pass(through: "-->") else { return false }
            } else {
                return !has("<!")
            }
        }
        return true
    }

    private mutating func element(depth: Int) -> XMLElement? {
        guard depth < XMLElement.mostDepth, has("<"), let (name, isClosed) = tag() else {
            return nil
        }
        var element = XMLElement(name: name)
        guard !isClosed else { return element }
        var text: [UInt8] = []
        while place < bytes.count {
            if has("</") {
                place += 2
                guard self.name() == name, passSpace(), has(">") else { return nil }
                place += 1
                element.text = element.children.isEmpty ? String(decoding: text, as: UTF8.self) : ""
                return element
            }
            if has("<!--") {
                guard pass(through: "-->") else { return nil }
            } else if has("<![CDATA[") {
                let start = place + 9
                guard pass(through: "]]>") else { return nil }
                text += bytes[start..<place - 3]
            } else if has("<") {
                guard let child = self.element(depth: depth + 1) else { return nil }
                element.children.append(child)
            } else if has("&") {
                guard let letter = reference() else { return nil }
                text += Array(String(letter).utf8)
            } else {
                text.append(bytes[place])
                place += 1
            }
        }
        return nil
    }

    /// Reads `<name …>` or `<name …/>`.
    private mutating func tag() -> (String, isClosed: Bool)? {
        place += 1
        let name = name()
        guard !name.isEmpty else { return nil }
        var quote: UInt8 = 0
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return (name, bytes[place - 2] == UInt8(ascii: "/"))
            }
        }
        return nil
    }

    private mutating func name() -> String {
        let start = place
        while place < bytes.count, bytes[place] > 0x20,
            !" />=".utf8.contains(bytes[place])
        {
            place += 1
        }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private mutating func reference() -> Character? {
        guard let end = bytes[place...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            return nil
        }
        let name = String(decoding: bytes[place + 1..<end], as: UTF8.self)
        place = end + 1
        switch name {
        case "lt": return "<"
        case "gt": return ">"
        case "amp": return "&"
        case "quot": return "\""
        case "apos": return "'"
        default:
            guard name.hasPrefix("#") else { return nil }
            let digits = name.dropFirst()
            let number =
                digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            return number.flatMap(UnicodeScalar.init).map(Character.init)
        }
    }

    private mutating func passSpace() -> Bool {
        while place < bytes.count, bytes[place] <= 0x20 { place += 1 }
        return place < bytes.count
    }

    private func has(_ text: String) -> Bool { bytes[place...].starts(with: text.utf8) }

    private mutating func pass(through text: String) -> Bool {
        while place < bytes.count {
            if has(text) {
                place += text.utf8.count
                return true
            }
            place += 1
        }
        return false
    }
}
