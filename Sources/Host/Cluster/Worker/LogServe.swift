import FanfoldCore
import FanfoldWire

/// What is sent for one request: decides and does nothing.
struct LogServe {
    /// Which request, over which connection.
    struct Key: Hashable {
        var session: WireSession
        var request: UInt64
    }

    private let request: WireLogRequest
    private let tasks: Set<UInt32>
    private var isFollowing: Bool
    private var credit: UInt64
    /// How far it is in an attempt.
    private enum Place {
        case at(UInt64)
        case done
    }

    private var places: [AttemptID: Place] = [:]
    /// The number of the first attempt that had not written when the request came.
    private let firstNew: UInt64

    /// - Parameter next: the number of the next attempt that writes something.
    init(_ request: WireLogRequest, next: UInt64) {
        self.request = request
        tasks = Set(request.tasks)
        isFollowing = request.follow
        credit = min(request.credit, UInt64(LogLimits.creditBytes))
        firstNew = next
    }

    mutating func give(credit bytes: UInt64) {
        let (sum, overflow) = credit.addingReportingOverflow(bytes)
        credit = min(overflow ? .max : sum, UInt64(LogLimits.creditBytes))
    }

    /// What there is, and then no more.
    mutating func drain() { isFollowing = false }

    /// The next messages.
    ///
    /// - Returns: them, and whether the last is among them.
    mutating func next(_ logs: [AttemptID: AttemptLog]) -> (chunks: [WireLogChunk], isLast: Bool) {
        var chunks: [WireLogChunk] = []
        let mine = matching(logs)
        var isMore = true
        // In turn, so that one that writes much keeps nobody waiting.
        while isMore, credit > 0 {
            isMore = false
            for log in mine {
                guard credit > 0, let chunk = chunk(of: log) else { continue }
                chunks.append(chunk)
                isMore = true
            }
        }
        let isLast = !isFollowing && !mine.contains { isBehind($0) }
        if isLast {
            var last = WireLogChunk()
            last.request = request.request
            last.last = true
            chunks.append(last)
        }
        return (chunks, isLast)
    }

    /// The attempts that it is about, those that wrote first before the others.
    private mutating func matching(_ logs: [AttemptID: AttemptLog]) -> [AttemptLog] {
        var mine = logs.values.filter { log in
            tasks.contains(log.attempt.task.index)
                && (!request.hasIndex || request.index == log.attempt.index)
        }.sorted { $0.number < $1.number }
        if !request.follow { mine = Array(mine.suffix(LogLimits.attemptsOfRequest)) }
        for log in mine where places[log.attempt] == nil {
            if log.number >= firstNew {
                places[log.attempt] = .at(0)
            } else if request.follow, log.isOver, !request.hasIndex {
                // Whoever follows many wants what comes.
                places[log.attempt] = .done
            } else {
                places[log.attempt] = .at(
                    log.start(ofLast: request.tailBytes, lines: request.tailLines))
            }
        }
        return mine
    }

    private func place(in log: AttemptLog) -> UInt64? {
        guard case .at(let offset) = places[log.attempt] else { return nil }
        return offset
    }

    private func isBehind(_ log: AttemptLog) -> Bool {
        guard let place = place(in: log) else { return false }
        return log.isOver || place < log.total
    }

    private mutating func chunk(of log: AttemptLog) -> WireLogChunk? {
        guard let place = place(in: log), isBehind(log) else { return nil }
        let maximum = Int(min(credit, UInt64(LogLimits.chunkBytes)))
        let (offset, read) = log.read(from: place, maximum: maximum)
        let isAll = log.isOver && offset + UInt64(read.count) == log.total
        let bytes =
            isAll || !isFollowing ? read[...] : read.prefix(Self.wholeCharacters(read))
        guard isAll || !bytes.isEmpty else { return nil }
        var chunk = WireLogChunk()
        chunk.request = request.request
        chunk.attempt = WireAttempt(log.attempt)
        chunk.offset = offset
        chunk.text = .init(bytes)
        chunk.ended = isAll
        credit -= UInt64(bytes.count)
        places[log.attempt] = isAll ? .done : .at(offset + UInt64(bytes.count))
        return chunk
    }

    /// How many bytes at the front end with a whole character of UTF-8; all if it is none.
    static func wholeCharacters(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            guard byte & 0xC0 != 0x80 else { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            let isWhole = back >= length
            return isWhole || back == bytes.count ? bytes.count : bytes.count - back
        }
        return bytes.count
    }
}
