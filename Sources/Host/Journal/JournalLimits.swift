/// How much the journal takes, and how long it keeps it.
package enum JournalLimits {
    /// Bytes of one record.
    package static let recordBytes = 16 << 20
    /// Bytes of records that are stored as one row; a record that is longer has a row of its own.
    package static let rowBytes = 4 << 20
    /// Bytes that are read as one row at most: the longest record with its length.
    static let readRowBytes = recordBytes + rowBytes
    /// Bytes of one piece of a snapshot.
    static let chunkBytes = 1 << 20
    /// Bytes of an id, a key, a name, a route, a role or a scope.
    package static let nameBytes = 4_096
    /// Bytes of a run's summary.
    package static let summaryBytes = 1 << 20
    /// Bytes of an answer that is kept for a repeated request.
    package static let answerBytes = 1 << 20
    /// Entries that one question to the side tables returns.
    package static let entries = 1_000
    /// Problems that a verification lists.
    package static let problems = 100
    /// Folders of damaged files that are kept beside the journal.
    static let damagedFolders = 1_000
    /// Pages of 4,096 bytes after which the log is copied into the database.
    static let checkpointPages = 4_096
    /// Bytes that the log keeps on disk between two such times.
    static let logBytes = 64 << 20
    /// Seconds that a reader waits for the moment in which the log starts anew.
    static let busySeconds = 10.0
}

/// What a journal may be told when it is opened.
package struct JournalOptions: Sendable, Hashable {
    /// What may be given up when stored records cannot be read.
    package enum Damage: Sendable, Hashable {
        /// The end, if there is nothing whole after it and it is no longer than `cutRecords`.
        case cutsTail
        /// Everything from the first damage on: for `fanfold journal repair`.
        case cutsAnything
    }

    /// Snapshots that are kept; records are kept from the oldest of them on.
    package var snapshots = 2
    /// Records that are cut off at most without being asked.
    package var cutRecords: UInt64 = 100_000
    /// Rows of superfluous records that one call drops, so that it stays short.
    package var droppedRows = 1_000
    /// What may be given up.
    package var damage = Damage.cutsTail
    /// Pages of 4,096 bytes that the database may have; 0: as many as fit on the disk.
    package var pages = 0

    /// The usual options.
    package init() {}
}

/// How long the side tables keep what is over.
package struct Retention: Sendable, Hashable {
    /// Milliseconds for which a run that has ended is kept.
    package var runMilliseconds: Int64 = 30 * 86_400_000
    /// Runs that have ended and are kept.
    package var runs = 10_000
    /// Milliseconds for which a token that has expired is kept.
    package var tokenMilliseconds: Int64 = 7 * 86_400_000
    /// Answers that are kept; those that expire first go first.
    package var answers = 10_000
    /// Rows of each kind that one turn removes, so that it stays short.
    package var rowsATurn = 1_000

    /// The usual times.
    package init() {}
}
