import FanfoldJSON
import FanfoldPlugins

extension PipelineChecker {
    private static let filesHelp = "docs/pipelines.md#files-that-travel"

    /// Finds the files that go with the pipeline when it is submitted.
    mutating func checkFiles() {
        for plugin in plugins { travel(plugin) }
        let lock = DocumentFile.absolute(LockFile.name, in: directory)
        if FileKind.of(lock) == .file {
            travel(LockFile.name, lock, .lock, at: JSONPointer(["plugins"]))
        }
        for (name, task) in json["tasks"]?.objectValue?.members ?? [] {
            let pointer = JSONPointer(["tasks", name])
            for (index, pattern) in (task["files"]?.arrayValue ?? []).enumerated() {
                guard let text = pattern.stringValue else { continue }
                list(text, at: pointer.appending("files").appending(index))
            }
            if let run = task["run"] { travel(run: run, at: pointer.appending("run")) }
            if let with = task["strategy"]?["with"] {
                findRuns(in: with, at: pointer.appending("strategy").appending("with"))
            }
        }
    }

    // MARK: Plugins

    private mutating func travel(_ plugin: PluginDeclaration) {
        guard let path = plugin.path, FileKind.of(path) == .file else { return }
        let pointer = JSONPointer(["plugins", plugin.name, "path"])
        let written = json["plugins"]?[plugin.name]?["path"]?.stringValue ?? ""
        let name = path.split(separator: "/").last.map(String.init) ?? "plugin.so"
        let place =
            RelativePath.inside(written)
            ?? "\(TravellingFile.pluginFolder)/\(plugin.name)/\(name)"
        travel(place, path, .plugin, at: pointer)
        let signature = path + ".sig"
        if FileKind.of(signature) == .file {
            travel(place + ".sig", signature, .signature, at: pointer)
        }
    }

    // MARK: files:

    private mutating func list(_ pattern: String, at pointer: JSONPointer) {
        guard RelativePath.inside(pattern) != nil else {
            refuse(
                pointer,
                "wanted a path or pattern below the folder of the document, found \(pattern); "
                    + "move the file there")
            return
        }
        let base = directory.hasSuffix("/") ? directory : directory + "/"
        for file in expand(pattern, at: pointer) where file.hasPrefix(base) {
            take(String(file.dropFirst(base.count)), .listed, at: pointer)
        }
    }

    // MARK: run:

    /// `run:` may stand anywhere in the configuration of a strategy.
    private mutating func findRuns(in value: JSON, at pointer: JSONPointer) {
        switch value {
        case .object(let object):
            for (key, member) in object.members {
                let place = pointer.appending(key)
                if key == "run" { travel(run: member, at: place) }
                findRuns(in: member, at: place)
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                findRuns(in: element, at: pointer.appending(index))
            }
        default: break
        }
    }

    private mutating func travel(run: JSON, at pointer: JSONPointer) {
        if let library = run["native"]?["library"]?.stringValue {
            travel(library: library, at: pointer.appending("native").appending("library"))
        }
        let isInFolder = run["cwd"] == "pipeline"
        for (index, word) in (run["command"]?.arrayValue ?? []).enumerated() {
            guard let text = word.stringValue,
                let path = Self.path(of: text, isProgram: index == 0, isInFolder: isInFolder),
                FileKind.of(DocumentFile.absolute(path, in: directory)) == .file
            else { continue }
            take(path, .command, at: pointer.appending("command").appending(index))
        }
    }

    /// The path, relative to the folder of the document, that a word of a command would lead to.
    private static func path(of word: String, isProgram: Bool, isInFolder: Bool) -> String? {
        let prefix = "${pipeline.dir}/"
        if word.hasPrefix(prefix) {
            let rest = String(word.dropFirst(prefix.count))
            return rest.contains("${") ? nil : rest
        }
        guard isInFolder, !word.isEmpty, !word.hasPrefix("/"), !word.contains("${") else {
            return nil
        }
        // A program without a slash is looked for in PATH.
        return isProgram && !word.contains("/") ? nil : word
    }

    private mutating func travel(library: String, at pointer: JSONPointer) {
        guard library.contains("/"), !library.hasPrefix("/") else { return }
        guard FileKind.of(DocumentFile.absolute(library, in: directory)) == .file else {
            refuse(
                pointer,
                "there is no file \(library) (relative to the folder of the document)")
            return
        }
        take(library, .library, at: pointer)
    }

    // MARK: Taking

    /// Takes a file of the folder, or says why it cannot go.
    private mutating func take(
        _ path: String, _ reason: TravellingFile.Reason, at pointer: JSONPointer
    ) {
        let absolute = DocumentFile.absolute(path, in: directory)
        guard let inside = RelativePath.inside(path),
            RelativePath.isReally(absolute, below: directory)
        else {
            strays.append(
                source.diagnostic(
                    pointer,
                    "\(path) lies outside the folder of the document, so that it cannot go to "
                        + "workers; move it there, or put it on the workers and name it by an "
                        + "absolute path", help: Self.filesHelp))
            return
        }
        // The document is the coordinator's.
        let own = self.source.file.split(separator: "/").last.map(String.init) ?? ""
        if inside != own { travel(inside, absolute, reason, at: pointer) }
    }

    private mutating func travel(
        _ path: String, _ from: String, _ reason: TravellingFile.Reason, at pointer: JSONPointer
    ) {
        guard travelling.insert(path).inserted else { return }
        files.append(TravellingFile(path: path, source: from, reason: reason, pointer: pointer))
    }
}
