/// What a worker says that must not be lost: numbered, and kept until it is on the coordinator's disk.
///
/// Counts from 1 within an incarnation.  After a new Welcome all that waits is sent again, in
/// order, before the inventory.
package struct NumberedStream: Sendable {
    private var kept: [WireMessage] = []
    /// The number before that of the first that is kept.
    private var acknowledged: UInt64 = 0

    /// A stream of which nothing was sent.
    package init() {}

    /// What waits, in order.
    package var waiting: [WireMessage] { kept }

    /// The number of the last message.
    package var last: UInt64 { acknowledged + UInt64(kept.count) }

    /// Ends that wait.
    package var waitingEnds: Int {
        kept.reduce(0) { sum, message in
            guard case .ended(let ended)? = message.kind else { return sum }
            return sum + ended.ends.count
        }
    }

    /// Numbers and keeps ends.
    package mutating func append(_ ends: [WireAttemptEnd]) -> WireMessage {
        keep(
            .ended(
                .with {
                    $0.sequence = last + 1
                    $0.ends = ends
                }))
    }

    /// Numbers and keeps what was taken back.
    package mutating func append(takenBack attempts: [WireAttempt]) -> WireMessage {
        keep(
            .takenBack(
                .with {
                    $0.sequence = last + 1
                    $0.attempts = attempts
                }))
    }

    /// Numbers and keeps slots that are given back.
    package mutating func append(slotsReturned slots: [UInt64]) -> WireMessage {
        keep(
            .slotsReturned(
                .with {
                    $0.sequence = last + 1
                    $0.slots = slots
                }))
    }

    private mutating func keep(_ kind: WireMessage.OneOf_Kind) -> WireMessage {
        let message = WireMessage(kind)
        kept.append(message)
        return message
    }

    /// All up to a number is on disk.
    ///
    /// - Returns: the messages that need not be kept any more; none for a number that was never
    ///   given, which a coordinator of another epoch may name.
    @discardableResult
    package mutating func acknowledge(_ sequence: UInt64) -> [WireMessage] {
        guard sequence > acknowledged, sequence <= last else { return [] }
        let count = Int(sequence - acknowledged)
        let done = Array(kept.prefix(count))
        kept.removeFirst(count)
        acknowledged = sequence
        return done
    }
}
