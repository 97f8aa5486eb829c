import FanfoldCore
import Synchronization
import Testing

@testable import FanfoldRuntime

/// A loop that is left at any moment and rebuilt from its log goes on as if nothing had been.
@Suite(.timeLimit(.minutes(5)))
struct EngineRecoveryTests {
    private let folder = TemporaryFolder()

    /// What was committed, and outputs that were kept.
    private final class MemoryLog: EngineLog {
        private struct State {
            var records: [EngineRecord] = []
            var calls: [TaskID: [StrategyCall]] = [:]
            var outputs: [TaskID: Dataset] = [:]
        }

        private let state = Mutex(State())

        func commit(_ turn: EngineTurn) {
            state.withLock { state in
                state.records += turn.records
                for (task, call) in turn.calls { state.calls[task, default: []].append(call) }
                for task in turn.endedTasks { state.calls[task] = nil }
            }
        }

        func calls(of task: TaskID, _ body: (StrategyCall) -> Void) {
            for call in state.withLock({ $0.calls[task] ?? [] }) { body(call) }
        }

        var records: [EngineRecord] { state.withLock { $0.records } }

        func keep(_ output: Dataset, of task: TaskID) -> Dataset {
            state.withLock { $0.outputs[task] = output }
            return output
        }

        func output(of task: TaskID) -> Dataset? { state.withLock { $0.outputs[task] } }
    }

    /// One life of a loop with two workers.
    private struct Life {
        var loop: EngineLoop
        let log: MemoryLog
        let run: PreparedRun

        init(_ run: PreparedRun, log: MemoryLog, scratch: String, isFirst: Bool) {
            self.run = run
            self.log = log
            let mailbox = Mailbox<EngineMessage>()
            loop = EngineLoop(
                options: LoopOptions(
                    strategyCallNanoseconds: 60_000_000_000, log: log,
                    keepOutput: { (task, output) throws(DataError) in
                        log.keep(output, of: task)
                    }),
                mailbox: mailbox)
            let executor = ExecutorHost(
                scratchDirectory: scratch, helperPath: EngineFixture.products + "/fanfold-helper",
                executors: run.executors)
            var made: UInt32 = 0
            func entry() -> WorkerEntry {
                defer { made += 1 }
                return WorkerEntry(
                    port: LocalWorker(id: WorkerID(made), name: "w\(made)", executor: executor) {
                        mailbox.post(.worker($0, $1))
                    }, milliCores: 2_000, memoryBytes: 1 << 30)
            }
            if isFirst {
                for index in 0..<UInt32(2) {
                    loop.register(
                        WorkerSpec(
                            id: WorkerID(index),
                            capacity: ResourceVector(milliCores: 2_000, memoryBytes: 1 << 30)),
                        entry(), at: loop.now)
                }
                loop.submit(RunID(1), run, at: loop.now)
                loop.endTurn()
            } else {
                recover { _ in entry() }
            }
        }

        private mutating func recover(_ entry: ([UInt8]) -> WorkerEntry) {
            let (log, run) = (log, run)
            var last = Tick.zero
            for record in log.records {
                switch record {
                case .event(_, let moment), .run(_, _, let moment), .worker(_, _, let moment):
                    last = max(last, moment)
                }
                loop.replay(record, port: entry)
            }
            loop.resume(
                after: last, prepare: { _ in .success(run) }, output: { log.output(of: $0) })
            for worker in loop.workers.indices {
                let moment = loop.now
                loop.handle(
                    .workerReattached(
                        WorkerID(UInt32(worker)),
                        WorkerInventory(session: moment.nanoseconds + 1)),
                    at: moment)
            }
            loop.endTurn()
        }

        var hasEnded: Bool { loop.runs[0].outcome != nil }

        mutating func turn() { loop.turn(until: loop.now.advanced(byNanoseconds: 50_000_000)) }

        mutating func end() {
            for worker in loop.workers { worker.port.stop(reason: "the loop is left") }
            loop.closeLanes()
        }
    }

    /// Runs a pipeline, leaving the loop after each of these numbers of turns.
    private func report(_ text: String, leavingAfter lives: [Int]) throws -> RunReport {
        let run = try EngineFixture.prepare(text, in: folder)
        let log = MemoryLog()
        var life = Life(run, log: log, scratch: folder.path, isFirst: true)
        for turns in lives {
            for _ in 0..<turns where !life.hasEnded { life.turn() }
            life.end()
            life = Life(run, log: log, scratch: folder.path, isFirst: false)
        }
        while !life.hasEnded { life.turn() }
        let report = life.loop.report(of: life.loop.runs[0])
        life.end()
        run.executors.close()
        return report
    }

    private static let twoTasks = """
        fanfold: 1
        name: two
        inputs:
          n: {range: 400}
        tasks:
          double:
            input: ${inputs.n}
            strategy: {use: data-parallel, with: {size: {items: 3}, merge: concat}}
            run: {command: [awk, "{print $1 * 2}"], stdin: lines, stdout: lines}
          sum:
            input: ${tasks.double.output}
            strategy: {use: data-parallel, with: {size: {items: 7}, merge: sum}}
            run: {command: [awk, "{s += $1} END {print s}"], stdin: lines, stdout: json}
        outputs: {o: {from: "${tasks.sum.output}"}, d: {from: "${tasks.double.output}"}}
        """

    @Test(arguments: [[0], [1], [3], [8], [20], [2, 2, 2, 2, 2, 2], [15, 1, 1, 40]])
    func `a loop that was left goes on from its log`(_ lives: [Int]) throws {
        let report = try report(Self.twoTasks, leavingAfter: lives)
        #expect(report.outcome == .completed, "\(report.outcome)")
        #expect(try report.text(0) == "\((0..<400).reduce(0) { $0 + $1 * 2 })\n")
        #expect(try report.text(1) == (0..<400).map { "\($0 * 2)\n" }.joined())
    }

    /// Subtasks run out of memory twice: each time a larger shape is declared in between.
    private static let hungry = """
        fanfold: 1
        name: hungry
        inputs:
          n: {range: 600}
        tasks:
          double:
            input: ${inputs.n}
            strategy: {use: data-parallel, with: {size: {items: 5}, merge: concat}}
            run:
              command:
                - sh
                - -c
                - >-
                  test $FANFOLD_ATTEMPT -ge 3 || { echo MemoryError >&2; exit 1; };
                  awk '{print $1 * 2}'
              stdin: lines
              stdout: lines
            needs: {auto: {}}
        outputs: {d: {from: "${tasks.double.output}"}}
        """

    @Test(arguments: [[0], [1], [4], [9], [20], [2, 2, 2, 2, 2, 2], [15, 1, 1, 40]])
    func `a loop that was left knows what ran out of memory`(_ lives: [Int]) throws {
        let report = try report(Self.hungry, leavingAfter: lives)
        #expect(report.outcome == .completed, "\(report.outcome)")
        #expect(try report.text(0) == (0..<600).map { "\($0 * 2)\n" }.joined())
    }

    @Test(arguments: [[0], [1], [4, 4], [9], [2, 2, 2, 2, 2, 2], [15, 1, 1, 40]])
    func `a loop that was left knows alternatives from what a strategy declares`(
        _ lives: [Int]
    ) throws {
        let document = Self.hungry.replacing(
            "needs: {auto: {}}", with: "needs: {any_of: [{gpus: 1}, {cpus: 1}]}"
        ).replacing("test $FANFOLD_ATTEMPT -ge 3", with: "true")
        let report = try report(document, leavingAfter: lives)
        #expect(report.outcome == .completed, "\(report.outcome)")
        #expect(try report.text(0) == (0..<600).map { "\($0 * 2)\n" }.joined())
    }

    @Test func `an attempt of a task that nobody knows changes nothing`() throws {
        let run = try EngineFixture.prepare(Self.twoTasks, in: folder)
        var life = Life(run, log: MemoryLog(), scratch: folder.path, isFirst: true)
        let stranger = AttemptID(
            subtask: SubtaskID(task: TaskID(99), index: 5), epoch: 1)
        life.loop.receive(
            [
                EndedAttempt(
                    attempt: stranger, slot: nil, successor: nil,
                    result: WorkResult(.success(.empty, .jsonl, items: 0)))
            ], from: WorkerID(0), at: life.loop.now)
        while !life.hasEnded { life.turn() }
        #expect(life.loop.runs[0].outcome == .completed)
        life.end()
    }

    @Test func `a strategy that answers differently fails its task and says so`() throws {
        // It counts its calls over its whole process, which no replay repeats.
        let library = CStrategy(
            split: """
                static int calls; calls++;
                for (int k = 0; k < calls; k++) put(sink, (uint64_t)k + 1, "{}");
                """)
        try #require(library.build(in: folder))
        let run = try EngineFixture.prepare(CStrategy.pipeline(), in: folder)
        let log = MemoryLog()
        var life = Life(run, log: log, scratch: folder.path, isFirst: true)
        while (life.loop.coordinator.progress(of: TaskID(0))?.put ?? 0) == 0 { life.turn() }
        life.end()
        life = Life(run, log: log, scratch: folder.path, isFirst: false)
        while !life.hasEnded { life.turn() }
        let outcome = life.loop.runs[0].outcome
        life.end()
        guard case .failed(_, let failure) = outcome else {
            Issue.record("it ended \(String(describing: outcome))")
            return
        }
        #expect(failure.message.contains("a strategy is a function of what it is told"))
    }
}
