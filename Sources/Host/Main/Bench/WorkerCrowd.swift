import FanfoldCore
import FanfoldRuntime
import FanfoldWire
@preconcurrency import Glibc
import Synchronization

/// Many simulated workers in this process, and what they have seen together.
final class WorkerCrowd: Sendable {
    private struct Seen {
        var joined = 0
        var queued = 0
        var samples: [UInt64] = []
        var problem: String?
        var isOver = false
        /// Milliseconds that an attempt takes on average.
        var milliseconds = 100
        var random = SplitMix64(seed: 1)
    }

    let clock = CrowdClock()
    private let seen = Mutex(Seen())
    private let clients: Mutex<[WireClient]> = Mutex([])

    /// Has `count` workers connect.
    func connect(_ count: Int, to address: WireAddress, token: [UInt8]) {
        let made = (0..<count).map { number in
            WireClient(
                address: address, security: .loopback(token: token),
                delegate: SimulatedWorker(number: number, crowd: self))
        }
        clients.withLock { $0 = made }
        for client in made { client.start() }
    }

    /// Ends all connections.
    func end() {
        seen.withLock { $0.isOver = true }
        for client in clients.withLock({ $0 }) { client.stop(reason: "measured") }
        clock.end()
    }

    var joinedCount: Int { seen.withLock { $0.joined } }

    /// Attempts that were queued behind another instead of being started.
    var queuedCount: Int { seen.withLock { $0.queued } }

    /// What went wrong first.
    var problem: String? { seen.withLock { $0.problem } }

    /// From now on attempts take so long on average.
    func begin(milliseconds: Int) {
        seen.withLock {
            $0.milliseconds = milliseconds
            $0.samples = []
            $0.queued = 0
        }
    }

    /// Nanoseconds from the ends that made attempts ready to their starts, ascending.
    var samples: [UInt64] { seen.withLock { $0.samples.sorted() } }

    func joined() { seen.withLock { $0.joined += 1 } }

    func queued() { seen.withLock { $0.queued += 1 } }

    func failed(_ what: String) {
        seen.withLock { seen in
            if !seen.isOver { seen.problem = seen.problem ?? what }
        }
    }

    func started(_ moment: UInt64?, at now: UInt64) {
        guard let moment, now >= moment else { return }
        seen.withLock { $0.samples.append(now - moment) }
    }

    /// Between a half and one and a half times the average.
    func nextMilliseconds() -> Int {
        seen.withLock { seen in
            seen.milliseconds / 2 + Int(seen.random.next() % UInt64(seen.milliseconds + 1))
        }
    }
}

/// Has things happen later, on a thread of its own, to the millisecond.
final class CrowdClock: Sendable {
    enum Event: Sendable {
        case beat(SimulatedWorker)
        case end(SimulatedWorker, WireAttempt, shape: UInt32, slot: UInt64)
    }

    /// Milliseconds that can be waited for at most.
    private static let reach = 4_096

    private struct Wheel {
        var buckets = [[Event]](repeating: [], count: reach)
        /// The millisecond that is looked at next.
        var position = 0
        var isOver = false
    }

    private let wheel = Mutex(Wheel())
    private let thread = Mutex<PlainThread?>(nil)

    init() {
        thread.withLock { $0 = PlainThread(name: "crowd") { [self] in turn() } }
    }

    func after(milliseconds: Int, _ event: Event) {
        wheel.withLock { wheel in
            let place = wheel.position + min(max(1, milliseconds), Self.reach - 1)
            wheel.buckets[place % Self.reach].append(event)
        }
    }

    func end() {
        wheel.withLock { $0.isOver = true }
        thread.withLock { $0?.join() }
    }

    private func turn() {
        let origin = monotonicNanoseconds()
        var position = 0
        while true {
            let due = wheel.withLock { wheel -> [Event]? in
                guard !wheel.isOver else { return nil }
                let place = position % Self.reach
                defer {
                    wheel.buckets[place].removeAll(keepingCapacity: true)
                    wheel.position = position + 1
                }
                return wheel.buckets[place]
            }
            guard let due else { return }
            for event in due {
                switch event {
                case .beat(let worker): worker.beat()
                case .end(let worker, let attempt, let shape, let slot):
                    worker.end(attempt, shape: shape, slot: slot)
                }
            }
            position += 1
            let next = origin + UInt64(position) * 1_000_000
            let now = monotonicNanoseconds()
            if next > now { usleep(UInt32((next - now) / 1_000)) }
        }
    }
}
