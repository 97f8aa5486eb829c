/// A pattern for paths: `*`, `?`, `[…]` within a name, `**` for any folders between two names.
///
/// A name that begins with a dot is matched only by a pattern that begins with a dot.  A backslash
/// takes the meaning from the character after it.
///
/// Source: POSIX.1-2017, Shell Command Language, chapter 2.13; `**` as in most shells.
struct GlobPattern {
    /// Length of a pattern, in bytes.
    static let maximumBytes = 4_096

    /// One name of the path.
    enum Component {
        case name(String)
        case pattern([Token])
        case anyFolders
    }

    /// One step of a name.
    enum Token {
        case scalar(Unicode.Scalar)
        case anyScalar
        case anyText
        case set(ranges: [ClosedRange<Unicode.Scalar>], isNegated: Bool)
    }

    /// Why a text is no pattern.
    struct Refusal: Error {
        var message: String
    }

    /// The names; two `**` never follow one another.
    let components: [Component]
    /// Whether it begins with `/`.
    let isAbsolute: Bool

    /// Whether the text is a pattern and not simply a path.
    static func isPattern(_ text: String) -> Bool {
        text.utf8.contains {
            $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[")
        }
    }

    /// Reads a pattern.
    init(_ text: String) throws(Refusal) {
        guard text.utf8.count <= Self.maximumBytes else {
            throw Refusal(message: "a pattern has at most \(Self.maximumBytes) bytes")
        }
        isAbsolute = text.hasPrefix("/")
        var components: [Component] = []
        for name in Self.names(of: text) {
            if name == "**" {
                if case .anyFolders? = components.last { continue }
                components.append(.anyFolders)
            } else {
                components.append(try Self.component(name))
            }
        }
        if case .anyFolders? = components.last { components.append(.pattern([.anyText])) }
        self.components = components
    }

    /// The names between slashes; a slash within brackets is no separator of names in practice,
    /// because no name holds one.
    private static func names(of text: String) -> [Substring] {
        text.split(separator: "/").filter { $0 != "." }
    }

    private static func component(_ text: Substring) throws(Refusal) -> Component {
        var tokens: [Token] = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*":
                if case .anyText? = tokens.last { continue }
                tokens.append(.anyText)
            case "?": tokens.append(.anyScalar)
            case "[": tokens.append(try set(&rest))
            case "\\": tokens.append(.scalar(rest.popFirst() ?? scalar))
            default: tokens.append(.scalar(scalar))
            }
        }
        var name = String.UnicodeScalarView()
        for token in tokens {
            guard case .scalar(let scalar) = token else { return .pattern(tokens) }
            name.append(scalar)
        }
        return .name(String(name))
    }

    /// What follows `[`, up to and with `]`.
    private static func set(_ rest: inout Substring.UnicodeScalarView) throws(Refusal) -> Token {
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        let isNegated = rest.first == "!" || rest.first == "^"
        if isNegated { rest.removeFirst() }
        var isFirst = true
        while var low = rest.popFirst() {
            if low == "]", !isFirst { return .set(ranges: ranges, isNegated: isNegated) }
            isFirst = false
            if low == "\\", let escaped = rest.popFirst() { low = escaped }
            var high = low
            if rest.first == "-", let after = rest.dropFirst().first, after != "]" {
                rest.removeFirst(2)
                high = after
            }
            guard low <= high else {
                throw Refusal(
                    message: "the range \(low)-\(high) in the pattern is empty; swap its ends")
            }
            ranges.append(low...high)
        }
        throw Refusal(message: "wanted ']' in the pattern; a '[' of the name itself is written \\[")
    }

    /// Whether a name fits the tokens.
    ///
    /// Complexity: at most the product of both lengths.
    static func matches(_ name: String, _ tokens: [Token]) -> Bool {
        let scalars = Array(name.unicodeScalars)
        if scalars.first == "." {
            guard case .scalar(".")? = tokens.first else { return false }
        }
        var position = 0
        var token = 0
        var retry: (position: Int, token: Int)?
        while position < scalars.count {
            if token < tokens.count, case .anyText = tokens[token] {
                retry = (position, token)
                token += 1
            } else if token < tokens.count, fits(scalars[position], tokens[token]) {
                position += 1
                token += 1
            } else if let last = retry {
                position = last.position + 1
                token = last.token + 1
                retry = (position, last.token)
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { if case .anyText = $0 { true } else { false } }
    }

    private static func fits(_ scalar: Unicode.Scalar, _ token: Token) -> Bool {
        switch token {
        case .scalar(let wanted): scalar == wanted
        case .anyScalar: true
        case .anyText: false
        case .set(let ranges, let isNegated):
            ranges.contains { $0.contains(scalar) } != isNegated
        }
    }
}
