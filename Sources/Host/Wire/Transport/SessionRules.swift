/// Which message may come when, on one side of one connection.
///
/// Decides and does nothing.
struct SessionRules {
    /// Which end of the connection this is.
    enum Side {
        /// It listens: the coordinator, or a worker that others fetch blobs from.
        case server
        /// It connected, and said Hello.
        case client
        /// It connected, and said Join.
        case joiner
    }

    /// Where the connection stands.
    enum State: String {
        /// Server: nothing came yet.  To `greeted` by Hello, to `joining` by Join.
        case silent = "as the first message"
        /// Server: Hello came.  To `open` by our Welcome, to `over` by our refusal.
        case greeted = "before Welcome"
        /// Server: Join came.  To `over` by our answer.
        case joining = "after Join"
        /// Client: Hello was sent.  To `open` by Welcome, to `over` by Refused.
        case waiting = "in answer to Hello"
        /// Joiner: Join was sent.  To `over` by Joined or Refused.
        case asked = "in answer to Join"
        /// Both send.  To `over` by Goodbye, an error, or the end of the connection.
        case open = "over an open connection"
        /// Nothing more is read.
        case over = "after the last message"
    }

    /// What is to be done with a message.
    enum Verdict: Equatable {
        /// The owner gets it.
        case deliver
        /// It came before: nothing.
        case drop
        /// This side acts on it.
        case handle
    }

    private let side: Side
    private(set) var state: State
    private var purpose: WirePurpose = .work
    private var inventoryCame = false
    private var highestSequence: UInt64 = 0

    init(_ side: Side) {
        self.side = side
        state =
            switch side {
            case .server: .silent
            case .client: .waiting
            case .joiner: .asked
            }
    }

    /// The coordinator has all up to this number: the stream goes on after it.
    mutating func open(acknowledged: UInt64) {
        state = .open
        highestSequence = acknowledged
    }

    mutating func end() { state = .over }

    /// Decides about a message that came.
    mutating func receive(_ message: WireMessage) throws(WireError) -> Verdict {
        // What a later version added is skipped, but only once it is known who speaks.
        guard let kind = message.kind else {
            guard state == .open else { throw outOfOrder(message) }
            return .drop
        }
        if case .goodbye = kind { return .handle }
        switch (state, kind) {
        case (.silent, .hello(let hello)):
            purpose = hello.purpose
            state = .greeted
            return .handle
        case (.silent, .join):
            state = .joining
            return .handle
        case (.waiting, .welcome), (.asked, .joined): return .handle
        case (.waiting, .refused), (.asked, .refused),
            (.open, .refused) where side != .server:
            return .handle
        case (.open, _): return try receiveOpen(kind, of: message)
        case (.over, _): return .drop
        default: throw outOfOrder(message)
        }
    }

    private mutating func receiveOpen(
        _ kind: WireMessage.OneOf_Kind, of message: WireMessage
    ) throws(WireError) -> Verdict {
        switch kind.sender {
        case .nobody: throw outOfOrder(message)
        case .both, .bothForBlobs: return .handle
        case .worker:
            guard side == .server, purpose == .work else { throw outOfOrder(message) }
            return try receiveFromWorker(kind, of: message)
        case .coordinator:
            guard side == .client else { throw outOfOrder(message) }
            if case .renewed = kind { return .handle }
            return .deliver
        }
    }

    private mutating func receiveFromWorker(
        _ kind: WireMessage.OneOf_Kind, of message: WireMessage
    ) throws(WireError) -> Verdict {
        if let sequence = kind.sequence {
            guard sequence > highestSequence else { return .drop }
            guard sequence == highestSequence + 1 else {
                throw .sequenceGap(expected: highestSequence + 1, found: sequence)
            }
            highestSequence = sequence
            return .deliver
        }
        switch kind {
        case .inventory:
            guard !inventoryCame else { throw outOfOrder(message) }
            inventoryCame = true
            return .deliver
        case .renew: return .handle
        default: return .deliver
        }
    }

    private func outOfOrder(_ message: WireMessage) -> WireError {
        .outOfOrder(message: message.name, state: state.rawValue)
    }
}
