import ArgumentParser
import FanfoldJSON
import FanfoldPrediction
import FanfoldRuntime
@preconcurrency import Glibc

/// `fanfold eff`: what a run was given, used, and would be given next.
struct EffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eff",
        abstract: "Shows what the tasks of a run were given and used, and what to ask for.",
        discussion: """
            With --context, or FANFOLD_ADDRESS, a coordinator is asked. Otherwise what attempts used \
            is read from the state folder: of `fanfold run` that of the settings, of a coordinator \
            of this machine the one it was started with. `predicted` is the largest request that \
            the history would have led to, before each attempt's own use was known; `covered` the \
            share of attempts that used no more.
            """)

    @Argument(
        help: ArgumentHelp(
            "The number of a coordinator's run, the name of a local one, or last.",
            valueName: "run"))
    var subject = "last"

    @OptionGroup var client: ClientOptions
    @OptionGroup var state: StateOptions

    func run() throws {
        guard state.path == nil, client.namesCoordinator else { return try showLocal() }
        let subject = subject
        try client.ask { session in
            let numbers = try await session.runs(subject)
            session.show(
                try await session.look(numbers, suffix: "/efficiency"), table: EffTable.text,
                quiet: EffTable.suggestions)
        }
    }

    private func showLocal() throws {
        var history = HistoryOptions()
        history.state = state
        history.host = client.host
        let (entries, path) = try history.load()
        guard let last = entries.last else {
            Terminal.complain("error: \(path) holds no attempts yet")
            throw Exit.notFound
        }
        let name = subject == "last" ? last.run : subject
        let found = Efficiency.of(run: name, in: entries)
        guard !found.isEmpty else {
            Terminal.complain(
                "error: no attempt of a run \"\(name)\" was measured; "
                    + "the last one is \"\(last.run)\"")
            throw Exit.notFound
        }
        client.output.show(
            ["run": .string(name), "tasks": .array(found.map(\.json))], table: EffTable.text,
            quiet: EffTable.suggestions)
    }

    /// A name for a run of this process: when it began, and its id.
    static func localRunName() -> String {
        var now = time(nil)
        var parts = tm()
        gmtime_r(&now, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return "local-\(String(decoding: bytes, as: UTF8.self))-\(getpid())"
    }
}

/// What tasks of runs were given, used and should ask for, as a reader wants it.
enum EffTable {
    static func text(_ answer: JSON) -> String {
        (answer["runs"]?.arrayValue ?? [answer]).map { run in
            let tasks = run["tasks"]?.arrayValue ?? []
            let lines = tasks.isEmpty ? ["no attempt was measured"] : tasks.flatMap(lines)
            return (["run \(run.shown("run"))"] + lines).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    /// What each class should ask for, for pipelines.
    static func suggestions(_ answer: JSON) -> [String] {
        (answer["runs"]?.arrayValue ?? [answer]).flatMap { $0["tasks"]?.arrayValue ?? [] }
            .compactMap { task in
                needs(task["suggestion"]).map { "\(task.shown("class")): \($0)" }
            }
    }

    private static func lines(_ task: JSON) -> [String] {
        let outOfMemory = task["out_of_memory"]?.integerValue ?? 0
        let (memory, cores) = (task["memory_bytes"], task["cpus"])
        var lines = [
            task.shown("class"),
            "  attempts   \(task.shown("attempts"))"
                + (outOfMemory > 0 ? ", \(outOfMemory) out of memory" : ""),
            "  memory     given \(bytes(memory?["given"])), used at most "
                + "\(bytes(memory?["used"]))\(share(memory))",
            "  cores      given \(count(cores?["given"])), used at most "
                + "\(count(cores?["used"]))\(share(cores))",
        ]
        if let predicted = task["predicted"] {
            lines.append(
                "  predicted  \(bytes(predicted["memory_bytes"])) of memory, covered "
                    + "\(predicted.shown("covered")) of \(predicted.shown("attempts"))")
        }
        if let changed = task["changed"]?.integerValue {
            lines.append("  changed    \(Human.count(Int(clamping: changed), "attempt")) ago")
        }
        if let suggestion = task["suggestion"], let needs = needs(suggestion) {
            let estimate = suggestion["estimate"]
            lines.append(
                "  ask for    \(needs)  (\(estimate?.shown("tier") ?? ""), "
                    + "\(suggestion.shown("attempts")) attempts\(bounds(estimate)))")
        }
        return lines
    }

    private static func needs(_ suggestion: JSON?) -> String? {
        guard let cores = suggestion?["cpus"]?.doubleValue,
            let memory = suggestion?["memory_bytes"]?.integerValue
        else { return nil }
        let millis = Int64((cores * 1000).rounded())
        return "needs: { cpus: \(Human.cores(millis)), memory: \(memory >> 20)MiB }"
    }

    private static func bytes(_ value: JSON?) -> String {
        value?.doubleValue.map { Human.bytes(Int64($0)) } ?? "unknown"
    }

    private static func count(_ value: JSON?) -> String {
        value?.doubleValue.map { Human.fixed($0, 2) } ?? "unknown"
    }

    private static func share(_ use: JSON?) -> String {
        use?["share"]?.doubleValue.map { ", \(Human.fixed($0 * 100, 1)) % of it" } ?? ""
    }

    private static func bounds(_ estimate: JSON?) -> String {
        guard let least = estimate?["least"], let most = estimate?["most"] else { return "" }
        return ", nine of ten use \(bytes(least)) to \(bytes(most))"
    }
}
