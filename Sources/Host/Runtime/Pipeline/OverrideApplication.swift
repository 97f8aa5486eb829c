import FanfoldJSON
import FanfoldPlugins

/// Changes a document as the command line says.
///
/// The places of what it puts in are the arguments, so that a later error names the argument.
struct OverrideApplication {
    var json: JSON
    var map: SourceMap
    var errors: [Diagnostic] = []

    private static let sections = ["inputs", "tasks", "outputs", "plugins"]
    private static let keys: [String] =
        PipelineSchema.document["properties"]?.objectValue?.keys ?? []

    init(json: JSON, map: SourceMap) {
        self.json = json
        self.map = map
    }

    mutating func apply(_ override: Override) {
        switch override {
        case .set(let text): set(text)
        case .input(let text): setInput(text)
        }
    }

    private mutating func refuse(_ argument: String, _ message: String, suggestion: String? = nil) {
        errors.append(
            Diagnostic(
                file: argument, message: message,
                suggestion: suggestion.map { "did you mean \"\($0)\"?" },
                help: "docs/pipelines.md#from-the-command-line"))
    }

    /// `--set PATH=VALUE`.
    private mutating func set(_ text: String) {
        let argument = "--set \(text)"
        guard let sign = text.firstIndex(of: "=") else {
            refuse(argument, "wanted PATH=VALUE, for example tasks.count.timeout=10m")
            return
        }
        let path = String(text[..<sign])
        guard let pointer = Self.pointer(path) else {
            refuse(argument, "wanted keys joined by dots, found \"\(path)\"")
            return
        }
        guard pointer.tokens.count <= YAMLDocument.maximumDepth else {
            refuse(argument, "wanted at most \(YAMLDocument.maximumDepth) keys in a path")
            return
        }
        let document = YAMLDocument(Array(text[text.index(after: sign)...].utf8))
        if let problem = document.problems.first {
            refuse(argument, "the value is not YAML: \(problem.message)")
            return
        }
        guard isKnown(pointer, path, argument) else { return }
        let (value, places) = document.root.json()
        put(value, places, at: pointer, argument)
    }

    /// `--input NAME=PATH`; the path is relative to the folder the command runs in.
    private mutating func setInput(_ text: String) {
        let argument = "--input \(text)"
        guard let sign = text.firstIndex(of: "="), sign != text.startIndex,
            text.index(after: sign) != text.endIndex
        else {
            refuse(argument, "wanted NAME=PATH, for example reviews=data/reviews.jsonl")
            return
        }
        let name = String(text[..<sign])
        let pointer = JSONPointer(["inputs", name])
        guard let old = json.value(at: pointer) else {
            let known = json["inputs"]?.objectValue?.keys ?? []
            refuse(
                argument, "there is no input \"\(name)\"",
                suggestion: nearest(to: name, among: known))
            return
        }
        let path = DocumentFile.absolute(
            String(text[text.index(after: sign)...]), in: DocumentFile.workingDirectory)
        var input = JSONObject([("file", .string(path))])
        input["format"] = old["format"]
        let format = map[pointer.appending("format")]
        put(.object(input), SourceMap(), at: pointer, argument)
        map[pointer.appending("file")] = map[pointer]
        map[pointer.appending("format")] = input["format"] == nil ? nil : format
    }

    /// Keys joined by dots; with a `/` in front, a JSON Pointer.
    private static func pointer(_ path: String) -> JSONPointer? {
        if path.hasPrefix("/") { return JSONPointer(parsing: path) }
        let keys = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        return keys.contains("") ? nil : JSONPointer(keys)
    }

    /// Refuses a key of the document that is none, and a task, input, … that is not there.
    private mutating func isKnown(_ pointer: JSONPointer, _ path: String, _ argument: String)
        -> Bool
    {
        let tokens = pointer.tokens
        guard let first = tokens.first else {
            refuse(argument, "wanted the path of a value, found the whole document")
            return false
        }
        guard Self.keys.contains(first) else {
            let meant = nearest(to: first, among: Self.keys)
            refuse(
                argument, "\(path) is not in a pipeline: unknown key \"\(first)\"",
                suggestion: meant.map { ([$0] + tokens.dropFirst()).joined(separator: ".") })
            return false
        }
        guard Self.sections.contains(first), tokens.count > 1 else { return true }
        let names = json[first]?.objectValue?.keys ?? []
        guard !names.contains(tokens[1]) else { return true }
        let meant = nearest(to: tokens[1], among: names)
        refuse(
            argument,
            "\(path) is not in the document: there is no \(first.dropLast()) \"\(tokens[1])\"",
            suggestion: meant.map { ([first, $0] + tokens.dropFirst(2)).joined(separator: ".") })
        return false
    }

    private mutating func put(
        _ value: JSON, _ places: SourceMap, at pointer: JSONPointer, _ argument: String
    ) {
        var current = JSONPointer()
        var steps: [JSONPointer] = []
        for token in pointer.tokens {
            steps.append(current)
            current = current.appending(token)
        }
        guard steps.allSatisfy({ makeRoom($0, for: current, argument) }) else { return }
        json = Self.replacing(pointer.tokens[...], in: json, with: value)
        let start = Place(line: 1, column: 1)
        let here = SourceMap.Entry(value: PlaceRange(start, start), argument: argument)
        for (depth, step) in steps.enumerated() where depth > 0 && map[step] == nil {
            map[step] = here
        }
        map.remove(pointer)
        map[pointer] = here
        map.merge(places, at: pointer, argument: argument)
    }

    /// Sees to it that the value at `step` can hold something.
    private mutating func makeRoom(
        _ step: JSONPointer, for pointer: JSONPointer, _ argument: String
    ) -> Bool {
        let path = step.tokens.joined(separator: ".")
        switch json.value(at: step) {
        case nil, .object?, .null?: return true
        case .array(let elements)?:
            let index = Int(pointer.tokens[step.tokens.count])
            if let index, elements.indices.contains(index) { return true }
            refuse(
                argument,
                "\(pointer.tokens.joined(separator: ".")) is not in the document: "
                    + "\(path) is a list of \(elements.count), counted from 0")
        case .string(let use)? where step.tokens.count == 3 && step.tokens[2] == "strategy":
            // `strategy: NAME` is short for `strategy: {use: NAME}`.
            json = Self.replacing(step.tokens[...], in: json, with: ["use": .string(use)])
            map[step.appending("use")] = map[step]
            return true
        case let value?:
            refuse(
                argument,
                "\(pointer.tokens.joined(separator: ".")) is not in the document: "
                    + "\(path) is \(value.text), which holds nothing")
        }
        return false
    }

    private static func replacing(
        _ tokens: ArraySlice<String>, in json: JSON, with value: JSON
    ) -> JSON {
        guard let token = tokens.first else { return value }
        if case .array(var elements) = json {
            guard let index = Int(token), elements.indices.contains(index) else { return json }
            elements[index] = replacing(tokens.dropFirst(), in: elements[index], with: value)
            return .array(elements)
        }
        var object = json.objectValue ?? JSONObject()
        object[token] = replacing(tokens.dropFirst(), in: object[token] ?? .null, with: value)
        return .object(object)
    }
}
