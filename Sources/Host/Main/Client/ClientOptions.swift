import ArgumentParser
import FanfoldClient
import FanfoldJSON
import FanfoldRuntime
@preconcurrency import Glibc

/// Which coordinator a command asks, and how it prints.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The coordinator, by its name in contexts.json; without it FANFOLD_ADDRESS, or the one "
                + "of this machine.", valueName: "name"))
    var context: String?

    @Option(help: "table: for people; json: for programs; quiet: numbers only.")
    var output: OutputStyle = .table

    @OptionGroup var host: HostOptions

    /// Whether a coordinator is named: by --context or by the environment.
    var namesCoordinator: Bool {
        context != nil
            || ["FANFOLD_CONTEXT", "FANFOLD_ADDRESS"].contains { Terminal.environment($0) != nil }
    }

    /// Asks the coordinator; what it refuses ends the process with the code for it.
    func ask(_ body: @escaping @Sendable (ClientSession) async throws -> Void) throws {
        let settings: Settings
        do throws(DocumentErrors) {
            settings = try Settings.load(path: host.config)
        } catch {
            Terminal.complain(Diagnostic.render(error.diagnostics, color: Terminal.hasColour))
            throw Exit.usage
        }
        let style = output
        let context = try Self.reporting { () throws(ClientError) in
            try ClientContext.find(
                name: self.context, configurationFolder: Self.configurationFolder,
                stateFolder: settings.resolvedServices.stateDirectory,
                environment: Terminal.environment)
        }
        let client = try Self.reporting { () throws(ClientError) in
            try FanfoldClient(context: context)
        }
        let session = ClientSession(client: client, style: style)
        let result = Blocking.wait { () async -> Result<Void, any Error> in
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(session))
            } catch {
                result = .failure(error)
            }
            await client.close()
            return result
        }
        do {
            try result.get()
        } catch let error as ClientError {
            throw Self.report(error)
        }
    }

    private static func reporting<Value>(
        _ body: () throws(ClientError) -> Value
    ) throws -> Value {
        do throws(ClientError) {
            return try body()
        } catch {
            throw report(error)
        }
    }

    /// Says what went wrong.
    ///
    /// Returns: the exit code for it.
    private static func report(_ error: ClientError) -> Exit {
        Terminal.complain("error: \(error)")
        guard case .refused(let refusal) = error else {
            switch error {
            case .unreadable, .changed: return .notFound
            case .noContext, .unreachable, .badAnswer, .refused: return .unreachable
            }
        }
        for line in refusal.errors { Terminal.complain("  \(line)") }
        switch refusal.status {
        case 401, 403: return .notAllowed
        case 404: return .notFound
        // It is there and cannot now: the same may be asked again.
        case 500...599: return .unreachable
        default: return .usage
        }
    }

    /// `~/.config/fanfold`, or below `XDG_CONFIG_HOME`.
    private static var configurationFolder: String {
        if let folder = Terminal.environment("XDG_CONFIG_HOME") { return folder + "/fanfold" }
        return (Terminal.environment("HOME") ?? "") + "/.config/fanfold"
    }
}

/// What a command has while it talks to a coordinator.
struct ClientSession: Sendable {
    let client: FanfoldClient
    let style: OutputStyle

    /// Prints an answer: as JSON with its version, or as `table` or `quiet` says.
    func show(
        _ answer: JSON, table: (JSON) -> String, quiet: (JSON) -> [String]
    ) {
        style.show(answer, table: table, quiet: quiet)
    }

    /// An answer with the version of its form.
    func versioned(_ answer: JSON) -> JSON { OutputStyle.versioned(answer) }

    /// The runs that a selector stands for, each looked at: one as it is, several as `runs`.
    func look(_ numbers: [UInt64], suffix: String = "") async throws -> JSON {
        var runs: [JSON] = []
        for id in numbers { runs.append(try await client.ask(.GET, "/runs/\(id)\(suffix)")) }
        return runs.count == 1 ? runs[0] : ["runs": .array(runs)]
    }

    /// The numbers of the workers that a selector stands for: `all`, a name, `0`, `1-3`, `1,4-6`.
    ///
    /// - Parameters:
    ///   - lost: Whether a name may be that of a worker that is gone.
    ///   - prefersHere: Whether it is not if one that is here has it too.
    func workers(_ selector: String, lost: Bool = false, prefersHere: Bool = false) async throws
        -> [UInt64]
    {
        if let numbers = RunSelector.numbers(selector, from: 0) { return numbers }
        let answer = try await client.ask(.GET, "/workers" + (lost ? "?lost=true" : ""))
        let known = answer["workers"]?.arrayValue ?? []
        if selector == "all" {
            return known.filter { !["lost", "revoked"].contains($0.shown("status")) }
                .compactMap(\.number)
        }
        let all = known.filter { $0["name"]?.stringValue == selector }
        let here = all.filter { !["lost", "revoked"].contains($0.shown("status")) }
        let named = (prefersHere && !here.isEmpty ? here : all).compactMap(\.number)
        guard !named.isEmpty else {
            Terminal.complain("error: there is no worker called \(selector)")
            throw Exit.notFound
        }
        return named
    }

    /// The numbers that a selector stands for: `last`, `all`, `7`, `1-3`, `1,4-6`.
    func runs(_ selector: String) async throws -> [UInt64] {
        switch try RunSelector(parsing: selector) {
        case .numbers(let numbers): return numbers
        case .last:
            let page = try await client.ask(.GET, "/runs?limit=1")
            guard let id = page["runs"]?[0]?["id"]?.integerValue else {
                Terminal.complain("error: there is no run yet")
                throw Exit.notFound
            }
            return [UInt64(clamping: id)]
        case .all: return try await allRuns().compactMap(\.number)
        }
    }

    /// The one number that a selector stands for.
    func run(_ selector: String) async throws -> UInt64 {
        let numbers = try await runs(selector)
        guard numbers.count == 1, let number = numbers.first else {
            Terminal.complain("error: wanted one run, found \(numbers.count) in \"\(selector)\"")
            throw Exit.usage
        }
        return number
    }

    /// Every run, page by page, newest first.
    func allRuns(status: String? = nil, limit: Int = .max) async throws -> [JSON] {
        var runs: [JSON] = []
        var cursor = ""
        repeat {
            let filter = status.map { "&status=\($0)" } ?? ""
            let page = try await client.ask(
                .GET, "/runs?limit=\(min(500, max(1, limit - runs.count)))\(filter)\(cursor)")
            runs += page["runs"]?.arrayValue ?? []
            cursor = page["next"]?.stringValue.map { "&cursor=\($0)" } ?? ""
        } while !cursor.isEmpty && runs.count < limit
        return runs
    }
}

extension JSON {
    /// The run's or worker's number.
    var number: UInt64? { self["id"]?.integerValue.map { UInt64(clamping: $0) } }

    /// A member as people read it.
    func shown(_ member: String) -> String {
        switch self[member] {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case nil: "-"
        case let other?: other.text
        }
    }
}

/// Which runs a command is about.
enum RunSelector: Equatable {
    case last
    case all
    case numbers([UInt64])

    /// How many runs one selector may name.
    static let maximum = 10_000

    /// Reads `last`, `all`, `7`, `1-3`, `1,4-6`; anything else is wrong usage.
    init(parsing text: String) throws {
        switch text {
        case "last": self = .last
        case "all": self = .all
        default:
            guard let numbers = Self.numbers(text, from: 1) else {
                throw ValidationError("wanted last, all, 7, 1-3 or 1,4-6, found \"\(text)\"")
            }
            self = .numbers(numbers)
        }
    }

    /// The numbers of `7`, `1-3`, `1,4-6`; `nil` if it is anything else.
    static func numbers(_ text: String, from least: UInt64) -> [UInt64]? {
        var numbers: [UInt64] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
                .map { UInt64($0) }
            guard (1...2).contains(ends.count), let first = ends.first ?? nil,
                let last = ends.last ?? nil, first >= least, first <= last,
                last - first < UInt64(maximum),
                numbers.count + Int(last - first) < maximum
            else { return nil }
            numbers += first...last
        }
        return numbers
    }
}

/// Lets a command, which is no task, wait for one.
enum Blocking {
    private final class Box<Value: Sendable>: @unchecked Sendable {
        // Unchecked: written before the signal is given, read after it was waited for.
        var value: Value?
    }

    /// Runs a task and blocks the calling thread, which is the main one, until it has ended.
    static func wait<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value {
        let box = Box<Value>()
        let signal = StopSignal()
        Task {
            box.value = await body()
            signal.give()
        }
        signal.wait()
        guard let value = box.value else {
            preconditionFailure("a task that ended has left its value")
        }
        return value
    }
}
