import FanfoldBlobs
import FanfoldCore
import FanfoldJournal
import FanfoldRuntime
@preconcurrency import Glibc
import Logging
import Synchronization

/// The engine's log on disk: one transaction for each turn of the loop.
///
/// Opened, recovered and written by the loop's thread; the changes of side tables come from any.
final class EngineJournal: EngineLog, @unchecked Sendable {
    // Unchecked: all but `problem` and `stopping` belongs to the loop's thread.
    private let journal: Journal
    private let calls: CallFiles
    private let coding: CallCoding
    private let cleaner = Dispatcher(threads: 1, name: "cleaner")
    private let logger: Logger
    private var changes: [SideChange] = []
    /// Beginnings of calls, while records are read.
    private var parts: [TaskID: [UInt8]] = [:]
    private var batch = RecordBatch()
    /// Bytes of records after which a snapshot is due at the earliest.
    private let leastSnapshotBytes: Int
    private var sinceSnapshot = 0
    private var snapshotBytes = 0
    private var isWritingSnapshot = false
    private let problem = Mutex<String?>(nil)
    private let stopping = Atomic(false)
    private let fatal: @Sendable (String) -> Never
    /// Told on the loop's thread that nothing can be stored now, and when it can be again.
    var stalled: (@Sendable (Bool) -> Void)?

    /// The pause before a disk that refused is asked again, in microseconds.
    private static let retryMicroseconds: UInt32 = 500_000
    /// Bytes of a call that one record holds.
    private static let partBytes = 4 << 20

    /// Opens what is in the folder; ``recover(into:worker:)`` comes next.
    ///
    /// - Parameter fatal: ends the process: what the disk holds is not known any more.
    init(
        folder: String, blobs: BlobStore, options: JournalOptions = JournalOptions(),
        leastSnapshotBytes: Int, logger: Logger, fatal: @escaping @Sendable (String) -> Never
    ) throws {
        self.fatal = fatal
        self.leastSnapshotBytes = leastSnapshotBytes
        journal = try Journal.open(folder: folder, options: options)
        calls = try CallFiles(folder: folder + "/calls")
        coding = CallCoding(blobs: blobs)
        self.logger = logger
    }

    /// Why nothing can be stored now; `nil` while all is well.
    var standstill: String? { problem.withLock { $0 } }

    /// The side tables.
    var tables: JournalReader { journal.tables }

    /// All tokens that are kept.
    func allTokens() throws(JournalError) -> [TokenEntry] {
        var all: [TokenEntry] = []
        while true {
            let page = try tables.tokens(after: all.last?.id ?? "")
            if page.isEmpty { return all }
            all += page
        }
    }

    /// Has a side table changed with the turn that is being decided; on the loop's thread.
    func change(_ change: SideChange) { changes.append(change) }

    /// Lets a commit that waits for the disk give up; what it was to store is lost with the process.
    func stop() { stopping.store(true, ordering: .releasing) }

    func close() throws {
        cleaner.close()
        try journal.close()
    }

    func commit(_ turn: EngineTurn) {
        batch.removeAll()
        var encoded: [(TaskID, [UInt8])] = []
        encoded.reserveCapacity(turn.calls.count)
        for record in turn.records { add(StateRecord.engine(record)) }
        for (task, call) in turn.calls {
            let bytes = coding.bytes(of: call)
            encoded.append((task, bytes))
            add(bytes, callOf: task)
        }
        for task in turn.endedTasks { add(.taskEnded(task)) }
        store()
        for (task, bytes) in encoded { copy(bytes, of: task) }
        for task in turn.endedTasks { forget(task) }
    }

    /// Nobody will ask for the calls and results of a task any more.
    private func forget(_ task: TaskID) {
        calls.remove(task)
        let (blobs, logger) = (coding.blobs, logger)
        cleaner.post(0) {
            do throws(BlobError) {
                try blobs.unpinAll(of: StoredResult.owner(of: task))
            } catch {
                logger.warning(
                    "results of a task stay in the store", metadata: ["why": "\(error)"])
            }
        }
    }

    private func add(_ call: [UInt8], callOf task: TaskID) {
        var rest = call[...]
        while rest.count > Self.partBytes {
            add(.callPart(task: task, bytes: Array(rest.prefix(Self.partBytes))))
            rest = rest.dropFirst(Self.partBytes)
        }
        add(.call(task: task, bytes: Array(rest)))
    }

    private func add(_ record: StateRecord) {
        let bytes = record.bytes
        sinceSnapshot += bytes.count
        batch.add(bytes)
    }

    /// Stores the batch, however long that takes: nothing may go out before.
    private func store() {
        while true {
            do throws(JournalError) {
                try journal.append(batch, with: changes)
                changes.removeAll(keepingCapacity: true)
                if standstill != nil {
                    // As loud as what it ends.
                    logger.warning("the journal is written again")
                    problem.withLock { $0 = nil }
                    stalled?(false)
                }
                return
            } catch {
                // Whether it is on the disk is only known to the next process.
                if error.code == .uncertain { fatal("\(error)") }
                if standstill == nil {
                    logger.error(
                        "nothing can be stored: everything waits", metadata: ["why": "\(error)"])
                    problem.withLock { $0 = "\(error)" }
                    stalled?(true)
                }
                problem.withLock { $0 = "\(error)" }
                if stopping.load(ordering: .acquiring) { return }
                usleep(Self.retryMicroseconds)
            }
        }
    }

    private func copy(_ bytes: [UInt8], of task: TaskID) {
        do throws(EngineLogFailure) {
            try calls.append(bytes, to: task)
        } catch {
            logger.error(
                "calls of a strategy are only in the journal", metadata: ["why": "\(error)"])
        }
    }

    func calls(
        of task: TaskID, _ body: (StrategyCall) -> Void
    ) throws(EngineLogFailure) {
        do {
            try calls.read(task) { body(try coding.call(from: $0)) }
        } catch {
            throw EngineLogFailure("the calls of its strategy cannot be read: \(error)")
        }
    }

    // MARK: Back after a crash

    /// Rebuilds the loop's books from the newest snapshot and the records after it.
    ///
    /// - Returns: the moment of the last record, and what was found.
    func recover(
        into loop: inout EngineLoop, worker: ([UInt8]) -> WorkerEntry
    ) throws -> (last: Tick, report: RecoveryReport) {
        var last = Tick.zero
        var frames = Frames()
        let report = try journal.recover { (item) throws(JournalError) in
            do {
                switch item {
                case .snapshot(_, let piece):
                    snapshotBytes += piece.count
                    try frames.take(piece) { frame in
                        try restore(frame, &loop, &last, worker)
                    }
                case .records(let records):
                    try records.forEach { (_, bytes) throws(JournalError) in
                        do {
                            try replay(Array(bytes), &loop, &last, worker)
                        } catch {
                            throw unreadable(error)
                        }
                    }
                }
            } catch {
                throw unreadable(error)
            }
        }
        for owner in coding.blobs.pinnedBlobs.keys.sorted() {
            guard let task = StoredResult.task(ofOwner: owner), !calls.tasks.contains(task) else {
                continue
            }
            forget(task)
        }
        return (last, report)
    }

    private func unreadable(_ error: any Error) -> JournalError {
        error as? JournalError
            ?? JournalError(
                .refused, "a record is whole and makes no sense to this fanfold: \(error)")
    }

    private func replay(
        _ bytes: [UInt8], _ loop: inout EngineLoop, _ last: inout Tick,
        _ worker: ([UInt8]) -> WorkerEntry
    ) throws {
        sinceSnapshot += bytes.count
        let record = try StateRecord(bytes)
        if let moment = record.moment { last = max(last, moment) }
        switch record {
        case .engine(let record): loop.replay(record, port: worker)
        case .callPart(let task, let part): parts[task, default: []] += part
        case .call(let task, let end):
            try calls.append((parts.removeValue(forKey: task) ?? []) + end, to: task)
        case .taskEnded(let task): calls.remove(task)
        }
    }

    // MARK: Snapshots

    private enum SnapshotFrame {
        static let state: UInt8 = 1
        static let call: UInt8 = 2
    }

    /// The books of the loop, if that is what a frame of a snapshot holds.
    static func state(inFrame frame: [UInt8]) -> [UInt8]? {
        frame.first == SnapshotFrame.state ? Array(frame.dropFirst()) : nil
    }

    private func restore(
        _ frame: [UInt8], _ loop: inout EngineLoop, _ last: inout Tick,
        _ worker: ([UInt8]) -> WorkerEntry
    ) throws {
        var reader = ByteReader(frame)
        switch try reader.byte() {
        case SnapshotFrame.state:
            last = try loop.restore(Array(try reader.raw(reader.remaining)), worker: worker)
        case SnapshotFrame.call:
            let task = TaskID(try reader.integer())
            try calls.append(Array(try reader.raw(reader.remaining)), to: task)
        case let kind: throw CodingError(.unknownCase(of: "snapshot frame", UInt64(kind)), at: 0)
        }
    }

    /// Whether enough was stored since the last snapshot that another one pays.
    var isSnapshotDue: Bool {
        !isWritingSnapshot && sinceSnapshot > max(leastSnapshotBytes, snapshotBytes)
    }

    /// Writes a snapshot of the state between two turns on another thread.
    ///
    /// - Parameter finished: takes work back to the loop's thread.
    func writeSnapshot(
        of loop: EngineLoop,
        finished: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        let views: [CallView]
        let place: SnapshotPlace
        do {
            views = try calls.views()
            place = try journal.snapshotPlace(upTo: journal.last)
        } catch {
            return logger.warning("no snapshot was written", metadata: ["why": "\(error)"])
        }
        let state = loop.encodedState()
        isWritingSnapshot = true
        let taken = sinceSnapshot
        _ = PlainThread(name: "snapshot") { [self] in
            let outcome = Result { try Self.write(state, views, to: place) }
            for view in views { Glibc.close(view.descriptor) }
            finished { [self] in snapshotEnded(outcome, taken: taken) }
        }
    }

    private static func write(
        _ state: [UInt8], _ views: [CallView], to place: SnapshotPlace
    ) throws -> Int {
        let writer = try SnapshotWriter(at: place)
        var written = 0
        func put(_ frame: [UInt8]) throws {
            var bytes: [UInt8] = []
            Frames.append(frame, to: &bytes)
            written += bytes.count
            try writer.write(bytes)
        }
        try put([SnapshotFrame.state] + state)
        for view in views {
            var head = ByteWriter(capacity: 8)
            head.byte(SnapshotFrame.call)
            head.varint(UInt64(view.task.index))
            try view.read { try put(head.bytes + $0) }
        }
        try writer.finish()
        return written
    }

    private func snapshotEnded(_ outcome: Result<Int, any Error>, taken: Int) {
        isWritingSnapshot = false
        do {
            snapshotBytes = try outcome.get()
            sinceSnapshot -= taken
            while try journal.dropCovered() {}
        } catch {
            logger.warning("no snapshot was written", metadata: ["why": "\(error)"])
        }
    }
}
