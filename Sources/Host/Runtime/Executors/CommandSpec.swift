import FanfoldJSON

/// `command:`: a program with its arguments, without a shell.
final class CommandSpec: Sendable {
    /// An argument, with its placeholders found.
    enum Argument: Sendable {
        case literal(String)
        /// One argument per item.
        case items
        case template([Segment])
    }

    /// A part of an argument.
    enum Segment: Sendable {
        case text(String)
        case index
        case part(String)
        case pipelineDirectory
    }

    /// Where the items go.
    enum Input: Sendable {
        case automatic
        case none
        case format(DataFormat)
    }

    private enum Stream: String, CaseIterable {
        case json, jsonl, csv, lines, bytes, npy, safetensors, arrow, none
    }

    private enum Folder: String, CaseIterable {
        case own, pipeline
    }

    static let streams: [DataFormat] = [
        .json, .jsonl, .csv, .lines, .bytes, .npy, .safetensors, .arrow,
    ]

    let program: String
    let arguments: [Argument]
    let input: Input
    let output: DataFormat
    let environment: [(name: String, value: String)]
    let inheritedNames: [String]
    let runsInPipelineDirectory: Bool
    let acceptedCodes: [Int32]
    /// Names of parts that arguments ask for as files.
    let namedParts: Set<String>

    init(_ reader: RunSpecReader) throws(RunSpecError) {
        try reader.allow([
            "command", "stdin", "stdout", "env", "inherit-env", "cwd", "ok-exit-codes",
        ])
        let words = try reader.strings("command") ?? []
        guard let first = words.first, !first.isEmpty else {
            throw reader.error("wanted a program and its arguments, found none", key: "command")
        }
        program = first
        var arguments: [Argument] = []
        for (index, word) in words.enumerated() {
            do throws(TemplateError) {
                arguments.append(try CommandSpec.parse(word))
            } catch {
                throw reader.error(error.message, key: "command", index: index)
            }
        }
        if case .items = arguments[0] {
            throw reader.error("the program cannot be an item", key: "command", index: 0)
        }
        let usesItems = arguments.contains {
            if case .items = $0 { true } else { false }
        }
        self.arguments = arguments
        namedParts = CommandSpec.partNames(arguments)
        switch try reader.choice("stdin", of: Stream.allCases) {
        case nil: input = usesItems ? .none : .automatic
        case .some(.none): input = .none
        case .some(let stream):
            input = DataFormat(rawValue: stream.rawValue).map(Input.format) ?? .none
        }
        output = try reader.choice("stdout", of: CommandSpec.streams) ?? .lines
        runsInPipelineDirectory = try reader.choice("cwd", of: Folder.allCases) == .pipeline
        inheritedNames = try reader.strings("inherit-env") ?? []
        environment = try CommandSpec.environment(reader)
        acceptedCodes = try CommandSpec.codes(reader)
    }

    private static func partNames(_ arguments: [Argument]) -> Set<String> {
        var names: Set<String> = []
        for argument in arguments {
            guard case .template(let segments) = argument else { continue }
            for segment in segments {
                if case .part(let name) = segment { names.insert(name) }
            }
        }
        return names
    }

    private static func environment(
        _ reader: RunSpecReader
    ) throws(RunSpecError) -> [(name: String, value: String)] {
        guard let value = reader.object["env"] else { return [] }
        let inner = try RunSpecReader(value, at: reader.pointer.appending("env"), what: "env")
        var variables: [(name: String, value: String)] = []
        for name in inner.object.keys {
            guard !name.isEmpty, !name.utf8.contains(0), !name.contains("=") else {
                throw inner.error("\"\(name)\" cannot be the name of a variable", key: name)
            }
            variables.append((name, try inner.string(name) ?? ""))
        }
        return variables
    }

    private static func codes(_ reader: RunSpecReader) throws(RunSpecError) -> [Int32] {
        guard let value = reader.object["ok-exit-codes"] else { return [0] }
        guard let elements = value.arrayValue, !elements.isEmpty else {
            throw reader.error(
                "wanted a list of exit codes such as [0, 1], found \(value.text)",
                key: "ok-exit-codes")
        }
        var codes: [Int32] = []
        for (index, element) in elements.enumerated() {
            guard let code = element.integerValue, (0...255).contains(code) else {
                throw reader.error(
                    "wanted an exit code from 0 to 255, found \(element.text)",
                    key: "ok-exit-codes", index: index)
            }
            codes.append(Int32(code))
        }
        return codes
    }

    private struct TemplateError: Error {
        var message: String
    }

    /// Finds the placeholders of an argument; `$${` stands for `${`.
    private static func parse(_ word: String) throws(TemplateError) -> Argument {
        if word == "${items}" { return .items }
        var segments: [Segment] = []
        var text = ""
        var rest = word[...]
        while let place = rest.firstRange(of: "${") {
            text += rest[..<place.lowerBound]
            if text.last == "$" {
                text += "{"
                rest = rest[place.upperBound...]
                continue
            }
            guard let end = rest[place.upperBound...].firstIndex(of: "}") else {
                throw TemplateError(
                    message: "a placeholder is not closed with \"}\"; write $${ for ${")
            }
            if !text.isEmpty { segments.append(.text(text)) }
            text = ""
            segments.append(try placeholder(rest[place.upperBound..<end]))
            rest = rest[rest.index(after: end)...]
        }
        text += rest
        if segments.isEmpty { return .literal(text) }
        if !text.isEmpty { segments.append(.text(text)) }
        return .template(segments)
    }

    private static func placeholder(_ name: Substring) throws(TemplateError) -> Segment {
        switch name {
        case "index": return .index
        case "pipeline.dir": return .pipelineDirectory
        case "items":
            throw TemplateError(message: "${items} must be an argument of its own")
        default:
            guard name.hasPrefix("parts."), name.count > "parts.".count else {
                throw TemplateError(
                    message: "unknown placeholder ${\(name)}; known are ${items}, ${index}, "
                        + "${parts.NAME}, ${pipeline.dir}; write $${ for ${")
            }
            return .part(String(name.dropFirst("parts.".count)))
        }
    }
}
