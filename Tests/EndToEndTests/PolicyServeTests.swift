import Foundation
import Testing

/// Policies that are plugins, through the built `fanfold serve` and two workers.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .enabled(if: Fanfold.has("cc"), "cc is missing: NO POLICY WAS BUILT"),
    .serialized, .timeLimit(.minutes(10)))
struct PolicyServeTests {
    /// What the example does after a change to its source.
    enum Conduct: String, CaseIterable {
        case good
        case hanging
        case nonsense
        case crashing
        case learning
        case hangingInObserve
        case crashingInObserve

        private static let observe = "{ (void)instance, (void)outcomes; }"

        var changes: [(find: String, replace: String)] {
            switch self {
            case .good: []
            case .hanging: [("text answer = {0};", "text answer = {0}; for (;;) usleep(1000);")]
            case .nonsense: [("? \"1\" : \"0\";", "? \"NaN\" : \"0,0\";")]
            case .crashing: [("text answer = {0};", "text answer = {0}; abort();")]
            case .hangingInObserve: [(Self.observe, "{ for (;;) usleep(1000); }")]
            case .crashingInObserve: [(Self.observe, "{ abort(); }")]
            // Says what it is told, and avoids the label once something has failed where it is.
            case .learning:
                [
                    (
                        "struct fan_instance {",
                        "static const fan_host *teller;\nstatic bool bad;\nstruct fan_instance {"
                    ),
                    ("(void)host;", "teller = host;"),
                    ("? \"1\" : \"0\";", "!= bad ? \"1\" : \"0\";"),
                    (
                        Self.observe,
                        """
                        {
                           char line[1024];
                           (void)instance;
                           snprintf(line, sizeof line, "%.*s", (int)outcomes.size, (const char *)outcomes.data);
                           teller->log(teller, FAN_LOG_INFO, line, (fan_view){"{}", 2});
                           if (memmem(outcomes.data, outcomes.size, "\\"exit-code\\"", 11)) bad = true;
                        }
                        """
                    ),
                ]
            }
        }
    }

    /// A coordinator that places by the example, or has it look on, with the workers `a` and `b`.
    private final class Rig {
        let folder: URL
        let served: Served
        private var runs = 0

        init(_ conduct: Conduct, _ placement: String) async throws {
            folder = try Fanfold.temporaryFolder()
            var source = try String(
                contentsOf: Fanfold.root.appendingPathComponent("examples/c-prefer/prefer.c"),
                encoding: .utf8)
            for change in conduct.changes {
                try #require(source.contains(change.find))
                source = source.replacingOccurrences(of: change.find, with: change.replace)
            }
            let file = folder.appendingPathComponent("prefer.c").path
            try Data(source.utf8).write(to: URL(fileURLWithPath: file))
            let root = Fanfold.root.path
            _ = try await shell(
                "cc -std=gnu11 -fPIC -shared -fvisibility=hidden -D_GNU_SOURCE -include unistd.h -include stdlib.h "
                    + "-I'\(root)/Sources/PluginABI/C/include' -I'\(root)/examples/c-rows' '\(file)' "
                    + "-o '\(folder.path)/libfanfold-prefer.so' "
                    + "&& chmod go-w '\(folder.path)' '\(folder.path)/libfanfold-prefer.so'",
                seconds: 60)
            let settings = folder.appendingPathComponent("fanfold.yaml")
            try Data(
                """
                plugins: { search-path: ["\(folder.path)"], cache: "\(folder.path)/cache" }
                log: { level: info }
                placement: \(placement)
                """.utf8
            ).write(to: settings)
            served = try await Served(settings: settings.path)
            try await served.startWorker(role: "a")
            try await served.startWorker(role: "b")
        }

        /// Has one subtask run that succeeds or fails, and asks why it is where it is.
        func why(succeeds: Bool = true) async throws -> String {
            runs += 1
            let gate = folder.appendingPathComponent("gate-\(runs)")
            let pipeline = try Fanfold.pipeline(
                """
                fanfold: 1
                name: gated
                inputs: { n: { range: 1 } }
                tasks:
                  hold:
                    input: ${inputs.n}
                    strategy: { use: data-parallel, with: { size: { items: 1 } } }
                    run:
                      command: [sh, -c, 'while [ ! -e \(gate.path) ]; do sleep 0.02; done; cat; \(succeeds)']
                      stdin: lines
                      stdout: lines
                    needs: { cpus: 1, memory: 1MiB }
                outputs: { all: { from: "${tasks.hold.output}" } }
                """)
            let submitted = try await served.ask(["submit", pipeline])
            try #require(submitted.code == 0, "\(submitted.errors)")
            var text = ""
            for _ in 0..<200 where !text.contains("runs on worker") {
                text = try await served.ask(["why", "\(runs)/hold/0"]).text
            }
            try Data().write(to: gate)
            let waited = try await served.ask(["wait", "\(runs)"])
            #expect(waited.code == (succeeds ? 0 : 1), "\(waited.text) \(waited.errors)")
            return text
        }
    }

    @Test func `a plugin's scores choose the worker, and why shows them`() async throws {
        let rig = try await Rig(.good, "{ policy: com.example.prefer, with: { label: role=b } }")
        _ = try await rig.why()  // It may be placed before the first answer.
        let why = try await rig.why()
        #expect(why.contains("runs on worker 1, chosen by com.example.prefer"), "\(why)")
        #expect(why.contains("plugin 1.000"), "\(why)")
        #expect(why.contains("best-fit"), "\(why)")
        #expect(try await rig.served.figure("fanfold_policy_answers_total") >= 1)
        #expect(
            try await rig.served.figure("fanfold_policy_placements_total{by=\"plugin\"}") >= 1)
        try await rig.served.stop()
    }

    @Test(arguments: [
        (Conduct.hanging, "(late)"), (.nonsense, "(wrong)"), (.crashing, "(crashed)"),
        (.hangingInObserve, "(late)"), (.crashingInObserve, "(crashed)"),
    ])
    func `runs end and why says what happened with a plugin that`(
        _ conduct: Conduct, _ wanted: String
    ) async throws {
        let rig = try await Rig(
            conduct,
            "{ policy: prefer, with: { label: role=b }, set-aside: 1m, "
                + "budget: \(wanted == "(late)" ? "50ms" : "10s") }")
        _ = try await rig.why()
        var why = ""
        for _ in 0..<50 where !why.contains(wanted) { why = try await rig.why() }
        #expect(why.contains("runs on worker 0, chosen by fitness"), "\(why)")
        #expect(why.contains("in place of prefer: "), "\(why)")
        #expect(why.contains(wanted), "\(why)")
        let name = String(wanted.dropFirst().dropLast())
        #expect(
            try await rig.served.waitForFigure("fanfold_policy_set_aside_total", atLeast: 1) == 1)
        #expect(
            try await rig.served.figure(
                "fanfold_policy_misses_total{policy=\"com.example.prefer\",why=\"\(name)\"}") >= 3)
        let ended = try await rig.served.stop()
        #expect(ended.errors.contains("a policy is set aside"), "\(ended.errors)")
    }

    @Test(arguments: [false, true])
    func `a plugin is told how attempts ended, and what it learns places the next ones`(
        isShadow: Bool
    ) async throws {
        let rig = try await Rig(
            .learning,
            isShadow
                ? "{ shadow: com.example.prefer, shadow-with: { label: role=b }, ask-again: 200ms }"
                : "{ policy: com.example.prefer, with: { label: role=b }, ask-again: 200ms }")
        let (before, after) =
            isShadow
            ? (
                "com.example.prefer would have taken worker 1",
                "com.example.prefer would have taken worker 0"
            )
            : ("runs on worker 1, chosen by com.example.prefer", "runs on worker 0, chosen by com.")
        _ = try await rig.why()
        #expect(try await rig.why().contains(before))
        _ = try await rig.why(succeeds: false)
        #expect(
            try await rig.served.waitForFigure(
                "fanfold_policy_outcomes_total{policy=\"com.example.prefer\",what=\"told\"}",
                atLeast: 3) == 3)
        var why = ""
        for _ in 0..<50 where !why.contains(after) { why = try await rig.why() }
        #expect(why.contains(after), "\(why)")
        #expect(
            try await rig.served.figure(
                "fanfold_policy_outcomes_total{policy=\"com.example.prefer\",what=\"dropped\"}")
                == 0)
        let ended = try await rig.served.stop()
        let lines = ended.errors.split(separator: "\n").filter { $0.contains("outcomes") }
        let worker = isShadow ? "role=a" : "role=b"
        for words in [
            "request", "cpus", "memory_bytes", "used_up_to", worker, "ran_ns", "cpu_ns",
            "peak_memory_bytes", "exit-code",
        ] {
            #expect(lines.contains { $0.contains(words) }, "\(words): \(lines)")
        }
    }

    @Test func `what the policy in the shadow would have done is in the log and in why`()
        async throws
    {
        let rig = try await Rig(
            .good, "{ shadow: com.example.prefer, shadow-with: { label: role=b } }")
        _ = try await rig.why()
        let why = try await rig.why()
        #expect(why.contains("runs on worker 0, chosen by fitness"), "\(why)")
        for scorer in ["best-fit", "pack", "spread", "fragmentation", "room-lost", "policy"] {
            #expect(why.contains("\(scorer) "), "\(why)")
        }
        #expect(why.contains("com.example.prefer would have taken worker 1"), "\(why)")
        try await Task.sleep(for: .milliseconds(1200))
        let ended = try await rig.served.stop()
        let line = "the policy in the shadow would have taken another worker"
        let count = ended.errors.components(separatedBy: line).count - 1
        #expect((1...3).contains(count), "\(ended.errors)")
    }

    @Test func `a policy that is not there is refused at once, with the names there are`()
        async throws
    {
        let folder = try Fanfold.temporaryFolder()
        let settings = folder.appendingPathComponent("fanfold.yaml")
        try Data("placement: { policy: fitnes }".utf8).write(to: settings)
        let ended = try await Child([
            Fanfold.program, "serve", "--config", settings.path, "--state", folder.path,
            "--listen", "127.0.0.1:0", "--workers", "127.0.0.1:0",
        ]).finish(within: 30)
        #expect(ended.code == 2)
        #expect(ended.errors.contains("/placement/policy: fitnes is no policy"))
        #expect(ended.errors.contains("fitness, pack, spread, fgd, keep-usable"))
    }
}
