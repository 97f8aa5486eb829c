import DequeModule
import FanfoldBlobs
import FanfoldCore
import FanfoldWire
import Synchronization

/// What a worker has said and the coordinator has not acknowledged: it is kept, and said again over
/// the next connection.
///
/// Numbers count from 1 within a connection: a coordinator that was restarted knows of none, and
/// the attempts in the messages tell what it has had.
final class HeldEnds: Sendable {
    private struct Message {
        var make: @Sendable (_ sequence: UInt64) -> WireMessage
        var blobs: [BlobID]
        var attempts: [AttemptID]
    }

    private struct Held {
        var messages: Deque<Message> = []
        /// The number of the last message that was acknowledged.
        var acknowledged: UInt64 = 0
        var session: WireSession?
    }

    private let held = Mutex(Held())
    private let release: @Sendable ([BlobID], [AttemptID]) -> Void

    /// - Parameter release: is told of results and attempts whose end the coordinator has.
    init(release: @escaping @Sendable ([BlobID], [AttemptID]) -> Void) { self.release = release }

    /// Numbers a message, keeps it and sends it if there is a connection.
    ///
    /// - Parameter make: the message with a number.
    func send(
        ends attempts: [AttemptID] = [], blobs: [BlobID] = [],
        _ make: @escaping @Sendable (_ sequence: UInt64) -> WireMessage
    ) {
        held.withLock { held in
            held.messages.append(Message(make: make, blobs: blobs, attempts: attempts))
            let number = held.acknowledged + UInt64(held.messages.count)
            held.session?.send([make(number)])
        }
    }

    /// Says everything again over a new connection, then `inventory`, then what comes.
    ///
    /// - Parameters:
    ///   - acknowledged: the number before that of the first message.
    ///   - inventory: the message, given how many ends were said before it.
    func begin(
        over session: WireSession, acknowledged: UInt64,
        inventory: (_ ends: Int) -> WireMessage
    ) {
        held.withLock { held in
            held.acknowledged = acknowledged
            let ends = held.messages.reduce(0) { $0 + $1.attempts.count }
            let again = held.messages.enumerated().map { index, message in
                message.make(acknowledged + UInt64(index) + 1)
            }
            session.send(again + [inventory(ends)])
            held.session = session
        }
    }

    /// The connection is gone.
    func end(_ session: WireSession) {
        held.withLock { held in
            if held.session == session { held.session = nil }
        }
    }

    /// All up to a number of this connection is on the coordinator's disk.
    func acknowledge(_ sequence: UInt64, over session: WireSession) {
        let done = held.withLock { held -> [Message] in
            guard held.session == session, sequence > held.acknowledged else { return [] }
            let count = min(Int(sequence - held.acknowledged), held.messages.count)
            let done = Array(held.messages.prefix(count))
            held.messages.removeFirst(count)
            held.acknowledged += UInt64(count)
            return done
        }
        if !done.isEmpty { release(done.flatMap(\.blobs), done.flatMap(\.attempts)) }
    }

    /// Messages that are not acknowledged.
    var count: Int { held.withLock { $0.messages.count } }
}
