import FanfoldAPI
import FanfoldCore
import FanfoldJournal
import Logging
import Synchronization

/// Answers to requests with an Idempotency-Key, kept in the journal's table of answers: a request that
/// is repeated after a restart gets the answer of the first time.
///
/// What tells a secret stays in memory.  A coordinator that is killed between doing something and
/// keeping the answer has not answered, and does it again; but a submission, whose key the run itself
/// keeps.
final class JournalAnswers: IdempotencyStore {
    /// The route of all rows: a key belongs to a client, whatever it is sent to.
    private static let route = "*"
    private static let version: UInt8 = 1

    private let control: EngineControl
    private let limits: APILimits
    /// What this process knows.
    private let recent: MemoryIdempotencyStore
    private let fingerprints = Mutex<[String: [UInt8]]>([:])
    private let count = Atomic<Int>(0)
    private let logger: Logger

    /// Answers after which the table is cleared of those that are too many.
    private static let answersBetweenPrunings = 500

    /// Answers alone: runs and tokens have their own times.
    private static var retention: Retention {
        var retention = Retention()
        retention.runs = .max / 2
        retention.runMilliseconds = .max / 2
        retention.tokenMilliseconds = .max / 2
        return retention
    }

    init(_ control: EngineControl, limits: APILimits = APILimits(), logger: Logger) {
        self.control = control
        self.limits = limits
        self.logger = logger
        recent = MemoryIdempotencyStore(limits: limits)
    }

    func begin(
        key: String, fingerprint: [UInt8], at now: Timestamp
    ) async -> IdempotencyState {
        let state = await recent.begin(key: key, fingerprint: fingerprint, at: now)
        guard state == .isNew else { return state }
        guard let kept = await kept(key, now) else {
            fingerprints.withLock { $0[key] = fingerprint }
            return .isNew
        }
        guard kept.request == fingerprint, let reply = Self.reply(kept.response) else {
            await recent.end(key: key, reply: nil, at: now)
            return .belongsToOther
        }
        await recent.end(key: key, reply: reply, at: now)
        return .answered(reply)
    }

    func end(key: String, reply: StoredReply?, at now: Timestamp) async {
        let fingerprint = fingerprints.withLock { $0.removeValue(forKey: key) }
        if let reply, let fingerprint, !reply.isSecret,
            reply.body.count <= limits.idempotentReplyBytes
        {
            let entry = AnswerEntry(
                key: key, route: Self.route, request: fingerprint,
                response: Self.bytes(of: reply),
                expires: now.advanced(bySeconds: limits.idempotentSeconds).milliseconds)
            let journal = control.journal
            let isFull =
                count.add(1, ordering: .relaxed).newValue % Self.answersBetweenPrunings == 0
            // Who is told nothing because the coordinator stops asks again.
            _ = await control.settle { _, _ in
                journal.change(.putAnswer(entry))
                if isFull { journal.change(.prune(now: now.milliseconds, Self.retention)) }
            }
        }
        await recent.end(key: key, reply: reply, at: now)
    }

    private func kept(_ key: String, _ now: Timestamp) async -> AnswerEntry? {
        let (tables, logger) = (control.journal.tables, logger)
        do throws(ControlError) {
            return try await control.onThread { () throws(ControlError) -> AnswerEntry? in
                do throws(JournalError) {
                    return try tables.answer(key: key, route: Self.route, now: now.milliseconds)
                } catch {
                    logger.warning("answers cannot be read", metadata: ["why": "\(error)"])
                    return nil
                }
            }
        } catch {
            return nil
        }
    }

    private static func bytes(of reply: StoredReply) -> [UInt8] {
        var writer = ByteWriter(capacity: reply.body.count + 64)
        writer.byte(version)
        writer.varint(UInt64(clamping: reply.status))
        writer.string(reply.mediaType ?? "")
        writer.string(reply.location ?? "")
        writer.blob(reply.body)
        return writer.bytes
    }

    /// `nil` if the bytes make no sense.
    private static func reply(_ bytes: [UInt8]) -> StoredReply? {
        var reader = ByteReader(bytes)
        do throws(CodingError) {
            try reader.version(version)
            let status: Int = try reader.integer()
            let (mediaType, location) = (try reader.string(), try reader.string())
            let body = Array(try reader.blob())
            try reader.finish()
            return StoredReply(
                status: status, mediaType: mediaType.isEmpty ? nil : mediaType,
                location: location.isEmpty ? nil : location, body: body)
        } catch {
            return nil
        }
    }
}
