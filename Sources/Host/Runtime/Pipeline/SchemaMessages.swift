import FanfoldJSON
import FanfoldPlugins

/// What a schema cannot say: turns its problems with a pipeline into sentences that help.
struct SchemaMessages {
    /// The document.
    let json: JSON

    /// What is shown for a problem.
    struct Sentence {
        var message: String
        var suggestion: String?
        var notes: [Diagnostic.Note] = []
    }

    /// The sentence for a problem.
    func sentence(for problem: SchemaProblem) -> Sentence {
        special(problem) ?? Sentence(message: problem.message, suggestion: problem.suggestion)
    }

    private func special(_ problem: SchemaProblem) -> Sentence? {
        let tokens = problem.pointer.tokens
        let value = json.value(at: problem.pointer)
        if tokens.isEmpty { return document(value, problem) }
        if problem.atKey, problem.keyword == "pattern", let name = tokens.last {
            return Sentence(message: Self.badName(name))
        }
        if problem.keyword == "pattern", tokens == ["name"], let name = value?.stringValue {
            return Sentence(message: Self.badName(name))
        }
        switch (tokens.first, tokens.last) {
        case ("fanfold", _): return Sentence(message: Self.version(value))
        case ("budget", _): return budget(value)
        case ("plugins", "sha256") where problem.keyword == "pattern":
            return Sentence(
                message: "wanted 64 hexadecimal digits in lower case, as sha256sum prints them")
        case ("inputs", let key?) where problem.keyword == "additionalProperties":
            return inputKey(key)
        default: return unit(problem, value) ?? reference(problem, value)
        }
    }

    private static func badName(_ name: String) -> String {
        let shown = name.count > 70 ? name.prefix(66) + "…" : name
        return "the name \"\(shown)\" must begin with a letter and hold only the letters A-Z and "
            + "a-z, digits, - and _, at most 64"
    }

    /// A key that an input has beside the one that says what it is.
    private func inputKey(_ key: String) -> Sentence? {
        if Self.inputSources.contains(key) {
            return Sentence(message: "an input has one of file, files, value and range; keep one")
        }
        guard key == "format" else { return nil }
        return Sentence(
            message: "format goes with file and files; a value is JSON, a range numbers")
    }

    private static let inputSources = ["file", "files", "value", "range"]

    private func document(_ value: JSON?, _ problem: SchemaProblem) -> Sentence? {
        if value == .null {
            return Sentence(message: "the document is empty; a pipeline begins with fanfold: 1")
        }
        guard problem.keyword == "required", problem.message.contains("\"fanfold\"") else {
            return nil
        }
        return Sentence(
            message:
                "missing key \"fanfold\": a pipeline begins with its format version, fanfold: 1")
    }

    /// What is said of a format version that is not 1.
    static func version(_ value: JSON?) -> String {
        "this version of Fanfold reads the format fanfold: 1, "
            + "found fanfold: \(value?.text ?? "nothing")"
    }

    private func budget(_ value: JSON?) -> Sentence {
        guard let text = value?.stringValue, Price.parse(text) != nil else {
            return Sentence(
                message: "wanted \(Price.wanted), found \(value?.text ?? "nothing"); "
                    + "budgets are not in this version, costs come with providers")
        }
        return Sentence(
            message: "budget is not in this version: costs come with providers; "
                + "leave it out, or limit the run with deadline:")
    }

    /// A number whose unit is missing or unknown.
    private func unit(_ problem: SchemaProblem, _ value: JSON?) -> Sentence? {
        guard let unit = Self.unit(of: problem.pointer.tokens), let value,
            problem.keyword == "format" || problem.keyword == "type"
        else { return nil }
        let text = value.stringValue ?? value.text
        if value.doubleValue != nil {
            return Sentence(message: "wanted \(unit.wanted), found \(text) without a unit")
        }
        return Sentence(
            message: "wanted \(unit.wanted), found \(value.text)",
            suggestion: unit.suggestion(for: text).map { "did you mean \"\($0)\"?" })
    }

    /// The unit that the value at a place has.
    static func unit(of tokens: [String]) -> Unit? {
        var tokens = tokens[...]
        if tokens.first == "tasks" { tokens = tokens.dropFirst(2) }
        if tokens.first == "defaults" { tokens = tokens.dropFirst() }
        if tokens.starts(with: ["needs", "any_of"]) { tokens = ["needs"] + tokens.dropFirst(3) }
        switch Array(tokens) {
        case ["deadline"], ["timeout"], ["retry", "backoff"]: return .duration
        case ["needs", "memory"], ["needs", "gpu-memory"], ["needs", "auto", "max-memory"],
            ["needs", "auto", "max-gpu-memory"]:
            return .bytes
        default: return nil
        }
    }

    /// A name without `${…}` around it.
    private func reference(_ problem: SchemaProblem, _ value: JSON?) -> Sentence? {
        guard problem.keyword == "format", let text = value?.stringValue else { return nil }
        let bare = text.filter { !"${}".contains($0) }
        let candidates =
            (json["inputs"]?.objectValue?.keys ?? []).map { "inputs.\($0)" }
            + (json["tasks"]?.objectValue?.keys ?? []).map { "tasks.\($0).output" }
        let meant =
            candidates.first { $0 == bare || $0.split(separator: ".")[1] == bare }
            ?? nearest(to: bare, among: candidates)
        return Sentence(
            message: "wanted a reference such as ${inputs.NAME} or ${tasks.NAME.output}, "
                + "found \(value?.text ?? "")",
            suggestion: meant.map { "did you mean \"${\($0)}\"?" })
    }
}
