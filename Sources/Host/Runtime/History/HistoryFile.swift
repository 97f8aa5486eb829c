import CFanfoldSystem
import FanfoldCore
import FanfoldPrediction
@preconcurrency import Glibc
import Logging
import Synchronization

/// Where a loop tells what attempts used.
package protocol HistoryKeeper: Sendable {
    /// Takes an attempt of a run in; its `run` and its time are filled in here.
    func keep(_ entry: HistoryEntry, of run: RunID)
    /// Makes what was taken in readable for others.
    func flush()
    /// What it teaches about these classes; about all of them unless said.
    func predictor(of classes: Set<String>?) throws(HistoryFileError) -> Predictor
    /// What tasks of these classes were like in the newest runs.
    func earlierRuns(of classes: Set<String>) throws(HistoryFileError) -> [String: EarlierRuns]
    /// What the attempts of a run were given and used.
    func efficiency(ofRun name: String) throws(HistoryFileError) -> [Efficiency]
}

/// What attempts used, in a CSV file that outlives the process.
///
/// Several processes may write one file: each write is whole lines at the end, under a lock.  A
/// process that is killed loses what it took in during the last second; that costs a little
/// knowledge, so nothing waits for the disk.
package final class HistoryFile: HistoryKeeper {
    /// Attempts that are held before they are written.
    static let heldEntries = 256
    /// How long they are held, in nanoseconds.
    static let heldNanoseconds: UInt64 = 1_000_000_000
    /// A file larger than this loses the older attempts of each class.
    package static let maximumBytes: Int64 = 64 << 20

    private struct Held {
        var lines: [String] = []
        var since: UInt64 = 0
        var hasFailed = false
    }

    /// The file.
    package let path: String
    private let runName: String?
    private let maximumBytes: Int64
    private let logger: Logger
    private let held = Mutex(Held())

    /// A file that need not be there yet.
    ///
    /// - Parameter runName: what the only run is called; the numbers of the runs unless said.
    package init(
        path: String, runName: String? = nil, maximumBytes: Int64 = maximumBytes, logger: Logger
    ) {
        self.maximumBytes = maximumBytes
        self.path = path
        self.runName = runName
        self.logger = logger
    }

    deinit { flush() }

    /// Takes an attempt in.
    package func keep(_ entry: HistoryEntry, of run: RunID) {
        var entry = entry
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        entry.endedMilliseconds = Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        entry.run = runName ?? "\(run.rawValue)"
        let line = HistoryText.line(entry)
        let now = monotonicNanoseconds()
        let isDue = held.withLock { held in
            if held.lines.isEmpty { held.since = now }
            held.lines.append(line)
            return held.lines.count >= Self.heldEntries
                || now - held.since >= Self.heldNanoseconds
        }
        if isDue { flush() }
    }

    /// Writes what is held; what cannot be written is dropped, and said once.
    package func flush() {
        let lines = held.withLock { held in
            defer { held.lines = [] }
            return held.lines
        }
        guard !lines.isEmpty else { return }
        do throws(HistoryFileError) {
            try append(lines)
        } catch {
            let isFirst = held.withLock { held in
                defer { held.hasFailed = true }
                return !held.hasFailed
            }
            if isFirst {
                logger.warning(
                    "what attempts used is not kept", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Puts attempts at the end of the file as they are.
    package func append(_ entries: [HistoryEntry]) throws(HistoryFileError) {
        try append(entries.map(HistoryText.line))
    }

    /// The attempts in the file, and how many lines are none; none if there is no file.
    package func entries() throws(HistoryFileError) -> (entries: [HistoryEntry], skipped: Int) {
        HistoryText.readable(try Self.text(path) ?? "")
    }

    /// What the attempts of a run were given and used, those that were taken in last as well.
    package func efficiency(ofRun name: String) throws(HistoryFileError) -> [Efficiency] {
        flush()
        return Efficiency.of(run: name, in: try entries().entries)
    }

    /// What tasks of these classes were like in the newest runs; only the end of the file is read.
    package func earlierRuns(
        of classes: Set<String>
    ) throws(HistoryFileError) -> [String: EarlierRuns] {
        flush()
        let text = try Self.text(path, last: PredictionLimits.earlierBytes) ?? ""
        return EarlierRuns.of(classes, in: HistoryText.readable(text).entries)
    }

    /// What the file teaches.
    ///
    /// - Parameter classes: only these; all unless said.
    package func predictor(
        of classes: Set<String>? = nil
    ) throws(HistoryFileError) -> Predictor {
        var predictor = Predictor()
        for entry in try entries().entries
        where classes?.contains(entry.row.taskClass) ?? true {
            predictor.observe(entry)
        }
        return predictor
    }

    // MARK: The file

    private func append(_ lines: [String]) throws(HistoryFileError) {
        let lock = try locked()
        defer { close(lock) }
        let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw HistoryFileError("opened", path) }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0 else { throw HistoryFileError("read", path) }
        var text = facts.st_size == 0 ? HistoryText.header + "\n" : ""
        // A line that was torn by a full disk or a crash ends here.
        if facts.st_size > 0, try Self.lastByte(path, at: facts.st_size) != 0x0A { text = "\n" }
        text += lines.joined(separator: "\n") + "\n"
        try Self.write(text, to: file, path)
        if Int64(facts.st_size) + Int64(text.utf8.count) > maximumBytes { try shorten() }
    }

    /// Keeps the newest attempts of each class; the lock is held.
    private func shorten() throws(HistoryFileError) {
        let all = try entries().entries
        var left: [String: Int] = [:]
        var kept: [HistoryEntry] = []
        for entry in all.reversed() {
            let count = left[entry.row.taskClass, default: 0] + 1
            left[entry.row.taskClass] = count
            if count <= PredictionLimits.windowRows { kept.append(entry) }
        }
        let fresh = path + ".new"
        let file = open(fresh, O_WRONLY | O_TRUNC | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw HistoryFileError("opened", fresh) }
        defer { close(file) }
        let lines = [HistoryText.header] + kept.reversed().map(HistoryText.line)
        try Self.write(lines.joined(separator: "\n") + "\n", to: file, fresh)
        guard rename(fresh, path) == 0 else { throw HistoryFileError("renamed", fresh) }
    }

    /// A descriptor; the lock goes when it is closed.
    private func locked() throws(HistoryFileError) -> Int32 {
        let folder = path.split(separator: "/").dropLast()
        var made = ""
        for part in folder {
            made += "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw HistoryFileError("made", made)
            }
        }
        let lock = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw HistoryFileError("opened", path + ".lock") }
        while flock(lock, LOCK_EX) != 0 {
            guard errno == EINTR else {
                close(lock)
                throw HistoryFileError("locked", path + ".lock")
            }
        }
        return lock
    }

    private static func lastByte(
        _ path: String, at size: Int
    ) throws(HistoryFileError) -> UInt8 {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw HistoryFileError("opened", path) }
        defer { close(file) }
        var byte: UInt8 = 0
        guard pread(file, &byte, 1, size - 1) == 1 else { throw HistoryFileError("read", path) }
        return byte
    }

    private static func write(
        _ text: String, to file: Int32, _ path: String
    ) throws(HistoryFileError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else { throw HistoryFileError("written", path) }
            rest = rest.dropFirst(max(0, count))
        }
    }

    /// - Parameter last: only so many bytes at the end, from the beginning of a line on.
    private static func text(
        _ path: String, last: Int64 = .max
    ) throws(HistoryFileError) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw HistoryFileError("opened", path)
        }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0 else { throw HistoryFileError("read", path) }
        let isCut = Int64(facts.st_size) > last
        if isCut, lseek(file, facts.st_size - off_t(last), SEEK_SET) < 0 {
            throw HistoryFileError("read", path)
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count == 0 { break }
            guard count > 0 || errno == EINTR else { throw HistoryFileError("read", path) }
            bytes += buffer[..<max(0, count)]
        }
        if isCut, let end = bytes.firstIndex(of: 0x0A) { bytes.removeSubrange(...end) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Why a history was not read or written.
package struct HistoryFileError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What could not be done, with the system's reason.
    package var description: String

    init(_ done: String, _ path: String) {
        description = "\(path) cannot be \(done): \(systemMessage(errno))"
    }
}
