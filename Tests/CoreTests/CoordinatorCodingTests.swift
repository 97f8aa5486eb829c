import Testing

@testable import FanfoldCore

@Suite struct CoordinatorCodingTests {
    /// A coordinator with something in every table.
    private func busy() -> TestEnv {
        let env = TestEnv(cores: [2, 1], attempts: 3, timeout: 5000)
        env.put(after: [[], [], [0], [], [], [1, 2], [], []])
        env.ended(attempt(0), slot(0), failure: exit1())
        env.now += 5000
        env.on(.timeElapsed)
        env.on(.workerSuspected(worker1))
        env.on(
            .queuesConfigured([
                QueueSpec(name: "a", weight: 2, quota: Quota(milliCores: 9, borrowing: .anything)),
                QueueSpec(
                    name: "b",
                    quota: Quota(
                        milliCores: 9, borrowing: .atMost(BorrowingLimit(milliCores: 3)))),
            ]))
        env.on(.queuePaused("a", true))
        return env
    }

    @Test func `a copy goes on exactly as the original`() throws {
        let env = busy()
        let bytes = env.core.encoded()
        var copy = try Coordinator(decoding: bytes)
        #expect(copy.encoded() == bytes)
        #expect(copy.violations() == [])
        for event in [
            Event.workerLost(worker0, reason: "gone"), .workerTrusted(worker1), .timeElapsed,
            .runCancelled(RunID(1), reason: "enough"),
        ] {
            #expect(copy.handle(event, at: Tick(6000)) == env.core.handle(event, at: Tick(6000)))
            #expect(copy.encoded() == env.core.encoded())
        }
    }

    @Test func `bytes that are cut off or damaged are refused`() {
        let bytes = busy().core.encoded()
        for length in bytes.indices {
            #expect(throws: CodingError.self) {
                try Coordinator(decoding: Array(bytes[..<length]))
            }
        }
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            #expect(throws: CodingError.self) { try Coordinator(decoding: damaged) }
        }
        #expect(throws: CodingError(.unknownVersion(9), at: 0)) {
            try Coordinator(decoding: [9] + bytes.dropFirst())
        }
    }

    /// The sum would find such damage; here it is passed over.
    @Test func `tables that point past each other are refused and never trap`() {
        let bytes = busy().core.encoded()
        let end = bytes.count - 8
        for place in 1..<end {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[place] ^= 1 << UInt8(bit)
                guard let copy = try? Coordinator(tablesOf: damaged, in: 1..<end) else { continue }
                #expect(copy.violations() == [])
            }
        }
    }

    @Test func `a coordinator that was written before there were queues is read`() throws {
        let env = busy()
        let bytes = env.core.encoded()
        var queues = ByteWriter(capacity: 64)
        env.core.encodeSharing(into: &queues)
        env.core.encodeEscalations(into: &queues)
        env.core.encodeFailures(into: &queues)
        let end = bytes.count - 8 - queues.bytes.count
        let read = try Coordinator(tablesOf: bytes, in: 1..<end)
        #expect(read.violations() == [])
        #expect(read.progress() == env.core.progress())
        #expect(read.sharing.total == env.core.sharing.total)
    }

    @Test func `a subtask that waits takes twenty-six bytes`() throws {
        let env = TestEnv(cores: [])
        let before = env.core.encoded().count
        env.put(10_000)
        let bytes = env.core.encoded()
        // The record, and its place in the queue of what is ready.
        #expect((bytes.count - before) / 10_000 <= 26)
        #expect(try Coordinator(decoding: bytes).encoded() == bytes)
    }

    @Test func `an ended run gives its subtasks back, and a forgotten one all but its numbers`()
        throws
    {
        let env = TestEnv()
        env.put(5000)
        env.on(.runForgotten(RunID(1)))
        #expect(env.core.tasks[0].subtasks.count == 5000)
        env.on(.runCancelled(RunID(1), reason: "enough"))
        env.ended(attempt(0), slot(0), next: attempt(1), failure: exit1())
        env.ended(attempt(1), slot(0), failure: exit1())
        #expect(env.core.runs[0].hasEnded)
        #expect(env.core.tasks[0].subtasks.capacity == 0)
        let kept = env.core.progress(of: task0)
        #expect(env.on(.runForgotten(RunID(1))) == [])
        #expect(env.on(.runForgotten(RunID(1))) == [])
        #expect(env.on(.runForgotten(RunID(2))) == [])
        #expect(env.core.tasks[0].spec.name.isEmpty)
        #expect(env.core.progress(of: task0) == kept)
        #expect(env.core.nextTask == TaskID(1))
        // The name is not used again, and what still comes changes nothing.
        #expect(env.on(.runSubmitted(RunSpec(id: RunID(1), seed: 1, tasks: []))) == [])
        #expect(env.ended(attempt(1), slot(0)) == [])
        #expect(env.on(.runCancelled(RunID(1), reason: "again")) == [])
        let bytes = env.core.encoded()
        #expect(try Coordinator(decoding: bytes).encoded() == bytes)
    }
}
