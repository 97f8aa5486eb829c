import FanfoldRuntime
import FanfoldWire
import Synchronization

/// A worker that speaks the protocol over a connection of its own and does nothing but wait: each
/// attempt ends after a time, with the moment of its end as the result.
///
/// What is started with such a result as its input tells how long it took from there to here.
final class SimulatedWorker: WireClientDelegate {
    /// The format of results: decimal nanoseconds on the monotonic clock.
    private static let format = "json"

    private struct Queued {
        var attempt: WireAttempt
        var shape: UInt32
    }

    private struct State {
        var session: WireSession?
        var sequence: UInt64 = 0
        var beats: UInt64 = 0
        var queued: [Queued] = []
        var heartbeatMilliseconds: UInt64 = 1_000
    }

    private let number: Int
    private let crowd: WorkerCrowd
    private let state = Mutex(State())

    init(number: Int, crowd: WorkerCrowd) {
        self.number = number
        self.crowd = crowd
    }

    var blobSource: (any WireBlobSource)? { nil }

    func clientHello() -> WireHello {
        var hello = WireHello()
        hello.workerUid = "simulated-\(number)"
        hello.incarnation = monotonicNanoseconds()
        hello.name = "simulated-\(number)"
        hello.capabilities.milliCores = 1_000
        hello.capabilities.memoryBytes = 1 << 30
        return hello
    }

    func session(_ session: WireSession, welcomed welcome: WireWelcome) {
        state.withLock {
            $0.session = session
            $0.heartbeatMilliseconds = max(100, welcome.heartbeatMilliseconds)
        }
        session.send([WireMessage(.inventory(WireInventory()))])
        crowd.joined()
        crowd.clock.after(milliseconds: Int(number % 1_000), .beat(self))
    }

    func session(_ session: WireSession, received batch: WireBatch) {
        let now = monotonicNanoseconds()
        for message in batch.messages {
            switch message.kind {
            case .start(let start):
                for assignment in start.assignments { take(assignment, at: now) }
            case .takeBack(let order): takeBack(order.attempts)
            case .cancel(let order): crowd.failed("an attempt was cancelled: \(order.reason)")
            default: break
            }
        }
    }

    private func take(_ assignment: WireAssignment, at now: UInt64) {
        switch assignment.order {
        case .start(let slot):
            crowd.started(Self.moment(in: assignment), at: now)
            run(assignment.attempt, shape: assignment.shape, slot: slot)
        case .queue:
            crowd.queued()
            state.withLock {
                $0.queued.append(Queued(attempt: assignment.attempt, shape: assignment.shape))
            }
        case .promote(let slot):
            let found = state.withLock { state -> Queued? in
                let place = state.queued.firstIndex { $0.attempt == assignment.attempt }
                return place.map { state.queued.remove(at: $0) }
            }
            if let found { return run(found.attempt, shape: found.shape, slot: slot) }
            say { sequence in
                var returned = WireSlotsReturned()
                returned.sequence = sequence
                returned.slots = [slot]
                return WireMessage(.slotsReturned(returned))
            }
        case nil: crowd.failed("an order does not say what to do")
        }
    }

    /// The moment that the input of an attempt is; `nil` if it has none.
    private static func moment(in assignment: WireAssignment) -> UInt64? {
        guard let part = assignment.parts.first, case .inline(let inline) = part.source,
            inline.format == format
        else { return nil }
        return UInt64(String(decoding: inline.bytes, as: UTF8.self))
    }

    private func run(_ attempt: WireAttempt, shape: UInt32, slot: UInt64) {
        crowd.clock.after(
            milliseconds: crowd.nextMilliseconds(), .end(self, attempt, shape: shape, slot: slot))
    }

    private func takeBack(_ attempts: [WireAttempt]) {
        let given = state.withLock { state in
            let given = state.queued.filter { attempts.contains($0.attempt) }.map(\.attempt)
            state.queued.removeAll { given.contains($0.attempt) }
            return given
        }
        say { sequence in
            var back = WireTakenBack()
            back.sequence = sequence
            back.attempts = given
            return WireMessage(.takenBack(back))
        }
    }

    /// An attempt ends; called by the crowd's clock.
    func end(_ attempt: WireAttempt, shape: UInt32, slot: UInt64) {
        let next = state.withLock { state -> Queued? in
            let place = state.queued.firstIndex { $0.shape == shape }
            return place.map { state.queued.remove(at: $0) }
        }
        say { sequence in
            var end = WireAttemptEnd()
            end.attempt = attempt
            end.slot = slot
            if let next { end.successor = next.attempt }
            end.usage.ranNanoseconds = 1_000_000
            end.success.format = Self.format
            end.success.items = 1
            end.success.inline = .init("\(monotonicNanoseconds())".utf8)
            var ended = WireEnded()
            ended.sequence = sequence
            ended.ends = [end]
            return WireMessage(.ended(ended))
        }
        if let next { run(next.attempt, shape: next.shape, slot: slot) }
    }

    /// Says that it is there, and when to do so again; called by the crowd's clock.
    func beat() {
        let interval = state.withLock { state in
            state.beats += 1
            var beat = WireHeartbeat()
            beat.sentAtNanoseconds = monotonicNanoseconds()
            beat.count = state.beats
            state.session?.send([WireMessage(.heartbeat(beat))])
            return state.heartbeatMilliseconds
        }
        crowd.clock.after(milliseconds: Int(interval), .beat(self))
    }

    private func say(_ make: (_ sequence: UInt64) -> WireMessage) {
        state.withLock { state in
            state.sequence += 1
            state.session?.send([make(state.sequence)])
        }
    }

    func session(_ session: WireSession, isSlow: Bool) {}

    func session(_ session: WireSession, closed reason: WireError) {
        crowd.failed("the connection of worker \(number) ended: \(reason)")
    }

    func client(failed reason: WireError, nextTryInMilliseconds: Int64) {
        crowd.failed("worker \(number) is not connected: \(reason)")
    }

    func client(gaveUp reason: WireError) {}
    func client(renewed credentials: WireCredentials) {}
}
