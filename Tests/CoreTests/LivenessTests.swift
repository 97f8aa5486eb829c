import Testing

@testable import FanfoldCore

private func seconds(_ value: Double) -> Tick { Tick(UInt64(value * 1e9)) }

@Suite struct PhiTests {
    /// Source: tables of the normal distribution; Q(1.2816) = 0.1, Q(4.2649) = 1e-5,
    /// Q(5.6120) = 1e-8.
    @Test(arguments: [(0.0, 0.30103), (1.2815515655, 1), (4.2648907939, 5), (5.6120012441, 8)])
    func `the tail of the normal distribution has as many digits as the tables say`(
        z: Double, digits: Double
    ) {
        #expect(abs(NormalTail.digits(beyond: z) - digits) < 1e-5)
        if digits >= 1 { #expect(abs(NormalTail.deviations(forDigits: digits) - z) < 1e-6) }
    }

    @Test func `phi grows with silence and goes on where probabilities are too small for a number`()
    {
        var last = 0.0
        for step in -700...4000 {
            let phi = NormalTail.digits(beyond: Double(step) / 100)
            #expect(phi >= last - 1e-7)
            last = max(last, phi)
        }
        #expect(abs(last - 349.4) < 0.1)
    }

    @Test func `heartbeats each second are suspected, doubted and missed after so many`() {
        var detector = PhiDetector(at: .zero)
        for second in 1...200 { detector.heartbeat(at: seconds(Double(second))) }
        #expect(detector.mean == 1e9)
        #expect(detector.deviation == Double(Limits.heartbeatDeviationNanoseconds))
        // 1 s + z * 1 s after the last.
        #expect(abs(detector.phi(at: seconds(201)) - 0.30103) < 1e-4)
        for (phi, after) in [(1.0, 2.281552), (5.0, 5.264891), (8.0, 6.612001)] {
            let crossing = detector.nextCrossing(of: phi)
            #expect(abs(Double(crossing.nanoseconds) - (200 + after) * 1e9) < 1e5)
            #expect(detector.phi(at: crossing) >= phi)
            #expect(detector.phi(at: Tick(crossing.nanoseconds - 10_000)) < phi)
        }
    }

    @Test func `an uneasy network is granted more`() {
        var detector = PhiDetector(at: .zero)
        var now = 0.0
        for beat in 0..<100 {
            now += beat.isMultiple(of: 2) ? 0.2 : 3.8
            detector.heartbeat(at: seconds(now))
        }
        #expect(abs(detector.mean - 2e9) < 1e3)
        #expect(abs(detector.deviation - 1.8e9) < 1e3)
        #expect(detector.phi(at: seconds(now + 4)) < 1)
    }

    @Test func `one long silence does not make the next one look usual`() {
        var detector = PhiDetector(at: .zero)
        for second in 1...100 { detector.heartbeat(at: seconds(Double(second))) }
        detector.heartbeat(at: seconds(4000))
        #expect(detector.mean < 1.1e9)
        #expect(detector.phi(at: seconds(4015)) > 8)
    }
}

@Suite struct LivenessTests {
    /// Two workers with a heartbeat each second, and a loop that turns each half second.
    private func watched(until end: Double) -> Liveness {
        var liveness = Liveness()
        liveness.watch(worker1, at: .zero)
        liveness.watch(worker0, at: .zero)
        turn(&liveness, from: 0, to: end) { liveness, now in
            guard now == now.rounded() else { return }
            liveness.heartbeat(from: worker0, at: seconds(now))
            liveness.heartbeat(from: worker1, at: seconds(now))
        }
        return liveness
    }

    @discardableResult
    private func turn(
        _ liveness: inout Liveness, from start: Double, to end: Double,
        _ body: (inout Liveness, Double) -> Void = { _, _ in }
    ) -> [Event] {
        var events: [Event] = []
        var now = start
        while now < end {
            now += 0.5
            liveness.turn(at: seconds(now))
            body(&liveness, now)
            events += liveness.check(at: seconds(now))
        }
        return events
    }

    @Test func `a silent worker is suspected, doubted and lost, and the other is not`() {
        var liveness = watched(until: 100)
        let events = turn(&liveness, from: 100, to: 110) { liveness, now in
            liveness.heartbeat(from: worker1, at: seconds(now))
        }
        #expect(
            events == [
                .workerSuspected(worker0), .workerDoubted(worker0),
                .workerLost(worker0, reason: "nothing was heard of it for 7000 ms"),
            ])
        #expect(liveness.phi(of: worker0, at: seconds(110)) == nil)
        #expect(liveness.check(at: seconds(110)) == [])
    }

    @Test func `a worker that is heard of in time is trusted again`() {
        var liveness = watched(until: 100)
        liveness.forget(worker1)
        #expect(turn(&liveness, from: 100, to: 103) == [.workerSuspected(worker0)])
        liveness.heartbeat(from: worker0, at: seconds(103.2))
        #expect(liveness.check(at: seconds(103.2)) == [.workerTrusted(worker0)])
        #expect(liveness.check(at: seconds(103.2)) == [])
    }

    @Test func `a worker that sends anything is not lost, whatever its heartbeats`() {
        var liveness = watched(until: 100)
        liveness.forget(worker1)
        let events = turn(&liveness, from: 100, to: 160) { liveness, now in
            liveness.data(from: worker0, at: seconds(now))
        }
        #expect(events == [.workerSuspected(worker0), .workerDoubted(worker0)])
        #expect(turn(&liveness, from: 160, to: 170).count == 1)
    }

    @Test func `an hour in which the coordinator was stopped counts for nobody`() {
        var liveness = watched(until: 100)
        #expect(liveness.turn(at: seconds(3700)) == 3_599_000_000_000)
        #expect(liveness.check(at: seconds(3700)) == [])
        // What was in the sockets comes in now, and all is as before.
        liveness.heartbeat(from: worker0, at: seconds(3700))
        liveness.heartbeat(from: worker1, at: seconds(3700))
        let events = turn(&liveness, from: 3700, to: 3710) { liveness, now in
            liveness.heartbeat(from: worker1, at: seconds(now))
        }
        #expect(events.map { if case .workerLost = $0 { 1 } else { 0 } } == [0, 0, 1])
    }

    @Test func `the next crossing is when the check says something, and not sooner`() throws {
        var liveness = watched(until: 100)
        liveness.turn(at: seconds(1000))
        for _ in 0..<6 {
            let next = try #require(liveness.nextCrossing)
            var early = liveness
            #expect(early.check(at: Tick(next.nanoseconds - 100_000)) == [])
            #expect(!liveness.check(at: next).isEmpty)
            if liveness.nextCrossing == nil { break }
        }
        #expect(liveness.nextCrossing == nil)
    }
}
