import FanfoldJSON

/// Why a `run:` cannot be what it says, and where in it.
package struct RunSpecError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place within `run:`.
    package var pointer: JSONPointer
    /// What was wanted, what was found and what to do.
    package var message: String

    package var description: String { "run\(pointer): \(message)" }
}

/// What a subtask runs: the checked form of `run:`.
///
/// Cheap to copy: the content is shared.
package struct RunSpec: Sendable {
    enum Content: Sendable {
        case command(CommandSpec)
        case native(NativeSpec)
        case noop(NoopSpec)
        case plugin(PluginSpec)
    }

    let content: Content
    /// As it was written: what another machine is told.
    package let json: JSON

    /// The executor of a plugin that it uses.
    var plugin: PluginSpec? {
        if case .plugin(let spec) = content { spec } else { nil }
    }

    /// Reads `run:`.
    ///
    /// - Throws: the first thing that is wrong, with its place.
    package init(json: JSON) throws(RunSpecError) {
        self.json = json
        let reader = try RunSpecReader(json, at: JSONPointer(), what: "run")
        let kinds = ["command", "native", "use", "container"].filter { json[$0] != nil }
        guard kinds.count == 1 else {
            let found = kinds.isEmpty ? "none of them" : kinds.joined(separator: " and ")
            throw reader.error("wanted one of command, native, use; found \(found)")
        }
        switch kinds[0] {
        case "command": content = .command(try CommandSpec(reader))
        case "native": content = .native(try NativeSpec(reader))
        case "use" where json["use"] == "noop": content = .noop(try NoopSpec(reader))
        case "use": content = .plugin(try PluginSpec(reader))
        default:
            throw reader.error(
                "containers are not in this version; run the program with command",
                key: "container")
        }
    }

    /// What is run, in a few words, for `plan` and for messages.
    package var summary: String {
        switch content {
        case .command(let spec): spec.program
        case .native(let spec): "\(spec.symbol) of \(spec.library)"
        case .noop: "noop"
        case .plugin(let spec): spec.executor
        }
    }
}

/// `use: noop`: takes its items and gives nothing, to measure everything else.
final class NoopSpec: Sendable {
    let sleepNanoseconds: UInt64

    init(_ reader: RunSpecReader) throws(RunSpecError) {
        try reader.allow(["use", "with"])
        guard let with = reader.object["with"] else {
            sleepNanoseconds = 0
            return
        }
        let inner = try RunSpecReader(with, at: reader.pointer.appending("with"), what: "with")
        try inner.allow(["sleep", "output"])
        if let output = try inner.string("output"), output != "none" {
            throw inner.error("wanted none, found \"\(output)\"", key: "output")
        }
        sleepNanoseconds = try inner.duration("sleep") ?? 0
        guard sleepNanoseconds <= ExecutorLimits.sleepNanoseconds else {
            throw inner.error(
                "a no-op sleeps at most ExecutorLimits.sleepNanoseconds = 1h", key: "sleep")
        }
    }
}

/// Reads members of an object of `run:` with the place of what is wrong.
struct RunSpecReader {
    let object: JSONObject
    let pointer: JSONPointer

    init(_ json: JSON, at pointer: JSONPointer, what: String) throws(RunSpecError) {
        guard case .object(let object) = json else {
            throw RunSpecError(
                pointer: pointer, message: "wanted an object, found \(json.typeName)")
        }
        self.object = object
        self.pointer = pointer
    }

    func error(_ message: String, key: String? = nil) -> RunSpecError {
        RunSpecError(
            pointer: key.map { pointer.appending($0) } ?? pointer, message: message)
    }

    func error(_ message: String, key: String, index: Int) -> RunSpecError {
        RunSpecError(pointer: pointer.appending(key).appending(index), message: message)
    }

    /// Refuses every other key.
    func allow(_ known: [String]) throws(RunSpecError) {
        for key in object.keys where !known.contains(key) {
            throw error(
                "unknown key \"\(key)\"; known are \(known.joined(separator: ", "))", key: key)
        }
    }

    func string(_ key: String) throws(RunSpecError) -> String? {
        guard let value = object[key] else { return nil }
        guard let text = value.stringValue else {
            throw error("wanted a string, found \(value.typeName)", key: key)
        }
        try checkNoZero(text, key: key)
        return text
    }

    func required(_ key: String) throws(RunSpecError) -> String {
        guard let text = try string(key) else { throw error("\"\(key)\" is missing") }
        guard !text.isEmpty else { throw error("wanted a text, found an empty one", key: key) }
        return text
    }

    func strings(_ key: String) throws(RunSpecError) -> [String]? {
        guard let value = object[key] else { return nil }
        guard let elements = value.arrayValue else {
            throw error("wanted a list of strings, found \(value.typeName)", key: key)
        }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard let text = element.stringValue else {
                throw error(
                    "wanted a string, found \(element.typeName); put it in quotes", key: key,
                    index: index)
            }
            guard !text.utf8.contains(0) else {
                throw error(
                    "a zero character cannot be passed to a program", key: key, index: index)
            }
            texts.append(text)
        }
        return texts
    }

    func choice<T: RawRepresentable<String>>(
        _ key: String, of choices: [T]
    ) throws(RunSpecError) -> T? {
        guard let text = try string(key) else { return nil }
        guard let choice = choices.first(where: { $0.rawValue == text }) else {
            let known = choices.map(\.rawValue).joined(separator: ", ")
            throw error("wanted one of \(known); found \"\(text)\"", key: key)
        }
        return choice
    }

    /// A duration in nanoseconds: a number and one of ns, us, ms, s, m, h.
    func duration(_ key: String) throws(RunSpecError) -> UInt64? {
        guard let text = try string(key) else { return nil }
        let units: [(String, Double)] = [
            ("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            guard let value = Double(text.dropLast(unit.count)), value >= 0, value * factor < 1e18
            else { continue }
            return UInt64(value * factor)
        }
        throw error("wanted a duration such as 5ms or 2s, found \"\(text)\"", key: key)
    }

    private func checkNoZero(_ text: String, key: String) throws(RunSpecError) {
        guard !text.utf8.contains(0) else {
            throw error("a zero character cannot be passed to a program", key: key)
        }
    }
}
