import FanfoldJSON
import PluginKit

extension TaskDescription {
    /// How the task's own run writes its results.
    public var outputFormat: PieceFormat { PieceFormat(run: run) }

    /// Whether there are inputs and none holds an item: then there is nothing to do.
    public var isEmpty: Bool {
        !inputs.isEmpty && inputs.allSatisfy { $0.items == 0 }
    }

    /// The inputs whole, by reference.
    public var wholeInputs: [Part] {
        inputs.indices.map { wholeInput($0) }
    }

    /// One input whole, by reference.
    public func wholeInput(_ index: Int) -> Part {
        .items(input: index, from: 0, count: inputs[index].items)
    }

    /// The names of the inputs for a spec's `names`; `nil` if there is none.
    public var inputNames: JSON? {
        !inputs.isEmpty ? .array(inputs.map { .string($0.name) }) : nil
    }

    /// The index of the input to split: the one called `name`, or the first for an empty name.
    ///
    /// Throws: `config./over` naming the inputs there are.
    public func inputIndex(over name: String) throws(PluginError) -> Int {
        guard !inputs.isEmpty else {
            throw PluginError(
                .precondition, reason: "task.input",
                "The task \(self.name) has no input, and this strategy splits one. Give it an "
                    + "`input:`.")
        }
        if name.isEmpty { return 0 }
        guard let index = inputs.firstIndex(where: { $0.name == name }) else {
            let names = inputs.map(\.name).joined(separator: ", ")
            throw .configuration(
                JSONPointer(["over"]), "There is no input \"\(name)\"; there are: \(names).")
        }
        return index
    }
}

/// Builds the spec of subtasks.
public enum SpecBuilder {
    /// A spec with the members that are not `nil`; with none of them, the empty spec.
    public static func spec(_ members: KeyValuePairs<String, JSON?>) -> SubtaskSpec {
        var object = JSONObject()
        for (key, value) in members { if let value { object[key] = value } }
        return object.isEmpty ? .empty : SubtaskSpec(.object(object))
    }
}

/// Which pieces of a task are missing, for the report.
public struct MissingList: Sendable {
    /// So many are listed one by one; beyond that only the number is told.
    public static let maximumListed = 100

    /// How many are missing.
    public private(set) var count = 0
    /// What the last failure said.
    public private(set) var lastMessage = ""
    private var listed: [JSON] = []

    /// Nothing is missing.
    public init() {}

    /// Notes a piece: who it is and why it is missing.
    public mutating func add(_ description: JSONObject, because error: PluginError) {
        count += 1
        lastMessage = error.message
        guard listed.count < Self.maximumListed else { return }
        var entry = description
        entry["reason"] = .string(error.reason)
        entry["message"] = .string(error.message)
        listed.append(.object(entry))
    }

    /// Adds `missing` and, if some are not listed, `missing_count` to a report.
    public func write(to report: inout JSONObject) {
        guard count > 0 else { return }
        report["missing"] = .array(listed)
        if count > listed.count { report["missing_count"] = .integer(Int64(count)) }
    }
}
