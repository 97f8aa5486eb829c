import FanfoldJSON

extension PipelineChecker {
    /// Reads `outputs:`; without it, every task that nothing waits for is an output.
    mutating func checkOutputs() {
        let members = json["outputs"]?.objectValue?.members ?? []
        var writers: [String: JSONPointer] = [:]
        let readers = members.contains { $1["file"] != nil } ? self.readers() : [:]
        for (name, value) in members {
            let pointer = JSONPointer(["outputs", name])
            let file = value["file"]?.stringValue
            let path = file.map { DocumentFile.absolute($0, in: directory) }
            if let file { checkTarget(file, at: pointer.appending("file"), &writers, readers) }
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
        _ file: String, at pointer: JSONPointer, _ writers: inout [String: JSONPointer],
        _ readers: [String: Int]
    ) {
        let path = DocumentFile.absolute(file, in: directory)
        let target = DocumentFile.simplified(path)
        if let first = writers[target] {
            refuse(
                pointer, "two outputs write the file \(file)",
                notes: [.init(place: source.place(first), "it is written here first")])
            return
        }
        writers[target] = pointer
        if FileKind.of(path) == .folder {
            refuse(pointer, "wanted the path of a file, found the folder \(file)")
        }
        if let index = readers[target] {
            let input = inputs[index]
            refuse(
                pointer,
                "the output would overwrite \(file), which the input \"\(input.name)\" reads",
                notes: [
                    .init(
                        place: source.place(JSONPointer(["inputs", input.name]), atKey: true),
                        "it is read here")
                ])
        }
    }

    /// The input that reads a file, by the simplified path.
    private func readers() -> [String: Int] {
        var readers: [String: Int] = [:]
        for (index, input) in inputs.enumerated().reversed() {
            guard case .files(let files) = input.source else { continue }
            for file in files { readers[DocumentFile.simplified(file)] = index }
        }
        return readers
    }
}
