import FanfoldJSON

extension PipelineChecker {
    /// Reads `outputs:`; without it, every task that nothing waits for is an output.
    mutating func checkOutputs() {
        let members = json["outputs"]?.objectValue?.members ?? []
        var writers: [String: JSONPointer] = [:]
        for (name, value) in members {
            let pointer = JSONPointer(["outputs", name])
            let path = value["file"]?.stringValue.map { DocumentFile.absolute($0, in: directory) }
            if let path {
                checkTarget(path, at: pointer.appending("file"), &writers)
            }
            guard let text = value["from"]?.stringValue,
                let source = reference(text, at: pointer.appending("from"))
            else { continue }
            outputs.append(
                OutputDeclaration(
                    name: name, source: source, path: path,
                    format: value["format"]?.stringValue.flatMap(DataFormat.init)))
        }
        guard members.isEmpty else { return }
        let taken = Set(tasks.flatMap(\.dependencies))
        for (index, task) in tasks.enumerated() where !taken.contains(index) {
            outputs.append(
                OutputDeclaration(name: task.name, source: .task(index), path: nil, format: nil))
        }
    }

    private mutating func checkTarget(
        _ path: String, at pointer: JSONPointer, _ writers: inout [String: JSONPointer]
    ) {
        let target = DocumentFile.simplified(path)
        if let first = writers[target] {
            refuse(
                pointer, "two outputs write the same file \(target)",
                notes: [.init(place: source.place(first), "it is written here first")])
            return
        }
        writers[target] = pointer
        if FileKind.of(path) == .folder {
            refuse(pointer, "wanted the path of a file, found the folder \(target)")
        }
        for input in inputs {
            guard case .files(let files) = input.source,
                files.contains(where: { DocumentFile.simplified($0) == target })
            else { continue }
            refuse(
                pointer, "the output would overwrite the input \"\(input.name)\", \(target)",
                notes: [
                    .init(
                        place: source.place(JSONPointer(["inputs", input.name]), atKey: true),
                        "it is read here")
                ])
            return
        }
    }
}
