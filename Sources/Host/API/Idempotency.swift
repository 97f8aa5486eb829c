import Synchronization

/// An answer that is given again to the same request.
package struct StoredReply: Hashable, Sendable {
    /// The status.
    package var status: Int
    /// The media type of the body.
    package var mediaType: String?
    /// Where a new thing is.
    package var location: String?
    /// The body.
    package var body: [UInt8]
    /// Whether it tells a secret, which is never written to a disk.
    package var isSecret = false

    /// An answer that is kept.
    package init(status: Int, mediaType: String?, location: String?, body: [UInt8]) {
        self.status = status
        self.mediaType = mediaType
        self.location = location
        self.body = body
    }
}

/// What is known of an Idempotency-Key.
package enum IdempotencyState: Hashable, Sendable {
    /// Nothing: the request is the first, and was noted.
    case isNew
    /// The first request is not answered yet.
    case isInProgress
    /// The first request was another one.
    case belongsToOther
    /// The first request was the same, and this was the answer.
    case answered(StoredReply)
}

/// Answers to requests with an Idempotency-Key.
package protocol IdempotencyStore: Sendable {
    /// Looks up a key, and notes the request as in progress if the key is new.
    ///
    /// - Parameter key: that of the client together with the id of its token.
    /// - Parameter fingerprint: the same for the same method, path, query and body.
    func begin(key: String, fingerprint: [UInt8], at now: Timestamp) async -> IdempotencyState
    /// Keeps the answer; `nil` forgets the request, so that it may be sent again.
    func end(key: String, reply: StoredReply?, at now: Timestamp) async
}

/// Answers in memory: gone with the process.
package final class MemoryIdempotencyStore: IdempotencyStore {
    private struct Entry {
        var fingerprint: [UInt8]
        var reply: StoredReply?
        var begun: Timestamp
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Keys from the oldest, some of which may be gone.
        var order: [String] = []
        var firstLive = 0
    }

    private let limits: APILimits
    private let state = Mutex(State())

    /// A store without answers.
    package init(limits: APILimits = APILimits()) { self.limits = limits }

    /// Looks up a key; what is too old, or one too many, is forgotten first.
    package func begin(
        key: String, fingerprint: [UInt8], at now: Timestamp
    ) async -> IdempotencyState {
        state.withLock { state in
            dropOld(&state, now)
            guard let entry = state.entries[key] else {
                state.entries[key] = Entry(fingerprint: fingerprint, begun: now)
                state.order.append(key)
                return .isNew
            }
            guard entry.fingerprint == fingerprint else { return .belongsToOther }
            return entry.reply.map(IdempotencyState.answered) ?? .isInProgress
        }
    }

    /// Keeps the answer, unless it is larger than ``APILimits/idempotentReplyBytes``.
    package func end(key: String, reply: StoredReply?, at now: Timestamp) async {
        state.withLock { state in
            guard let reply, reply.body.count <= limits.idempotentReplyBytes else {
                state.entries[key] = nil
                return
            }
            state.entries[key]?.reply = reply
        }
    }

    private func dropOld(_ state: inout State, _ now: Timestamp) {
        while state.firstLive < state.order.count {
            let key = state.order[state.firstLive]
            if let entry = state.entries[key] {
                let isOld = entry.begun.advanced(bySeconds: limits.idempotentSeconds) <= now
                guard isOld || state.entries.count >= limits.idempotentReplies else { break }
                state.entries[key] = nil
            }
            state.firstLive += 1
        }
        if state.firstLive > limits.idempotentReplies {
            state.order.removeFirst(state.firstLive)
            state.firstLive = 0
        }
    }
}
