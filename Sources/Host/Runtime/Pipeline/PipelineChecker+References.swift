import FanfoldJSON
import FanfoldPlugins

extension PipelineChecker {
    /// How many names a message lists.
    private static let maximumListed = 8

    /// What a reference leads to; reports it if that is nothing.
    ///
    /// Text that is no reference has been refused by the schema.
    mutating func reference(_ text: String, at pointer: JSONPointer) -> DataSource? {
        guard let path = SchemaFormat.referencePath(text) else { return nil }
        switch path[0] {
        case "inputs":
            guard path.count == 2 else {
                refuse(pointer, "wanted ${inputs.NAME}, found \(text)")
                return nil
            }
            if let index = inputIndices[path[1]] { return .input(index) }
        case "tasks":
            guard path.count == 3, path[2] == "output" else {
                refuse(
                    pointer, "wanted ${tasks.NAME.output}, found \(text)",
                    suggestion: taskIndices[path[1]] == nil
                        ? nil : Self.question("tasks.\(path[1]).output"))
                return nil
            }
            if let index = taskIndices[path[1]] { return .task(index) }
        default: break
        }
        refuseUnknown(text, path, at: pointer)
        return nil
    }

    private mutating func refuseUnknown(_ text: String, _ path: [String], at pointer: JSONPointer) {
        let inputNames = json["inputs"]?.objectValue?.keys ?? []
        let taskNames = json["tasks"]?.objectValue?.keys ?? []
        let all = inputNames.map { "inputs.\($0)" } + taskNames.map { "tasks.\($0).output" }
        var suggestion: String?
        let message: String
        var known: [String] = []
        switch path[0] {
        case "inputs":
            message = "there is no input \"\(path[1])\""
            known = inputNames
            suggestion = nearest(to: path[1], among: inputNames).map { "inputs.\($0)" }
            if suggestion == nil, taskNames.contains(path[1]) {
                suggestion = "tasks.\(path[1]).output"
            }
        case "tasks":
            message = "there is no task \"\(path[1])\""
            known = taskNames
            suggestion = nearest(to: path[1], among: taskNames).map { "tasks.\($0).output" }
            if suggestion == nil, inputNames.contains(path[1]) { suggestion = "inputs.\(path[1])" }
        default:
            message = "unknown reference \(text): wanted ${inputs.NAME} or ${tasks.NAME.output}"
            suggestion = nearest(to: path.joined(separator: "."), among: all)
        }
        var notes: [Diagnostic.Note] = []
        if suggestion == nil, !known.isEmpty {
            let more = known.count > Self.maximumListed ? ", …" : ""
            let list = known.prefix(Self.maximumListed).joined(separator: ", ")
            notes.append(.init("there are: \(list)\(more)"))
        }
        refuse(pointer, message, suggestion: suggestion.map(Self.question), notes: notes)
    }

    private static func question(_ reference: String) -> String {
        "did you mean \"${\(reference)}\"?"
    }
}
