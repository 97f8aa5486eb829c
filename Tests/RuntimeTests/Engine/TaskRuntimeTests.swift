import FanfoldCore
import FanfoldJSON
import Testing

@testable import FanfoldRuntime

@Suite struct `What the loop keeps of a task` {
    private let folder = TemporaryFolder()
    private var task: TaskRuntime

    init() throws {
        let run = try EngineFixture.prepare(
            EngineFixture.oneTask("run: {use: noop}"), in: folder)
        task = TaskRuntime(run.tasks[0].spec, plan: run.tasks[0], run: 0)
        task.inputs = run.inputs
        task.declare(DeclaredSpec(), shape: ShapeID(7))
    }

    private func lent(_ text: String) -> LentPayload {
        LentPayload(Payload(text: text).whole, format: .lines)
    }

    private func added(_ parts: SubtaskParts) -> StrategyAnswer.Added {
        StrategyAnswer.Added(spec: 0, parts: parts, after: [])
    }

    private func attempt(_ index: UInt32) -> AttemptID {
        AttemptID(subtask: SubtaskID(task: TaskID(0), index: index), epoch: 1)
    }

    @Test mutating func `a subtask has the shape of its specification`() {
        let spec = task.add(StrategyAnswer.Added(spec: 0, parts: .none, after: [3]))
        #expect(spec.shape == ShapeID(7))
        #expect(spec.after == [3])
    }

    @Test mutating func `a result that nobody names is dropped when the strategy has answered`() {
        _ = task.add(added(.none))
        task.keep(lent("r"), of: 0)
        task.tell([0])
        #expect(task.result(of: 0) != nil)
        task.answered()
        #expect(task.result(of: 0) == nil)
        task.answered()
    }

    @Test mutating func `answers are to batches in their order`() {
        for index: UInt32 in 0..<3 { task.keep(lent("r"), of: index) }
        task.tell([0, 2])
        task.tell([1])
        task.answered()
        #expect((0..<3).map { task.result(of: $0) != nil } == [false, true, false])
    }

    @Test mutating func `a result stays until the last subtask that names it is forgotten`() {
        _ = task.add(added(.none))
        task.keep(lent("r"), of: 0)
        task.tell([0])
        for _ in 0..<2 { _ = task.add(added(.many([.result(of: 0, part: 0)]))) }
        task.answered()
        task.forget(0)
        #expect(task.inputParts(of: 2)?.count == 1)
        task.forget(1)
        #expect(task.result(of: 0) != nil)
        task.forget(2)
        #expect(task.result(of: 0) == nil)
        #expect(task.inputParts(of: 2)?.isEmpty == true)
    }

    @Test mutating func `a result named twice by one subtask goes with it`() {
        _ = task.add(added(.none))
        _ = task.add(added(.many([.result(of: 0, part: 0), .result(of: 0, part: 0)])))
        task.keep(lent("r"), of: 0)
        task.tell([0])
        task.answered()
        #expect(task.inputParts(of: 1)?.count == 2)
        task.forget(1)
        #expect(task.result(of: 0) == nil)
    }

    @Test mutating func `a result that the strategy has not answered outlives who names it`() {
        _ = task.add(added(.none))
        _ = task.add(added(.many([.result(of: 0, part: 0)])))
        task.keep(lent("r"), of: 0)
        task.tell([0])
        task.forget(1)
        #expect(task.result(of: 0) != nil)
        task.answered()
        #expect(task.result(of: 0) == nil)
    }

    @Test mutating func `a result that is gone is refused, not waited for`() {
        _ = task.add(added(.none))
        _ = task.add(added(.many([.result(of: 0, part: 0)])))
        #expect(task.inputParts(of: 1) == nil)
        guard case .refuse(let why) = task.work(for: attempt(1), in: "/") else {
            Issue.record("it cannot run")
            return
        }
        #expect(why.contains("is gone"))
    }

    @Test mutating func `parts come with their formats, and names only if each has one`() {
        task.declare(
            DeclaredSpec(names: ["a", "b"]), shape: ShapeID(8))
        let parts: [SubtaskPart] = [
            .items(input: 0, from: 1, count: 2), .payload(Payload(text: "x").whole, .csv),
        ]
        _ = task.add(StrategyAnswer.Added(spec: 1, parts: .many(parts), after: []))
        _ = task.add(
            StrategyAnswer.Added(spec: 1, parts: .items(input: 0, from: 0, count: 1), after: []))
        guard case .run(let two) = task.work(for: attempt(0), in: "/p"),
            case .run(let one) = task.work(for: attempt(1), in: "/p")
        else {
            Issue.record("both can run")
            return
        }
        #expect(two.parts.map(\.format) == [.range, .csv])
        #expect(two.names == ["a", "b"])
        #expect(two.pipelineDirectory == "/p")
        #expect(one.names == nil)
    }

    @Test mutating func `forgetting after the end, and what never was, does nothing`() {
        _ = task.add(added(.none))
        task.forget(99)
        task.clear()
        task.forget(0)
        task.answered()
        #expect(task.result(of: 0) == nil)
        let ended = EndedAttempt(
            attempt: attempt(0), slot: nil, successor: nil,
            result: WorkResult(.failure(WorkFailure(.cancelled, "late"))))
        task.count(AttemptReport(ended), worker: "w", at: .zero)
        #expect(task.figures.attempts == 1)
    }

    @Test mutating func `without a run there is nothing to do`() throws {
        var plan = try #require(task.plan)
        plan.run = nil
        var task = TaskRuntime(plan.spec, plan: plan, run: 0)
        task.declare(DeclaredSpec(), shape: ShapeID(0))
        _ = task.add(added(.none))
        guard case .refuse(let why) = task.work(for: attempt(0), in: "/") else {
            Issue.record("there is nothing to run")
            return
        }
        #expect(why.contains("nothing to run"))
    }
}
