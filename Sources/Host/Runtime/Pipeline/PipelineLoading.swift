import FanfoldJSON

extension Pipeline {
    /// Reads and checks the document at `path`.
    ///
    /// - Parameter overrides: changes from the command line, applied in order before the checks.
    /// - Throws: everything that is wrong, in one go; also if the file cannot be read.
    package static func load(
        path: String, overrides: [Override] = []
    ) throws(DocumentErrors) -> Pipeline {
        let bytes: [UInt8]
        do throws(DocumentFile.Unreadable) {
            bytes = try DocumentFile.read(path, maximumBytes: YAMLDocument.maximumBytes)
        } catch {
            throw DocumentErrors([Diagnostic(file: path, message: error.message)])
        }
        return try load(bytes: bytes, path: path, overrides: overrides)
    }

    /// Checks a document that was read already.
    ///
    /// - Parameter path: what diagnostics call it; paths in the document are relative to its folder.
    /// - Throws: everything that is wrong, in one go.
    package static func load(
        bytes: [UInt8], path: String, overrides: [Override] = []
    ) throws(DocumentErrors) -> Pipeline {
        let document = YAMLDocument(bytes)
        var source = PipelineSource(file: path, document: document)
        let mistakes = document.problems.map(source.diagnostic)
        guard !document.isCutShort else { throw DocumentErrors(mistakes) }
        var json = document.root.json().0
        // In another version of the format everything else would be noise.
        if let version = json["fanfold"], version.integerValue != nil, version.integerValue != 1 {
            let sentence = SchemaMessages.version(version)
            throw DocumentErrors(
                mistakes + [
                    source.diagnostic(
                        JSONPointer(["fanfold"]), sentence, help: "docs/pipelines.md#the-document")
                ])
        }
        var overriding = OverrideApplication(json: json, map: source.map)
        for override in overrides { overriding.apply(override) }
        json = overriding.json
        source.map = overriding.map
        let directory = DocumentFile.absolute(
            DocumentFile.folder(of: path), in: DocumentFile.workingDirectory)
        var checker = PipelineChecker(source: source, json: json, directory: directory)
        checker.errors = mistakes + overriding.errors
        checker.check()
        let order = checker.checkOrder()
        let deadline = checker.positive(json["deadline"], at: JSONPointer(["deadline"]))
        guard checker.errors.isEmpty else { throw DocumentErrors(checker.errors) }
        return Pipeline(
            name: json["name"]?.stringValue ?? DocumentFile.stem(of: path), path: path,
            directory: directory, seed: UInt64(clamping: json["seed"]?.integerValue ?? 0),
            deadlineNanoseconds: deadline, queue: json["queue"]?.stringValue,
            priority: Int(json["priority"]?.integerValue ?? 0), plugins: checker.plugins,
            inputs: checker.inputs,
            tasks: checker.tasks, outputs: checker.outputs, files: checker.files,
            strays: checker.strays, taskOrder: order,
            warnings: Diagnostic.sorted(checker.warnings), source: source)
    }
}
