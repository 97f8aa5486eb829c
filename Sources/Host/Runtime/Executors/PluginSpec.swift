import FanfoldJSON

/// `use: EXECUTOR`: runs the items through an executor of a plugin.
final class PluginSpec: Sendable {
    /// The executor: an id, or a name under `plugins:`.
    let executor: String
    /// `with:`, as written; the executor's schema checks it and fills in its defaults.
    let configuration: JSON
    /// What `load` is told, once for all subtasks with the same.
    let module: JSON
    /// What `run` is told for each subtask.
    let spec: JSON
    /// The form in which it gets the items; `nil` takes that of the input.
    let input: DataFormat?
    /// The form of its result.
    let output: DataFormat

    /// The formats that an executor can be given and can give.
    private static let formats = DataFormat.allCases.filter { $0 != .files && $0 != .range }

    init(_ reader: RunSpecReader) throws(RunSpecError) {
        try reader.allow(["use", "with", "module", "spec", "stdin", "stdout"])
        executor = try reader.required("use")
        configuration = try Self.object("with", reader)
        module = try Self.object("module", reader)
        spec = try Self.object("spec", reader)
        input = try reader.choice("stdin", of: Self.formats)
        output = try reader.choice("stdout", of: Self.formats) ?? .lines
    }

    private static func object(
        _ key: String, _ reader: RunSpecReader
    ) throws(RunSpecError) -> JSON {
        guard let value = reader.object[key] else { return [:] }
        guard value.objectValue != nil else {
            throw reader.error("wanted an object, found \(value.typeName)", key: key)
        }
        return value
    }
}
