import FanfoldCore
import FanfoldJSON
@preconcurrency import Glibc
import Testing

@testable import FanfoldRuntime

/// A worker with what it told, in order.
private final class TestWorker {
    let folder = TemporaryFolder()
    let worker: LocalWorker
    private let notices = Mailbox<WorkerNotice>()

    init() {
        worker = LocalWorker(
            id: WorkerID(0), name: "w",
            executor: ExecutorHost(scratchDirectory: folder.path, helperPath: "/nonexistent")
        ) { [notices] _, notice in notices.post(notice) }
    }

    /// Waits for notices until `isEnough`; gives what there was after a minute at most.
    func notices(until isEnough: ([WorkerNotice]) -> Bool) -> [WorkerNotice] {
        var all: [WorkerNotice] = []
        let limit = monotonicNanoseconds() + 60_000_000_000
        while !isEnough(all), monotonicNanoseconds() < limit {
            all += notices.takeAll(until: limit)
        }
        return all
    }

    /// Waits until `count` attempts have ended.
    func ends(_ count: Int) -> [EndedAttempt] {
        notices { $0.ends.count >= count }.ends
    }

    /// Waits for one notice of another kind.
    func one() -> WorkerNotice? { notices { !$0.isEmpty }.first }

    /// Everything told, once nothing more can come.
    func stop() -> [WorkerNotice] {
        worker.stop(reason: "the test is over")
        notices.close()
        return notices.takeAll()
    }

    static func id(_ index: UInt32) -> AttemptID {
        AttemptID(subtask: SubtaskID(task: TaskID(0), index: index), epoch: 1)
    }

    static func slot(_ index: UInt32) -> SlotID { SlotID(index: index, generation: 0) }

    /// An order for a no-op; one that sleeps does so for an hour.
    static func order(
        _ index: UInt32, _ order: AssignmentOrder, sleeps: Bool = false, shape: UInt32 = 0
    ) throws -> WorkOrder {
        let run: JSON =
            sleeps ? ["use": "noop", "with": ["sleep": "1h"]] : ["use": "noop"]
        return WorkOrder(
            assignment: Assignment(attempt: id(index), shape: ShapeID(shape), order: order),
            work: .run(
                WorkItem(
                    run: try RunSpec(json: run), parts: [], taskName: "t", subtask: UInt64(index),
                    attempt: 1, pipelineDirectory: "/")))
    }

    static func refusal(_ index: UInt32, _ order: AssignmentOrder) -> WorkOrder {
        WorkOrder(
            assignment: Assignment(attempt: id(index), shape: ShapeID(0), order: order),
            work: .refuse("it is gone"))
    }
}

extension [WorkerNotice] {
    fileprivate var ends: [EndedAttempt] {
        flatMap { notice -> [EndedAttempt] in
            guard case .ended(let ended) = notice else { return [] }
            return ended
        }
    }
}

extension EndedAttempt {
    fileprivate var failure: WorkFailure? {
        guard case .failure(let failure) = result.outcome else { return nil }
        return failure
    }
}

@Suite struct `A local worker` {
    private let test = TestWorker()

    @Test func `an attempt that is started runs in its slot`() throws {
        test.worker.accept([try TestWorker.order(0, .start(TestWorker.slot(3)))])
        let ends = test.ends(1)
        #expect(ends.map(\.attempt) == [TestWorker.id(0)])
        #expect(ends.map(\.slot) == [TestWorker.slot(3)])
        #expect(ends[0].successor == nil)
        #expect(ends[0].failure == nil)
        #expect(test.stop().isEmpty)
    }

    @Test func `attempts queued for the shape get the slot one after the other`() throws {
        let slot = TestWorker.slot(0)
        let queued = try (1...3).map { try TestWorker.order($0, .queue) }
        test.worker.accept(queued + [try TestWorker.order(0, .start(slot))])
        let ends = test.ends(4)
        #expect(ends.map(\.attempt.index) == [0, 1, 2, 3])
        #expect(ends.map { $0.successor?.index } == [1, 2, 3, nil])
        #expect(ends.allSatisfy { $0.slot == slot })
        _ = test.stop()
    }

    @Test func `an attempt of another shape does not get the slot`() throws {
        test.worker.accept([
            try TestWorker.order(1, .queue, shape: 1),
            try TestWorker.order(0, .start(TestWorker.slot(0))),
        ])
        #expect(test.ends(1).map(\.successor) == [nil])
        test.worker.takeBack([TestWorker.id(1)])
        guard case .takenBack([TestWorker.id(1)])? = test.one() else {
            Issue.record("it is queued")
            return
        }
        _ = test.stop()
    }

    @Test func `a queued attempt that is promoted starts in the slot it is given`() throws {
        test.worker.accept([try TestWorker.order(5, .queue)])
        test.worker.accept([try TestWorker.order(5, .promote(TestWorker.slot(2)))])
        let ends = test.ends(1)
        #expect(ends.map(\.attempt.index) == [5])
        #expect(ends.map(\.slot) == [TestWorker.slot(2)])
        _ = test.stop()
    }

    @Test func `the slot for an attempt that is not queued comes back`() throws {
        test.worker.accept([try TestWorker.order(5, .promote(TestWorker.slot(2)))])
        guard case .slotsReturned([TestWorker.slot(2)])? = test.one() else {
            Issue.record("the slot comes back")
            return
        }
        #expect(test.stop().isEmpty)
    }

    @Test func `only what has not begun is taken back`() throws {
        test.worker.accept([
            try TestWorker.order(0, .start(TestWorker.slot(0)), sleeps: true),
            try TestWorker.order(1, .queue), try TestWorker.order(2, .queue),
        ])
        test.worker.takeBack([TestWorker.id(0), TestWorker.id(2), TestWorker.id(9)])
        guard case .takenBack(let taken)? = test.one() else {
            Issue.record("it answers")
            return
        }
        #expect(taken == [TestWorker.id(2)])
        let ends = test.stop().ends
        #expect(ends.allSatisfy { $0.attempt.index == 0 })
    }

    @Test func `a queued attempt that is cancelled has no slot`() throws {
        test.worker.accept([try TestWorker.order(1, .queue)])
        test.worker.cancel([TestWorker.id(1), TestWorker.id(7)], reason: "enough")
        let ends = test.ends(1)
        #expect(ends.map(\.attempt.index) == [1])
        #expect(ends[0].slot == nil)
        #expect(ends[0].failure == WorkFailure(.cancelled, "enough"))
        _ = test.stop()
    }

    @Test func `an attempt that was started and is cancelled ends and gives its slot back`() throws
    {
        test.worker.accept([
            try TestWorker.order(0, .start(TestWorker.slot(4)), sleeps: true)
        ])
        test.worker.cancel([TestWorker.id(0)], reason: "enough")
        let ends = test.ends(1)
        #expect(ends.map(\.slot) == [TestWorker.slot(4)])
        #expect(ends[0].failure?.kind == .cancelled)
        #expect(ends[0].failure?.message == "enough")
        _ = test.stop()
    }

    @Test func `work that is refused fails for good with the reason`() {
        test.worker.accept([TestWorker.refusal(0, .start(TestWorker.slot(0)))])
        let ends = test.ends(1)
        #expect(ends[0].failure?.message == "it is gone")
        #expect(ends[0].failure?.isPermanent == true)
        _ = test.stop()
    }

    @Test func `a failure is told before the next attempt has ended`() throws {
        test.worker.accept([
            try TestWorker.order(1, .queue, sleeps: true),
            TestWorker.refusal(0, .start(TestWorker.slot(0))),
        ])
        let ends = test.ends(1)
        #expect(ends.map(\.attempt.index) == [0])
        #expect(ends.map { $0.successor?.index } == [1])
        #expect(test.stop().ends.map(\.attempt.index) == [1])
    }

    @Test func `stopping ends what runs, drops what waits and joins the threads`() throws {
        test.worker.accept([
            try TestWorker.order(0, .start(TestWorker.slot(0))),
            try TestWorker.order(1, .start(TestWorker.slot(1)), sleeps: true),
            try TestWorker.order(2, .start(TestWorker.slot(2)), sleeps: true, shape: 1),
            try TestWorker.order(3, .queue, shape: 2),
        ])
        #expect(test.ends(1).first?.attempt.index == 0)
        let late = test.stop().ends
        #expect(late.allSatisfy { $0.failure?.kind == .cancelled })
        #expect(!late.contains { $0.attempt.index == 3 })
    }

    @Test func `orders after the stop are dropped`() throws {
        #expect(test.stop().isEmpty)
        test.worker.accept([try TestWorker.order(0, .start(TestWorker.slot(0)))])
        #expect(test.stop().isEmpty)
    }

    @Test func `thousands of attempts in a few slots each end once`() throws {
        let started = try (0..<4).map {
            try TestWorker.order($0, .start(TestWorker.slot($0)))
        }
        let queued = try (4..<4000).map { try TestWorker.order($0, .queue) }
        test.worker.accept(queued + started)
        let ends = test.ends(4000)
        #expect(ends.count == 4000)
        #expect(Set(ends.map(\.attempt)).count == 4000)
        #expect(Set(ends.compactMap(\.successor)).count == 3996)
        #expect(test.stop().isEmpty)
    }
}
