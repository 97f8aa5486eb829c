import FanfoldCore
import FanfoldWire
import Synchronization

/// A piece of what an attempt wrote.
struct LogPiece: Sendable {
    var attempt: AttemptID
    var worker: WorkerID
    /// Of the first byte, in all that the attempt wrote.
    var offset: UInt64
    var bytes: [UInt8]
    /// Whether the attempt has ended and this is the last of it.
    var hasEnded: Bool
}

/// Whose logs are wanted.
struct LogQuestion: Sendable {
    var tasks: [TaskID]
    /// Only this subtask.
    var index: UInt32?
    /// Of each attempt, at most: the last ones.
    var bytes: UInt64
    /// 0 is any number.
    var lines: UInt64
    /// Whether what is written later is wanted as well.
    var follows: Bool
}

/// Asks workers for logs and hands what comes to who wanted it.
///
/// A worker that sends more than it was given credit for breaks the protocol and loses its connection.
final class LogDesk: Sendable {
    private struct Request {
        var session: WireSession
        var worker: WorkerID
        var reader: UInt64
        /// Bytes that may still come.
        var credit: Int
    }

    fileprivate struct Inbox {
        var pieces: [(request: UInt64, piece: LogPiece)] = []
        /// Requests whose last chunk has not come.
        var open: Set<UInt64> = []
    }

    private struct State {
        var next: UInt64 = 0
        var requests: [UInt64: Request] = [:]
        var inboxes: [UInt64: Inbox] = [:]
    }

    private let state = Mutex(State())

    // MARK: Readers

    fileprivate func newReader() -> UInt64 {
        state.withLock { state in
            state.next += 1
            state.inboxes[state.next] = Inbox()
            return state.next
        }
    }

    fileprivate func ask(
        _ question: LogQuestion, _ worker: WorkerID, over session: WireSession, for reader: UInt64
    ) {
        let number = state.withLock { state -> UInt64 in
            state.next += 1
            state.requests[state.next] = Request(
                session: session, worker: worker, reader: reader, credit: LogLimits.creditBytes)
            state.inboxes[reader]?.open.insert(state.next)
            return state.next
        }
        var request = WireLogRequest()
        request.request = number
        request.tasks = question.tasks.map(\.index)
        if let index = question.index { request.index = index }
        request.tailBytes = question.bytes
        request.tailLines = question.lines
        request.follow = question.follows
        request.credit = UInt64(LogLimits.creditBytes)
        session.send([WireMessage(.logRequest(request))])
    }

    /// What has come since the last time; as much again may come.
    fileprivate func take(_ reader: UInt64) -> (pieces: [LogPiece], isOpen: Bool) {
        state.withLock { state in
            guard let inbox = state.inboxes[reader] else { return ([], false) }
            state.inboxes[reader]?.pieces = []
            var taken: [UInt64: Int] = [:]
            for (request, piece) in inbox.pieces { taken[request, default: 0] += piece.bytes.count }
            for (number, count) in taken where count > 0 {
                guard let request = state.requests[number] else { continue }
                state.requests[number]?.credit += count
                var credit = WireLogCredit()
                credit.request = number
                credit.bytes = UInt64(count)
                request.session.send([WireMessage(.logCredit(credit))])
            }
            return (inbox.pieces.map(\.piece), !inbox.open.isEmpty)
        }
    }

    /// No more is wanted than what was written until now, or nothing at all.
    fileprivate func end(_ reader: UInt64, drains: Bool) {
        state.withLock { state in
            for number in state.inboxes[reader]?.open ?? [] {
                var cancel = WireLogCancel()
                cancel.request = number
                cancel.drain = drains
                state.requests[number]?.session.send([WireMessage(.logCancel(cancel))])
                if !drains { state.requests[number] = nil }
            }
            if !drains { state.inboxes[reader] = nil }
        }
    }

    // MARK: Workers

    func received(_ chunk: WireLogChunk, over session: WireSession) {
        let isTooMuch = state.withLock { state -> Bool in
            // What was under way when nobody wanted it any more is dropped.
            guard let request = state.requests[chunk.request], request.session == session else {
                return false
            }
            guard chunk.text.count <= request.credit else { return true }
            state.requests[chunk.request]?.credit -= chunk.text.count
            if chunk.hasAttempt {
                state.inboxes[request.reader]?.pieces.append(
                    (
                        chunk.request,
                        LogPiece(
                            attempt: AttemptID(chunk.attempt), worker: request.worker,
                            offset: chunk.offset, bytes: Array(chunk.text), hasEnded: chunk.ended)
                    ))
            }
            if chunk.last { Self.close(chunk.request, &state) }
            return false
        }
        if isTooMuch { session.close(reason: "log-credit") }
    }

    /// A connection is gone: its requests are over.
    func ended(_ session: WireSession) {
        state.withLock { state in
            for (number, request) in state.requests where request.session == session {
                Self.close(number, &state)
            }
        }
    }

    private static func close(_ number: UInt64, _ state: inout State) {
        guard let request = state.requests.removeValue(forKey: number) else { return }
        state.inboxes[request.reader]?.open.remove(number)
    }
}

/// One who reads logs of several workers; when nobody holds it any more, nothing more is sent.
final class LogReader: Sendable {
    /// Workers that one reader asks.
    static let maximumWorkers = 256

    private struct State {
        /// The connection over which each worker was asked last.
        var asked: [WorkerID: WireSession] = [:]
        /// How far each attempt was read.
        var places: [AttemptID: UInt64] = [:]
    }

    private let desk: LogDesk
    private let number: UInt64
    private let state = Mutex(State())

    init(_ desk: LogDesk) {
        self.desk = desk
        number = desk.newReader()
    }

    deinit { desk.end(number, drains: false) }

    /// Asks those workers that were not asked over this connection.
    func ask(_ question: LogQuestion, of workers: [(WorkerID, WireSession)]) {
        for (worker, session) in workers {
            let before = state.withLock { state -> (isNew: Bool, isAgain: Bool)? in
                let known = state.asked[worker]
                guard known != session, known != nil || state.asked.count < Self.maximumWorkers
                else { return nil }
                state.asked[worker] = session
                return (known == nil, known != nil)
            }
            guard let before else { continue }
            var question = question
            // What was read before is left out below.
            if before.isAgain { question.lines = 0 }
            desk.ask(question, worker, over: session, for: number)
        }
    }

    /// What has come, each byte once; and whether more may come.
    func take() -> (pieces: [LogPiece], isOpen: Bool) {
        let (pieces, isOpen) = desk.take(number)
        return (pieces.compactMap { unread($0) }, isOpen)
    }

    /// Nothing but what was written until now is wanted.
    func drain() { desk.end(number, drains: true) }

    private func unread(_ piece: LogPiece) -> LogPiece? {
        state.withLock { state in
            var piece = piece
            let place = state.places[piece.attempt] ?? piece.offset
            if piece.offset < place {
                let known = min(place - piece.offset, UInt64(piece.bytes.count))
                piece.bytes.removeFirst(Int(known))
                piece.offset += known
            }
            state.places[piece.attempt] =
                piece.hasEnded ? nil : max(place, piece.offset + UInt64(piece.bytes.count))
            return piece.bytes.isEmpty && !piece.hasEnded ? nil : piece
        }
    }
}
