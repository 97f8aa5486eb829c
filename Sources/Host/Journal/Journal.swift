import GRDB

/// What a coordinator must not forget: records in order, snapshots, and a few tables.
///
/// `open`, then `recover`, then `append` once for each turn of the loop.  It knows nothing of what
/// the bytes mean.  It belongs to the thread that opened it; readers have a `JournalReader`.
package final class Journal {
    let folder: JournalFolder
    let options: JournalOptions
    let mark: Mark
    private let lock: JournalLock
    var queue: DatabaseQueue
    var chain = Chain()
    var isRecovered = false
    /// The folder into which a database that could not be opened was moved.
    var setAside: String?
    private var stopped: JournalError?

    private init(
        folder: JournalFolder, options: JournalOptions, lock: JournalLock, mark: Mark,
        queue: DatabaseQueue
    ) {
        self.folder = folder
        self.options = options
        self.lock = lock
        self.mark = mark
        self.queue = queue
    }

    /// Opens the journal in a folder, which is made if it is not there, for the only coordinator.
    ///
    /// - Throws: `notWritable`, `readOnly`, `exposed`, `locked`, `diskFull`, `notADatabase`,
    ///   `newerFormat`, `damaged`.
    package static func open(
        folder path: String, options: JournalOptions = JournalOptions()
    ) throws(JournalError) -> Journal {
        precondition(options.snapshots >= 1, "a journal keeps at least one snapshot")
        precondition(options.droppedRows >= 1, "a journal drops at least one row at a time")
        let folder = try JournalFolder.forWriting(path)
        let lock = try JournalLock(folder)
        try folder.removeUnfinished()
        var setAside: String?
        let queue: DatabaseQueue
        do throws(JournalError) {
            queue = try JournalDatabase.forWriting(
                folder.database, pages: options.pages, stored: Mark.read(folder)?.last ?? 0)
        } catch {
            guard options.damage == .cutsAnything, [.damaged, .notADatabase].contains(error.code)
            else { throw error }
            setAside = try folder.keepDamaged(from: 0)
            try folder.removeDatabase()
            queue = try JournalDatabase.forWriting(folder.database, pages: options.pages)
        }
        try folder.flush()
        let journal = Journal(
            folder: folder, options: options, lock: lock, mark: try Mark(folder), queue: queue)
        journal.setAside = setAside
        return journal
    }

    /// The sequence number of the last record; 0 before the first.
    package var last: UInt64 { chain.last }

    /// The side tables, read through the connection that writes them.
    package var tables: JournalReader { JournalReader(folder: folder, queue: queue) }

    /// Stores a batch of records and changes of the side tables: one transaction, one wait for the
    /// disk.
    ///
    /// When it returns, all of it is on the disk; when it throws, none of it is there, and after
    /// `diskFull`, `inputOutput`, `readOnly`, `locked` and `tooLarge` it can be tried again.  The
    /// exception is `uncertain`: the disk did not answer, nothing more is taken in, and recovery
    /// says whether the batch is there.
    ///
    /// - Returns: The sequence number of the last record.
    @discardableResult
    package func append(
        _ batch: RecordBatch, with changes: [SideChange] = []
    ) throws(JournalError) -> UInt64 {
        precondition(isRecovered, "a journal is recovered before it is appended to")
        if let stopped { throw stopped }
        guard batch.longest <= JournalLimits.recordBytes else {
            throw JournalError(
                .tooLarge,
                "wanted records of at most \(JournalLimits.recordBytes) bytes, found one of "
                    + "\(batch.longest); keep large things as blobs")
        }
        for change in changes { try change.check() }
        guard !batch.isEmpty || !changes.isEmpty else { return chain.last }
        var end = chain
        let rows = batch.parts.filter { $0.count > 0 }.map { end.seal($0) }
        try write { database in
            for row in rows { try row.insert(database) }
            for change in changes { try change.apply(database) }
        }
        chain = end
        if !rows.isEmpty { mark.write(end) }
        return end.last
    }

    /// Stores records that are there as a list.
    @discardableResult
    package func append(
        _ records: [[UInt8]], with changes: [SideChange] = []
    ) throws(JournalError) -> UInt64 {
        try append(RecordBatch(records), with: changes)
    }

    /// Closes the files and gives the lock back; the journal is not used any more.
    package func close() throws(JournalError) {
        stopped = JournalError(.refused, "\(folder.path) is closed; open it again")
        try storing(folder.database, "closed") { try queue.close() }
        lock.release()
    }

    /// One transaction; after an error that leaves the disk's state open nothing more is written.
    func write(_ body: (Database) throws -> Void) throws(JournalError) {
        do throws(JournalError) {
            try storing(folder.database, "written") { try queue.write(body) }
        } catch {
            if [.uncertain, .damaged, .notADatabase].contains(error.code) { stopped = error }
            throw error
        }
    }
}
