import FanfoldCore
import FanfoldJSON
import Testing

@testable import FanfoldRuntime

@Suite struct `Whole runs` {
    private let folder = TemporaryFolder()

    private let failsAtTwo =
        #"run: {command: [sh, -c, 'read n; [ "$n" != 2 ] || exit 3; echo $n']}"#
    private let forEver = "run: {use: noop, with: {sleep: 1h}}"

    private func run(_ members: String..., count: Int = 4) throws -> RunReport {
        let text = members.joined(separator: "\n    ")
        return try EngineFixture.run(EngineFixture.oneTask(text, count: count), in: folder)
    }

    @Test func `a run that completes gives its output in order and its figures`() throws {
        let report = try run("run: {command: [cat]}", count: 20)
        #expect(report.outcome == .completed)
        #expect(try report.text() == (0..<20).map { "\($0)\n" }.joined())
        #expect(report.tasks[0].numbers.succeeded == 20)
        #expect(report.tasks[0].figures.records.count == 20)
        #expect(report.json["tasks"]?.arrayValue?.first?["attempts"] == 20)
        #expect(report.workers == ["local-0"])
    }

    @Test func `the first subtask that fails for good fails the run`() throws {
        let report = try run(failsAtTwo, "retry: {attempts: 1}")
        #expect(report.outcome.word == "failed")
        #expect(report.outcome.failure?.reason == "exit.3")
        #expect(report.tasks[0].outcome?.failure?.kind == .exitCode)
        #expect(report.outputs.isEmpty)
        #expect(report.tasks[0].failedAttempts.map(\.subtask) == [2])
    }

    @Test func `best effort goes on without a subtask that failed`() throws {
        let report = try run(failsAtTwo, "retry: {attempts: 1}", "on-failure: best-effort")
        #expect(report.outcome == .completed)
        #expect(try report.text() == "0\n1\n3\n")
        #expect(report.tasks[0].numbers.failed == 1)
    }

    @Test(arguments: [("0.75", "completed"), ("0.9", "failed")])
    func `a share of subtasks must succeed`(share: String, word: String) throws {
        let report = try run(
            failsAtTwo, "retry: {attempts: 1}", "on-failure: {min-success: \(share)}")
        #expect(report.outcome.word == word)
        #expect(
            report.outcome.failure?.kind == (word == "failed" ? .tooFewSucceeded : nil))
    }

    @Test func `an attempt that fails is made again`() throws {
        let report = try run(
            #"run: {command: [sh, -c, '[ "$FANFOLD_ATTEMPT" -gt 1 ] || exit 1; cat']}"#,
            "retry: {attempts: 2, backoff: 1ms}", count: 2)
        #expect(report.outcome == .completed)
        #expect(try report.text() == "0\n1\n")
        #expect(report.tasks[0].figures.attempts == 4)
        #expect(report.tasks[0].figures.records.allSatisfy { $0.attempt == 2 })
    }

    @Test func `an attempt that runs longer than its timeout fails`() throws {
        let report = try run(forEver, "timeout: 20ms", "retry: {attempts: 1}", count: 1)
        #expect(report.outcome.failure?.kind == .timeout)
        #expect(report.outcome.failure?.message.contains("20 ms") == true)
    }

    @Test func `another thread cancels a run`() throws {
        let run = try EngineFixture.prepare(EngineFixture.oneTask(forEver), in: folder)
        let engine = EngineFixture.engine(run, in: folder)
        let other = PlainThread(name: "other") {
            engine.cancel(reason: "enough")
            engine.cancel(reason: "more than enough")
        }
        let report = engine.execute()
        other.join()
        #expect(report.outcome == .cancelled(reason: "enough"))
        #expect(report.tasks[0].outcome == .cancelled(reason: "enough"))
        #expect(report.json["reason"] == "enough")
    }

    @Test func `the deadline of the pipeline cancels the run`() throws {
        let text = EngineFixture.oneTask(forEver).replacing(
            "name: one", with: "name: one\ndeadline: 30ms")
        let report = try EngineFixture.run(text, in: folder)
        #expect(report.outcome == .cancelled(reason: "the deadline of the pipeline has passed"))
    }

    @Test(arguments: [
        ("{cpus: 64}", "64 cores and the largest worker has 2 cores"),
        ("{memory: 5GiB}", "5120 MiB of memory and the largest worker has 4096 MiB"),
        ("{gpus: 1}", "1 GPU and the largest worker has 0 GPUs"),
        ("{labels: {disk: ssd}}", "labelled disk=ssd; no worker is"),
    ])
    func `needs that no worker has fail the run with the reason`(
        needs: String, reason: String
    ) throws {
        let report = try run("run: {use: noop}", "needs: \(needs)")
        #expect(report.outcome.failure?.reason == "needs.unplaceable")
        let message = report.outcome.failure?.message ?? ""
        #expect(message.contains(reason), "\(message)")
    }

    @Test func `where the first of several needs fits no worker, the next is taken`() throws {
        let report = try run(
            "run: {use: noop}", "needs: {memory: 1MiB, any_of: [{gpus: 1}, {cpus: 2}]}")
        #expect(report.outcome == .completed, "\(report.outcome)")
        let none = try run("run: {use: noop}", "needs: {any_of: [{gpus: 1}, {cpus: 64}]}")
        #expect(none.outcome.failure?.reason == "needs.unplaceable")
    }

    @Test func `tasks are given what the tasks before them gave`() throws {
        let report = try EngineFixture.run(
            """
            fanfold: 1
            name: chain
            inputs:
              n: {range: 6}
            tasks:
              third:
                input: ${tasks.second.output}
                run: {command: [tail, -n, "1"]}
                strategy: {use: data-parallel, with: {shards: 1}}
              first:
                input: ${inputs.n}
                run: {command: [cat]}
              second:
                input: ${tasks.first.output}
                strategy: {use: data-parallel, with: {size: {items: 2}}}
                run: {command: [sed, s/^/x/]}
            outputs:
              last: {from: "${tasks.third.output}"}
              all: {from: "${tasks.second.output}"}
            """, in: folder)
        #expect(report.outcome == .completed)
        #expect(report.outputs.map(\.declaration.name) == ["last", "all"])
        #expect(try report.text(0) == "x5\n")
        #expect(try report.text(1) == "x0\nx1\nx2\nx3\nx4\nx5\n")
    }

    @Test func `a task that fails cancels those that wait for it`() throws {
        let report = try EngineFixture.run(
            """
            fanfold: 1
            name: chain
            inputs: {n: {range: 1}}
            tasks:
              a:
                input: ${inputs.n}
                run: {command: ["false"]}
                retry: {attempts: 1}
              b:
                input: ${tasks.a.output}
                run: {command: [cat]}
            outputs: {b: {from: "${tasks.b.output}"}}
            """, in: folder)
        #expect(report.tasks.map { $0.outcome?.word } == ["failed", "cancelled"])
        #expect(report.tasks[1].numbers.put == 0)
    }

    @Test func `an empty input gives an empty output`() throws {
        let report = try EngineFixture.run(
            """
            fanfold: 1
            name: empty
            inputs: {n: {value: []}}
            tasks:
              t:
                input: ${inputs.n}
                run: {command: [cat], stdout: json}
            outputs: {o: {from: "${tasks.t.output}"}}
            """, in: folder)
        #expect(report.outcome == .completed)
        #expect(report.outputs.first?.data.count == 0)
    }

    @Test func `a task without an input runs once`() throws {
        let report = try EngineFixture.run(
            """
            fanfold: 1
            name: alone
            tasks:
              t:
                run: {command: [echo, hello]}
            outputs: {o: {from: "${tasks.t.output}"}}
            """, in: folder)
        #expect(report.outcome == .completed)
        #expect(try report.text() == "hello\n")
    }

    @Test func `a task asks for its inputs by name`() throws {
        let report = try EngineFixture.run(
            """
            fanfold: 1
            name: named
            inputs:
              n: {range: 2}
              limit: {value: {low: 5}}
            tasks:
              t:
                input: {numbers: "${inputs.n}", limit: "${inputs.limit}"}
                strategy: {use: data-parallel, with: {shards: 1, over: numbers}}
                run: {command: [cat, "${parts.numbers}", "${parts.limit}"], stdin: none}
            outputs: {o: {from: "${tasks.t.output}"}}
            """, in: folder)
        #expect(report.outcome == .completed, "\(report.outcome)")
        let text = try report.text()
        #expect(text.hasPrefix("0\n1\n"), "\(text)")
        #expect(text.contains("\"low\""), "\(text)")
    }

    @Test func `a plan says how a task is split, and runs nothing`() throws {
        let run = try EngineFixture.prepare(
            EngineFixture.oneTask("run: {command: [cat]}", count: 10), in: folder)
        let worker = LocalWorkerPlan(name: "w", milliCores: 4000, memoryBytes: 4 << 30)
        let task = PlanReport(run, workers: [worker]).tasks[0]
        #expect(task.problem == nil)
        #expect(task.subtasks == 10)
        #expect(task.items == 1...1)
        #expect(!task.isOpen)
        #expect(task.placement.map(\.worker) == ["w"])
        #expect(task.placement.map(\.starting) == [4])
        #expect(task.placement.map(\.freeMilliCores) == [0])
        #expect(task.waiting == nil)
    }

    @Test func `a plan says why nothing would start`() throws {
        let run = try EngineFixture.prepare(
            EngineFixture.oneTask("needs: {cpus: 8}\n    run: {use: noop}"), in: folder)
        let worker = LocalWorkerPlan(name: "w", milliCores: 4000, memoryBytes: 4 << 30)
        let task = PlanReport(run, workers: [worker]).tasks[0]
        #expect(
            task.waiting == .exceedsMaximumWorker(.cpu, wanted: 8000, largest: 4000))
        #expect(PlanReport(run, workers: []).tasks[0].waiting == .noWorker)
    }
}
