import FoundationEssentials
import GRDB
@preconcurrency import Glibc

/// The tables, and how the database is opened.
enum JournalDatabase {
    /// The version of the tables and of the rows' bytes.
    static let format = 1
    /// "FANF", by which `file` and we know it.
    static let applicationID = 0x4641_4E46

    private static let tables = """
        CREATE TABLE records (
            first INTEGER PRIMARY KEY, count INTEGER NOT NULL, previous INTEGER NOT NULL,
            sum INTEGER NOT NULL, bytes BLOB NOT NULL);
        CREATE TABLE runs (
            id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
            submitted INTEGER NOT NULL, ended INTEGER, summary TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX runs_submitted ON runs (submitted, id);
        CREATE INDEX runs_ended ON runs (ended) WHERE ended IS NOT NULL;
        CREATE TABLE answers (
            key TEXT NOT NULL, route TEXT NOT NULL, request BLOB NOT NULL, response BLOB NOT NULL,
            expires INTEGER NOT NULL, PRIMARY KEY (key, route)) WITHOUT ROWID;
        CREATE INDEX answers_expires ON answers (expires);
        CREATE TABLE tokens (
            id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL UNIQUE, role TEXT NOT NULL,
            scope TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER, used INTEGER
            ) WITHOUT ROWID;
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(format);
        """

    /// Opens a database for writing, makes its tables if it is empty, and checks that a commit
    /// waits for the disk.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - pages: Pages that it may have; 0: any number.
    ///   - stored: A record that must be in it; so it cannot be empty.
    /// - Throws: `notADatabase`, `newerFormat`, `damaged`, and what SQLite says.
    static func forWriting(
        _ path: String, pages: Int = 0, stored: UInt64 = 0
    ) throws(JournalError) -> DatabaseQueue {
        // Made by us, so that nobody else may read it.  Never when it is there: closing a file gives
        // back the locks that SQLite has on it in this process.
        if access(path, F_OK) != 0 {
            _ = try OwnedDescriptor(opening: path, O_RDWR | O_CREAT | O_EXCL, doing: "made")
        }
        return try storing(path, "opened") {
            var configuration = usual()
            configuration.prepareDatabase { database in
                // First, so that nothing of a file of others is changed.
                if try !isEmpty(database) { try checkFormat(database, path: path) }
                try database.execute(
                    sql: """
                        PRAGMA journal_mode = WAL;
                        PRAGMA synchronous = FULL;
                        PRAGMA wal_autocheckpoint = \(JournalLimits.checkpointPages);
                        PRAGMA journal_size_limit = \(JournalLimits.logBytes);
                        """)
                if pages > 0 { try database.execute(sql: "PRAGMA max_page_count = \(pages)") }
            }
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.writeWithoutTransaction { try checkDurable($0, path: path) }
            try queue.write { database in
                if try isEmpty(database) {
                    try checkMayBeEmpty(path, stored)
                    try database.execute(sql: tables)
                }
                try checkFormat(database, path: path)
            }
            return queue
        }
    }

    /// Opens a database that others may be writing to.
    static func forReading(_ path: String) throws(JournalError) -> DatabaseQueue {
        try storing(path, "opened") {
            var configuration = usual()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { try checkFormat($0, path: path) }
            return queue
        }
    }

    private static func usual() -> Configuration {
        var configuration = Configuration()
        configuration.label = "fanfold.journal"
        configuration.busyMode = .timeout(JournalLimits.busySeconds)
        configuration.foreignKeysEnabled = false
        return configuration
    }

    private static func number(_ database: Database, _ pragma: String) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA \(pragma)") ?? -1
    }

    private static func checkMayBeEmpty(_ path: String, _ stored: UInt64) throws(JournalError) {
        guard stored == 0 else {
            throw JournalError(
                .damaged,
                "\(path): wanted the records up to \(stored), which were stored, found nothing; "
                    + "put back the file with its log (-wal), or run `fanfold journal repair`, "
                    + "which goes on from the newest snapshot")
        }
    }

    private static func isEmpty(_ database: Database) throws -> Bool {
        try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") == 0
            && number(database, "application_id") == 0 && number(database, "user_version") == 0
    }

    private static func checkDurable(_ database: Database, path: String) throws {
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "none"
        let synchronous = try number(database, "synchronous")
        guard mode == "wal", synchronous == 2 else {
            throw JournalError(
                .notWritable,
                "\(path): wanted SQLite to keep a log (wal) and to wait for the disk (2), found "
                    + "\(mode) and \(synchronous); choose a folder on a local disk")
        }
    }

    private static func checkFormat(_ database: Database, path: String) throws {
        let owner = try number(database, "application_id")
        let version = try number(database, "user_version")
        guard owner == applicationID else {
            throw JournalError(
                .notADatabase,
                "\(path): wanted a database of Fanfold, found one of another program; choose "
                    + "another folder")
        }
        guard version <= format else {
            throw JournalError(
                .newerFormat,
                "\(path): wanted a journal of format \(format) or older, found format \(version); "
                    + "run the version of Fanfold that wrote it, or a later one")
        }
    }
}

extension StoredRow {
    static let columns = """
        SELECT first, count, previous, sum,
            CASE WHEN length(bytes) <= \(JournalLimits.readRowBytes) THEN bytes END FROM records
        """

    /// From the row with a record on, if there is one; the record is an argument.
    static let startingWith =
        " WHERE first >= coalesce((SELECT max(first) FROM records WHERE first <= ?), 0)"

    /// What is in a row of `columns`, whatever damage made of it.
    init(_ row: Row) throws {
        first = UInt64(bitPattern: row[0] as Int64? ?? 0)
        count = Int(row[1] as Int64? ?? 0)
        previous = UInt64(bitPattern: row[2] as Int64? ?? 0)
        sum = UInt64(bitPattern: row[3] as Int64? ?? 0)
        bytes = try row.withUnsafeData(atIndex: 4) { Array($0 ?? Data()) }
    }

    func insert(_ database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO records (first, count, previous, sum, bytes) VALUES (?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            Int64(bitPattern: first), Int64(count), Int64(bitPattern: previous),
            Int64(bitPattern: sum), Data(bytes),
        ])
    }
}
