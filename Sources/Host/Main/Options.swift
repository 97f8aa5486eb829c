import ArgumentParser
import FanfoldJSON
import FanfoldRuntime
@preconcurrency import Glibc

/// How results and reports are printed.
enum OutputStyle: String, ExpressibleByArgument, CaseIterable {
    case table, json, quiet

    /// The version of what `--output json` prints.
    static let version: JSON = 1

    /// Prints an answer: as JSON with its version, or as `table` or `quiet` says.
    func show(_ answer: JSON, table: (JSON) -> String, quiet: (JSON) -> [String]) {
        switch self {
        case .json: Terminal.print(Self.versioned(answer).prettyText)
        case .table: Terminal.print(table(answer))
        case .quiet: for line in quiet(answer) { Terminal.print(line) }
        }
    }

    /// An answer with the version of its form.
    static func versioned(_ answer: JSON) -> JSON {
        var object = JSONObject([("version", version)])
        for (key, value) in answer.objectValue?.members ?? [] { object[key] = value }
        return .object(object)
    }
}

/// The pipeline and the changes to it, shared by `run`, `plan` and `validate`.
struct PipelineOptions: ParsableArguments {
    @Argument(help: "The pipeline document.", completion: .file(extensions: ["yaml", "yml"]))
    var pipeline: String

    @Option(
        name: .customLong("input"),
        help: ArgumentHelp("Take the file PATH for the input NAME.", valueName: "NAME=PATH"))
    var inputs: [String] = []

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Change a value of the document: tasks.count.strategy.with.shards=4.",
            valueName: "KEY=VALUE"))
    var settings: [String] = []

    /// Reads and checks the document.
    ///
    /// - Parameter place: the queue and priority that are asked for beside it.
    func load(_ place: PlaceOptions? = nil) throws -> Pipeline {
        guard access(pipeline, F_OK) == 0 else {
            Terminal.complain(
                "error: there is no file \(pipeline); name a pipeline, or write a first one with "
                    + "fanfold init")
            throw Exit.notFound
        }
        let overrides =
            inputs.map(Override.input) + settings.map(Override.set)
            + (place?.settings ?? []).map { Override.set("\($0.key)=\($0.value)") }
        do throws(DocumentErrors) {
            return try Pipeline.load(path: pipeline, overrides: overrides)
        } catch {
            Terminal.complain(Diagnostic.render(error.diagnostics, color: Terminal.hasColour))
            throw Exit.usage
        }
    }
}

/// Where a run stands among others, shared by `run` and `submit`.
struct PlaceOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The queue, instead of that of the document.", valueName: "name"))
    var queue: String?

    @Option(
        help: ArgumentHelp(
            "The priority, instead of that of the document: -100 to 100.", valueName: "points"))
    var priority: Int?

    /// The same as changes of the document; values in YAML.
    var settings: [(key: String, value: String)] {
        (queue.map { [("queue", JSON.string($0).text)] } ?? [])
            + (priority.map { [("priority", "\($0)")] } ?? [])
    }
}

/// Where the host's settings come from.
struct HostOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The host's settings; see config/fanfold.yaml.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?
}

/// Which plugins `run`, `plan` and `validate` may open.
struct TrustOptions: ParsableArguments {
    @Flag(help: "Open bundled plugins only; a pipeline that names another is refused.")
    var safeMode = false
}

/// How many local workers there are, and what they offer.
struct WorkerOptions: ParsableArguments {
    @Option(help: "Local workers; the machine's cores and memory are divided among them.")
    var workers: Int?

    @Option(help: "Cores that the local workers offer together.")
    var cpus: Int?

    func validate() throws {
        if let workers, !(1...LocalMachine.maximumWorkers).contains(workers) {
            throw ValidationError(
                "--workers: wanted 1 to \(LocalMachine.maximumWorkers), found \(workers)")
        }
        if let cpus, !(1...LocalMachine.maximumCores).contains(cpus) {
            throw ValidationError(
                "--cpus: wanted 1 to \(LocalMachine.maximumCores), found \(cpus)")
        }
    }
}
