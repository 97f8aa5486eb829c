import Testing

@testable import FanfoldCore

@Suite struct EscalationTests {
    private let outOfMemory = Failure(.outOfMemory, reason: "memory", "too little")

    /// Shape 1 has twice the memory of shape 0.
    private func env() -> TestEnv {
        let env = TestEnv()
        env.put(2)
        let needs = ResourceRequest(milliCores: 1000, memoryBytes: 512 << 20)
        env.on(.shapeDeclared(ShapeID(1), ShapeSpec(task: task0, needs: needs)))
        return env
    }

    @Test func `what runs out of memory is told to the strategy if its shape leads nowhere`() {
        let env = env()
        let effects = env.ended(attempt(0), slot(0), failure: outOfMemory)
        #expect(effects.contains(.tellFailure(attempt(0).subtask, outOfMemory, attempts: 1)))
    }

    @Test func `what runs out of memory is tried again as the larger shape, uncharged`() throws {
        let env = env()
        env.on(.shapeEscalated(ShapeID(0), to: ShapeID(1)))
        env.ended(attempt(0), slot(0), failure: outOfMemory)
        env.on(.timeElapsed)
        #expect(env.core.progress(of: task0)?.failedAttempts == 1)
        #expect(env.core.progress(of: task0)?.failed == 0)
        let rung = try #require(env.core.lastRung(of: attempt(0).subtask))
        #expect(rung.shape == ShapeID(1))
        #expect(rung.rung == 1)
        #expect(rung.needs.memoryBytes == 512 << 20)
    }

    @Test func `only a later shape of the same task is taken, and only the first`() {
        let env = env()
        env.on(.shapeEscalated(ShapeID(1), to: ShapeID(0)))
        env.on(.shapeEscalated(ShapeID(1), to: ShapeID(1)))
        env.on(.shapeEscalated(ShapeID(0), to: ShapeID(7)))
        #expect(env.core.lastRung(of: attempt(0).subtask)?.shape == ShapeID(0))
        env.on(.shapeEscalated(ShapeID(0), to: ShapeID(1)))
        #expect(env.core.lastRung(of: attempt(0).subtask) == nil)
    }

    @Test func `a coordinator that is read again still knows where shapes lead`() throws {
        let env = env()
        env.on(.shapeEscalated(ShapeID(0), to: ShapeID(1)))
        var read = try Coordinator(decoding: env.core.encoded())
        #expect(read.encoded() == env.core.encoded())
        #expect(read.violations() == [])
        _ = read.handle(
            .attemptsEnded(
                worker0,
                [AttemptReport(attempt: attempt(0), outcome: .failed(outOfMemory), slot: slot(0))]),
            at: Tick(1))
        #expect(read.lastRung(of: attempt(0).subtask)?.shape == ShapeID(1))
    }
}
