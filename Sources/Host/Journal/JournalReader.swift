import FoundationEssentials
import GRDB

/// What is in the side tables, read beside the coordinator that writes them.
///
/// Each question sees what was stored when it was asked.  Questions of one reader take turns.
package struct JournalReader: Sendable {
    /// The place in a list after which the next page begins.
    package struct RunCursor: Sendable, Hashable {
        /// When the last run of the page before was submitted.
        package var submitted: Int64
        /// Its id.
        package var id: String

        /// The place of a run.
        package init(_ run: RunEntry) {
            submitted = run.submitted
            id = run.id
        }
    }

    let folder: JournalFolder
    let queue: DatabaseQueue

    init(folder: JournalFolder, queue: DatabaseQueue) {
        self.folder = folder
        self.queue = queue
    }

    /// Opens the journal in `folder` for reading; a coordinator may have it open.
    ///
    /// - Throws: `missing`, `notADatabase`, `newerFormat`, and what SQLite says.
    package init(folder path: String) throws(JournalError) {
        folder = try JournalFolder.forReading(path)
        queue = try JournalDatabase.forReading(folder.database)
    }

    /// The run with an id.
    package func run(_ id: String) throws(JournalError) -> RunEntry? {
        try fetch(RunEntry.self, "WHERE id = ?", [id]).first
    }

    /// Runs, those submitted last first, at most `JournalLimits.entries`.
    ///
    /// - Parameters:
    ///   - state: Only those in this state; `nil`: all.
    ///   - cursor: Only those after this place.
    ///   - limit: How many.
    package func runs(
        state: String? = nil, after cursor: RunCursor? = nil, limit: Int = JournalLimits.entries
    ) throws(JournalError) -> [RunEntry] {
        try fetch(
            RunEntry.self,
            """
            WHERE (?1 IS NULL OR state = ?1)
                AND (?2 IS NULL OR (submitted, id) < (?2, ?3))
            ORDER BY submitted DESC, id DESC LIMIT ?4
            """,
            [state, cursor?.submitted, cursor?.id, max(0, min(limit, JournalLimits.entries))])
    }

    /// What a request was answered, unless that is over.
    package func answer(
        key: String, route: String, now: Int64
    ) throws(JournalError) -> AnswerEntry? {
        try fetch(
            AnswerEntry.self, "WHERE key = ? AND route = ? AND expires > ?", [key, route, now]
        ).first
    }

    /// The token with an id.
    package func token(_ id: String) throws(JournalError) -> TokenEntry? {
        try fetch(TokenEntry.self, "WHERE id = ?", [id]).first
    }

    /// The token whose secret has this hash.
    package func token(hash: [UInt8]) throws(JournalError) -> TokenEntry? {
        try fetch(TokenEntry.self, "WHERE hash = ?", [Data(hash)]).first
    }

    /// Tokens by id, at most `JournalLimits.entries`, after the one with an id.
    package func tokens(after id: String = "") throws(JournalError) -> [TokenEntry] {
        try fetch(TokenEntry.self, "WHERE id > ? ORDER BY id LIMIT \(JournalLimits.entries)", [id])
    }

    private func fetch<Entry: SideRow>(
        _ kind: Entry.Type, _ condition: String, _ arguments: StatementArguments
    ) throws(JournalError) -> [Entry] {
        try storing(folder.database, "read") {
            try queue.read { database in
                let statement = try database.cachedStatement(
                    sql: Entry.columns + " " + condition)
                // Not `fetchAll`, whose rows trap where damage left a value of another type.
                let cursor = try Row.fetchCursor(statement, arguments: arguments)
                var entries: [Entry] = []
                while let row = try cursor.next() { entries.append(Entry(row)) }
                return entries
            }
        }
    }
}
