import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Testing

@testable import FanfoldPlugins

/// Where the tests' binary lies, and everything that is built with it.
let builtProducts: String = {
    guard let path = realpath("/proc/self/exe", nil) else { return "." }
    defer { free(path) }
    return String(cString: path).split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
}()

/// Strategies in C in a helper of their own.
struct IsolationRig {
    let folder = TemporaryFolder()
    let log = LogLines()

    func launch(_ macros: [String: String] = [:]) throws -> LoadedPlugin {
        try registry(folder, log: log).load(
            path: CPlugin.build(in: folder, macros),
            in: HelperSettings(
                helperPath: builtProducts + "/fanfold-helper",
                reportDirectory: folder.path + "/crashes", hostVersion: "1"))
    }

    func strategy(
        _ macros: [String: String] = [:], nanoseconds: UInt64 = 20_000_000_000
    ) throws -> IsolatedStrategy {
        let plugin = try launch(macros)
        let strategy = try plugin.makeStrategy(
            plugin.component(), configuration: ["size": 4], callNanoseconds: nanoseconds,
            logger: log.logger)
        return try #require(strategy as? IsolatedStrategy)
    }
}

/// Takes all that is put and forgets it but for the ids.
private final class CountingSink: HostSink {
    var ids: [UInt64] = []

    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        ids.append(id)
        return fan_code(FAN_OK)
    }

    func withdraw(_ id: UInt64) -> fan_code { fan_code(FAN_OK) }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        for index in parts.indices { HostBlob.release(&parts[index]) }
        return fan_code(FAN_OK)
    }
}

private func failure(_ body: () throws -> Void) -> PluginFailure? {
    do {
        try body()
        return nil
    } catch {
        return error as? PluginFailure
    }
}

@Suite(.timeLimit(.minutes(2))) struct IsolationTests {
    private let rig = IsolationRig()

    /// Puts the next id each time, kept in a static of the plugin.
    private static let counting = [
        "SPLIT_BODY": """
        static uint64_t next; fan_subtask s = {sizeof s, 0, next++, {"{}", 2}, NULL}; \
        sink->subtask(sink, &s); *state = FAN_SPLIT_MORE; return FAN_OK;
        """
    ]

    @Test func `a helper says what is in a library without the host opening it`() throws {
        let plugin = try rig.launch(["SUMMARY": "\"Says so.\""])
        #expect(plugin.components.map(\.id) == ["fanfold.echo"])
        #expect(plugin.components[0].summary == "Says so.")
        #expect(plugin.components[0].schema != nil)
    }

    @Test func `a library that crashes while it is loaded is an error that says so`() throws {
        let message = try #require(
            failureMessage {
                _ = try rig.launch([
                    "EARLY":
                        "__attribute__((constructor)) static void boom(void) { *(volatile int *)0 = 1; }"
                ])
            })
        #expect(message.contains("crashed in its helper by signal 11 (SEGV), in loading"))
    }

    @Test func `a helper that is killed between two calls is replaced and told everything`() throws
    {
        let strategy = try rig.strategy(Self.counting)
        let sink = CountingSink()
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        for _ in 0..<5 { _ = try strategy.split(task: 1, want: 1, sink: sink) }
        kill(try #require(strategy.processID), SIGKILL)
        for _ in 0..<5 { _ = try strategy.split(task: 1, want: 1, sink: sink) }
        #expect(sink.ids == Array(0..<10))
        #expect(strategy.restarts == 1)
        strategy.destroy()
    }

    @Test func `a call that crashes every time fails with the signal and where the stack is`()
        throws
    {
        let strategy = try rig.strategy(["SPLIT_BODY": "abort();"])
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        let found = try #require(
            failure { _ = try strategy.split(task: 1, want: 1, sink: CountingSink()) })
        #expect(found.reason == "plugin.crashed")
        #expect(found.message.contains("signal 6 (ABRT), in split"))
        let report = try #require(found.message.split(separator: " ").last.map(String.init))
        let text = try #require(readSmallFile(report))
        #expect(text.contains("libfanfold-echo.so"), "the stack names the library:\n\(text)")
        #expect(strategy.restarts == IsolationLimits.triesPerCall - 1)
    }

    @Test func `a plugin that ends the process is an error`() throws {
        let strategy = try rig.strategy(["SPLIT_BODY": "_exit(7);"])
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        let found = failure { _ = try strategy.split(task: 1, want: 1, sink: CountingSink()) }
        #expect(found?.message.contains("ended its helper with exit code 7, in split") == true)
    }

    @Test func `a call that hangs is ended with its stack after the deadline`() throws {
        let strategy = try rig.strategy(
            ["SPLIT_BODY": "for (;;) { volatile int x = 0; (void)x; }"], nanoseconds: 100_000_000)
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        let found = try #require(
            failure { _ = try strategy.split(task: 1, want: 1, sink: CountingSink()) })
        #expect(found.reason == "plugin.hung")
        #expect(found.message.contains("did not answer within 100 ms"))
        #expect(found.message.contains("stack and output"))
    }

    @Test func `a helper that is stopped counts as hung and is replaced`() throws {
        let strategy = try rig.strategy(Self.counting)
        let sink = CountingSink()
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        _ = try strategy.split(task: 1, want: 1, sink: sink)
        kill(try #require(strategy.processID), SIGSTOP)
        _ = try strategy.split(task: 1, want: 1, sink: sink)
        #expect(sink.ids == [0, 1])
        #expect(strategy.restarts == 1)
    }

    @Test func `a strategy that answers differently when told again is refused`() throws {
        let strategy = try rig.strategy([
            "SPLIT_BODY": """
            fan_subtask s = {sizeof s, 0, (uint64_t)getpid(), {"{}", 2}, NULL}; \
            sink->subtask(sink, &s); *state = FAN_SPLIT_MORE; return FAN_OK;
            """,
            "EXTRA": "",
        ])
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        _ = try strategy.split(task: 1, want: 1, sink: CountingSink())
        kill(try #require(strategy.processID), SIGKILL)
        let found = failure { _ = try strategy.split(task: 1, want: 1, sink: CountingSink()) }
        #expect(found?.reason == "plugin.unfaithful")
    }

    @Test func `what a plugin logs and prints is in the failure`() throws {
        let strategy = try rig.strategy([
            "SPLIT_BODY": """
            fan_view none = {0, 0}; the_host->log(the_host, FAN_LOG_WARN, "about to fall", none); \
            write(1, "printed\\n", 8); abort();
            """
        ])
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        let found = failure { _ = try strategy.split(task: 1, want: 1, sink: CountingSink()) }
        #expect(found?.message.contains("it said last: about to fall") == true)
        #expect(rig.log.text.contains("about to fall"))
        let report = found?.message.split(separator: " ").last.map(String.init) ?? ""
        #expect(readSmallFile(report)?.contains("printed") == true)
    }

    @Test(arguments: [
        ("a socket", "socket(2, 1, 0) >= 0"), ("another program", "system(\"true\") == 0"),
        ("a child", "fork() >= 0"), ("a file to write", "open(\"/tmp/x\", 577, 420) >= 0"),
        ("a file of the user", "open(\"/etc/passwd\", 0) >= 0"),
        ("the host's memory", "open(\"/proc/1/mem\", 2) >= 0"),
        ("another process", "kill(getppid(), 0) == 0"),
    ])
    func `a plugin in a helper gets no`(_ what: String, _ attempt: String) throws {
        let strategy = try rig.strategy([
            "SPLIT_BODY": """
            if (\(attempt)) return fan_fail(err, FAN_UNKNOWN, 0, "got.it", "it got it"); \
            *state = FAN_SPLIT_END; return FAN_OK;
            """
        ])
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        #expect(throws: Never.self, "it got \(what)") {
            _ = try strategy.split(task: 1, want: 1, sink: CountingSink())
        }
        strategy.destroy()
    }

    @Test func `helpers leave neither channels nor processes behind`() throws {
        let plugin = try rig.launch(Self.counting)
        for round in 0..<20 {
            weak var channel: FrameChannel?
            var processes: [Int32] = []
            do {
                let strategy = try #require(
                    try plugin.makeStrategy(
                        plugin.component(), configuration: [:],
                        callNanoseconds: 10_000_000_000, logger: rig.log.logger)
                        as? IsolatedStrategy)
                try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
                processes.append(try #require(strategy.processID))
                if round % 2 == 0 { kill(processes[0], SIGKILL) }
                _ = try strategy.split(task: 1, want: 1, sink: CountingSink())
                processes.append(try #require(strategy.processID))
                channel = strategy.channel
                strategy.destroy()
            }
            // The channel owns socket and shared memory, and closes them when it goes.
            #expect(channel == nil)
            for process in processes { #expect(kill(process, 0) != 0) }
        }
    }

    private func failureMessage(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
