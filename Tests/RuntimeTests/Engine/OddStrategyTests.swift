import FanfoldCore
@preconcurrency import Glibc
import Testing

@testable import FanfoldRuntime

@Suite struct `Strategies that do not do as they should` {
    private let folder = TemporaryFolder()

    private func run(
        _ strategy: CStrategy, callNanoseconds: UInt64 = 60_000_000_000
    ) throws -> RunReport {
        try #require(strategy.build(in: folder), "cc compiles the strategy")
        let run = try EngineFixture.prepare(CStrategy.pipeline(), in: folder)
        return EngineFixture.engine(run, in: folder, callNanoseconds: callNanoseconds).execute()
    }

    @Test(arguments: [
        (#"put(sink, 5, ""); put(sink, 5, "");"#, "id 5 twice"),
        (#"put(sink, 0, "{\"after\":[9]}");"#, "after 9, which is not known"),
        (#"put(sink, 0, "{\"run\":1}");"#, "wanted an object"),
        ("sink->withdraw(sink, 3);", "withdrew the subtask 3"),
        (
            """
            fan_blob part = {0}; part.kind = FAN_BLOB_ITEMS; part.offset = 3; part.size = 2;
            fan_subtask s = {sizeof(fan_subtask), 1, 0, {"", 0}, &part}; sink->subtask(sink, &s);
            """, "2 items from 3 of input 0, which has 4"
        ),
    ])
    func `what breaks the contract fails the task, whatever the strategy returns`(
        split: String, reason: String
    ) throws {
        let failure = try run(CStrategy(split: split)).outcome.failure
        #expect(failure?.kind == .strategyFailed)
        #expect(failure?.reason == "plugin.contract")
        #expect(failure?.message.contains(reason) == true, "\(failure?.message ?? "none")")
    }

    @Test func `an error of a strategy is the failure of the task`() throws {
        let strategy = CStrategy(
            split: #"return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "odd", "not today");"#)
        let failure = try run(strategy).outcome.failure
        #expect(failure?.reason == "odd")
        #expect(failure?.message == "not today")
    }

    @Test func `a strategy that does not come back is given up`() throws {
        let report = try run(
            CStrategy(split: "for (;;) pause();"), callNanoseconds: 50_000_000)
        #expect(report.outcome.failure?.reason == "plugin.hung")
        #expect(report.outcome.failure?.message.contains("from split within 50 ms") == true)
    }

    @Test func `a subtask withdrawn while splitting does not hold up the task`() throws {
        let sleep = #"{\"run\":{\"use\":\"noop\",\"with\":{\"sleep\":\"1h\"}}}"#
        let report = try run(
            CStrategy(
                split: "put(sink, 0, \"\"); put(sink, 1, \"\(sleep)\"); sink->withdraw(sink, 1);"))
        #expect(report.outcome == .completed)
        #expect(report.tasks[0].numbers.succeeded == 1)
        #expect(report.tasks[0].numbers.withdrawn == 1)
    }

    @Test func `a strategy that begins after the run was cancelled is ended all the same`() throws {
        let gates = ["began", "goOn"].map { folder.path + "/" + $0 }
        for gate in gates { #expect(mkfifo(gate, 0o600) == 0) }
        let log = folder.path + "/log"
        let strategy = CStrategy(
            begin:
                "close(open(\"\(gates[0])\", O_WRONLY)); close(open(\"\(gates[1])\", O_RDONLY));",
            end: "say(\"\(log)\", \"ended\");")
        try #require(strategy.build(in: folder), "cc compiles the strategy")
        let run = try EngineFixture.prepare(CStrategy.pipeline(), in: folder)
        let engine = EngineFixture.engine(run, in: folder)
        let canceller = PlainThread(name: "canceller") {
            close(open(gates[0], O_RDONLY))
            engine.cancel(reason: "enough")
            close(open(gates[1], O_WRONLY))
        }
        let report = engine.execute()
        canceller.join()
        #expect(report.outcome == .cancelled(reason: "enough"))
        #expect(try Payload.mapping(path: log).whole.text == "ended")
    }
}
