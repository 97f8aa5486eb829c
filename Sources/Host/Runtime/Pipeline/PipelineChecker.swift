import FanfoldJSON
import FanfoldPlugins

/// Checks a document and makes the declarations; collects everything that is wrong.
///
/// One file for each part of the document.  What the schema refuses is left out without a word:
/// its problem is among the diagnostics already.
struct PipelineChecker {
    var source: PipelineSource
    let json: JSON
    let directory: String
    var errors: [Diagnostic] = []
    var warnings: [Diagnostic] = []
    /// Where the schema found something wrong: what stands there is not looked at again.
    private(set) var refused: [JSONPointer] = []

    var plugins: [PluginDeclaration] = []
    var inputs: [InputDeclaration] = []
    var tasks: [TaskDeclaration] = []
    var outputs: [OutputDeclaration] = []
    /// The files that go with the pipeline, their paths, and those that cannot go.
    var files: [TravellingFile] = []
    var travelling: Set<String> = []
    var strays: [Diagnostic] = []
    /// The indices of `inputs` and `tasks` by name.
    var inputIndices: [String: Int] = [:]
    var taskIndices: [String: Int] = [:]

    init(source: PipelineSource, json: JSON, directory: String) {
        self.source = source
        self.json = json
        self.directory = directory
    }

    /// Reports an error at a place.
    mutating func refuse(
        _ pointer: JSONPointer, atKey: Bool = false, _ message: String,
        suggestion: String? = nil, notes: [Diagnostic.Note] = []
    ) {
        errors.append(
            source.diagnostic(
                pointer, atKey: atKey, message, suggestion: suggestion, notes: notes,
                help: Self.help(pointer)))
    }

    /// The page about the part of the document that a pointer leads to.
    static func help(_ pointer: JSONPointer) -> String {
        let tokens = pointer.tokens
        let page = "docs/pipelines.md"
        switch tokens.first {
        case "inputs", "outputs", "plugins", "defaults": return "\(page)#\(tokens[0])"
        case "tasks":
            guard tokens.count > 2 else { return "\(page)#tasks" }
            switch tokens[2] {
            case "run", "needs", "strategy", "retry", "on-failure": return "\(page)#\(tokens[2])"
            default: return "\(page)#tasks"
            }
        default: return "\(page)#the-document"
        }
    }

    /// Runs all the checks.
    mutating func check() {
        checkSchema()
        checkPlugins()
        checkInputs()
        checkTasks()
        checkOutputs()
        checkFiles()
        checkUse()
    }

    private mutating func checkSchema() {
        let messages = SchemaMessages(json: json)
        for problem in PipelineSchema.checker.validate(json) {
            refused.append(problem.pointer)
            let sentence = messages.sentence(for: problem)
            refuse(
                problem.pointer, atKey: problem.atKey || problem.keyword == "required",
                sentence.message, suggestion: sentence.suggestion, notes: sentence.notes)
        }
    }

    /// The names in `${inputs.NAME…`, wherever they stand: a strategy or a command may use them.
    private static func mentionedInputs(_ text: String.UTF8View) -> Set<String> {
        var names: Set<String> = []
        let bytes = Array(text)
        let prefix = Array("${inputs.".utf8)
        for start in bytes.indices where bytes[start] == prefix[0] {
            guard bytes[start...].starts(with: prefix) else { continue }
            let name = bytes[(start + prefix.count)...].prefix { byte in
                byte != UInt8(ascii: "}") && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "\"")
            }
            names.insert(String(decoding: name, as: UTF8.self))
        }
        return names
    }

    /// Warns of inputs that nothing refers to.
    private mutating func checkUse() {
        var used: Set<Int> = []
        for source in tasks.flatMap(\.inputs).map(\.source) + outputs.map(\.source) {
            if case .input(let index) = source { used.insert(index) }
        }
        let mentioned = Self.mentionedInputs((json["tasks"]?.text ?? "").utf8)
        for (name, index) in inputIndices.sorted(by: { $0.value < $1.value }) {
            guard !used.contains(index), !mentioned.contains(name) else { continue }
            warnings.append(
                source.diagnostic(
                    JSONPointer(["inputs", name]), atKey: true, severity: .warning,
                    "nothing uses the input \"\(name)\"", help: "docs/pipelines.md#inputs"))
        }
    }
}
