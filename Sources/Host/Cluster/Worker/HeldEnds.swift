import FanfoldBlobs
import FanfoldCore
import FanfoldWire
import Synchronization

/// What a worker has said and the coordinator has not acknowledged: it is kept, and said again over
/// the next connection.
final class HeldEnds: Sendable {
    private struct Held {
        var messages:
            [(sequence: UInt64, message: WireMessage, blobs: [BlobID], attempts: [AttemptID])] = []
        var sequence: UInt64 = 0
        var session: WireSession?
    }

    private let held = Mutex(Held())
    private let release: @Sendable ([BlobID], [AttemptID]) -> Void

    /// - Parameter release: is told of results and attempts whose end the coordinator has.
    init(release: @escaping @Sendable ([BlobID], [AttemptID]) -> Void) { self.release = release }

    /// Numbers a message, keeps it and sends it if there is a connection.
    ///
    /// - Parameter make: the message with its number.
    func send(
        ends attempts: [AttemptID] = [], blobs: [BlobID] = [],
        _ make: (_ sequence: UInt64) -> WireMessage
    ) {
        held.withLock { held in
            held.sequence += 1
            let message = make(held.sequence)
            held.messages.append((held.sequence, message, blobs, attempts))
            held.session?.send([message])
        }
    }

    /// Says everything again over a new connection, then `inventory`, then what comes.
    ///
    /// - Parameter inventory: the message, given how many ends were said before it.
    func begin(
        over session: WireSession, acknowledged: UInt64,
        inventory: (_ ends: Int) -> WireMessage
    ) {
        acknowledge(acknowledged)
        held.withLock { held in
            let ends = held.messages.reduce(0) { $0 + $1.attempts.count }
            session.send(held.messages.map(\.message) + [inventory(ends)])
            held.session = session
        }
    }

    /// The connection is gone.
    func end(_ session: WireSession) {
        held.withLock { held in
            if held.session == session { held.session = nil }
        }
    }

    /// All up to a number is on the coordinator's disk.
    func acknowledge(_ sequence: UInt64) {
        let (blobs, attempts) = held.withLock { held -> ([BlobID], [AttemptID]) in
            let done = held.messages.prefix { $0.sequence <= sequence }
            defer { held.messages.removeFirst(done.count) }
            return (done.flatMap(\.blobs), done.flatMap(\.attempts))
        }
        if !blobs.isEmpty || !attempts.isEmpty { release(blobs, attempts) }
    }

    /// Messages that are not acknowledged.
    var count: Int { held.withLock { $0.messages.count } }
}
