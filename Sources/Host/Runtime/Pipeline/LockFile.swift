import FanfoldJSON
import FanfoldPlugins

/// `fanfold.lock` beside a pipeline: which plugins may be opened, and what they are granted.
///
/// `fanfold plugin lock` writes it; people read it and keep it with their pipelines.
package enum LockFile {
    /// The name of the file.
    package static let name = "fanfold.lock"

    /// Where the lock of a pipeline lies.
    package static func path(for pipeline: Pipeline) -> String {
        let folder = DocumentFile.folder(of: pipeline.path)
        return folder.isEmpty ? name : folder == "/" ? "/" + name : folder + "/" + name
    }

    /// The command that accepts what a pipeline names now.
    package static func command(for pipeline: Pipeline) -> String {
        "fanfold plugin lock \(pipeline.path)"
    }

    /// The lock of a pipeline; `nil` if it has none.
    ///
    /// - Throws: everything that is wrong with the file, in one go.
    package static func load(for pipeline: Pipeline) throws(DocumentErrors) -> PluginLock? {
        let path = path(for: pipeline)
        guard FileKind.of(path) != .missing else { return nil }
        let bytes: [UInt8]
        do throws(DocumentFile.Unreadable) {
            bytes = try DocumentFile.read(path, maximumBytes: YAMLDocument.maximumBytes)
        } catch {
            throw DocumentErrors([Diagnostic(file: path, message: error.message)])
        }
        return PluginLock(
            path: path, command: command(for: pipeline), entries: try entries(bytes, path: path))
    }

    /// Writes a lock in the place of the one there is, all of it or nothing.
    ///
    /// Returns: why it could not be written; `nil` if it was.
    package static func write(_ lock: PluginLock) -> String? {
        PrivateFile.replace(lock.path, with: Array(text(of: lock).utf8), mode: 0o644)
    }

    /// The entries of a document.
    ///
    /// - Throws: everything that is wrong with it, in one go.
    static func entries(
        _ bytes: [UInt8], path: String
    ) throws(DocumentErrors) -> [PluginLock.Entry] {
        let document = YAMLDocument(bytes)
        let source = PipelineSource(file: path, document: document)
        let json = document.root.json().0
        var errors = document.problems.map(source.diagnostic)
        func refuse(_ pointer: JSONPointer, atKey: Bool = false, _ message: String) {
            errors.append(source.diagnostic(pointer, atKey: atKey, message, help: help))
        }
        if !document.isCutShort, let version = json["version"]?.integerValue, version != 1 {
            refuse(
                JSONPointer(["version"]),
                "this version of Fanfold reads version 1 of \(name), found \(version)")
        } else if !document.isCutShort {
            for problem in checker.validate(json) {
                refuse(problem.pointer, atKey: problem.atKey, problem.message)
            }
        }
        guard errors.isEmpty else { throw DocumentErrors(errors) }
        var seen: Set<String> = []
        let entries = (json["plugins"]?.arrayValue ?? []).map { PluginLock.Entry($0) }
        for (index, entry) in entries.enumerated() {
            let pointer = JSONPointer(["plugins", "\(index)"])
            for component in entry.components where !seen.insert(component.id).inserted {
                refuse(
                    pointer.appending("components").appending(component.id), atKey: true,
                    "the component \(component.id) stands here twice")
            }
            for (host, problem) in entry.grant.hostProblems {
                refuse(
                    pointer.appending("grants").appending("hosts").appending(host),
                    problem.description)
            }
        }
        guard errors.isEmpty else { throw DocumentErrors(errors) }
        return entries
    }

    /// The text of a lock.
    static func text(of lock: PluginLock) -> String {
        var lines = [
            "# The plugins that the pipelines of this folder may open, and what they are granted.",
            "# Written by `fanfold plugin lock PIPELINE`; keep it with the pipelines.",
            "version: 1",
            lock.entries.isEmpty ? "plugins: []" : "plugins:",
        ]
        for entry in lock.entries {
            lines.append("  - file: \(quoted(entry.file))")
            lines.append("    sha256: \(quoted(entry.sha256))")
            lines.append("    signer: \(entry.signer.map(quoted) ?? "null")")
            lines.append("    components:")
            lines += entry.components.map { "      \(quoted($0.id)): \(quoted($0.version))" }
            lines.append("    grants:")
            lines.append("      hosts: \(list(entry.grant.hosts))")
            lines.append("      secrets: \(list(entry.grant.secrets))")
            lines.append("      store: \(entry.grant.store)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let help = "docs/plugins/trust.md#the-lock"

    /// JSON is YAML, and its strings say exactly what they mean.
    private static func quoted(_ text: String) -> String { JSON.string(text).text }

    private static func list(_ texts: [String]) -> String {
        "[" + texts.map(quoted).joined(separator: ", ") + "]"
    }
}

extension PluginLock.Entry {
    /// An entry that fits the schema.
    fileprivate init(_ json: JSON) {
        self.init(
            components: (json["components"]?.objectValue?.members ?? []).map { id, version in
                PluginLock.Component(id: id, version: version.stringValue ?? "")
            }.sorted { $0.id < $1.id },
            file: json["file"]?.stringValue ?? "", sha256: json["sha256"]?.stringValue ?? "",
            signer: json["signer"]?.stringValue, grant: PluginGrant(json["grants"] ?? [:]))
    }
}

extension LockFile {
    private static let checker: JSONSchema = {
        PipelineSchema.compiled(PipelineSchema.builtIn(schemaText))
    }()

    private static let schemaText = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "Lock of Fanfold",
          "type": "object",
          "required": ["version", "plugins"],
          "additionalProperties": false,
          "properties": {
            "version": { "const": 1 },
            "plugins": {
              "type": "array",
              "maxItems": 256,
              "items": {
                "type": "object",
                "required": ["file", "sha256", "signer", "components", "grants"],
                "additionalProperties": false,
                "properties": {
                  "file": { "type": "string", "minLength": 1, "maxLength": 255 },
                  "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                  "signer": { "type": ["string", "null"], "pattern": "^[0-9a-f]{32}$" },
                  "components": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 256,
                    "additionalProperties": { "type": "string", "minLength": 1, "maxLength": 255 }
                  },
                  "grants": \#(PluginGrant.schemaText)
                }
              }
            }
          }
        }
        """#
}
