import FoundationEssentials
import GRDB

extension SideChange {
    /// Makes the change; the caller has a transaction open.
    func apply(_ database: Database) throws {
        switch self {
        case .putRun(let run): try run.insert(database)
        case .putAnswer(let answer): try answer.insert(database)
        case .putToken(let token): try token.insert(database)
        case .removeRun(let id):
            try Self.run(database, "DELETE FROM runs WHERE id = ?", [id])
        case .useToken(let id, let time):
            try Self.run(
                database, "UPDATE tokens SET used = ? WHERE id = ? AND used IS NULL", [time, id])
        case .removeToken(let id):
            try Self.run(database, "DELETE FROM tokens WHERE id = ?", [id])
        case .prune(let now, let retention):
            try Self.prune(database, now, retention)
        }
    }

    static func run(
        _ database: Database, _ sql: String, _ arguments: StatementArguments
    ) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    private static func prune(
        _ database: Database, _ now: Int64, _ retention: Retention
    ) throws {
        let rows = retention.rowsATurn
        try run(
            database,
            """
            DELETE FROM runs WHERE id IN
                (SELECT id FROM runs WHERE ended < ? ORDER BY ended LIMIT ?)
            """, [now - retention.runMilliseconds, rows])
        try run(
            database,
            """
            DELETE FROM runs WHERE id IN (
                SELECT id FROM runs WHERE ended IS NOT NULL ORDER BY ended, id LIMIT min(?, max(0,
                    (SELECT count(*) FROM runs WHERE ended IS NOT NULL) - ?)))
            """, [rows, retention.runs])
        try run(
            database,
            """
            DELETE FROM answers WHERE (key, route) IN
                (SELECT key, route FROM answers WHERE expires <= ? ORDER BY expires LIMIT ?)
            """, [now, rows])
        try run(
            database,
            """
            DELETE FROM answers WHERE (key, route) IN (
                SELECT key, route FROM answers ORDER BY expires LIMIT min(?, max(0,
                    (SELECT count(*) FROM answers) - ?)))
            """, [rows, retention.answers])
        try run(
            database,
            """
            DELETE FROM tokens WHERE id IN
                (SELECT id FROM tokens WHERE expires < ? ORDER BY expires LIMIT ?)
            """, [now - retention.tokenMilliseconds, rows])
    }
}

/// A row of a side table, read whatever damage made of it, and written.
protocol SideRow {
    static var columns: String { get }
    init(_ row: Row)
    func insert(_ database: Database) throws
}

extension RunEntry: SideRow {
    static let columns = "SELECT id, name, state, submitted, ended, summary FROM runs"

    init(_ row: Row) {
        self.init(
            id: row[0] as String? ?? "", name: row[1] as String? ?? "",
            state: row[2] as String? ?? "", submitted: row[3] as Int64? ?? 0,
            ended: row[4] as Int64?, summary: row[5] as String? ?? "{}")
    }

    func insert(_ database: Database) throws {
        try SideChange.run(
            database,
            """
            INSERT OR REPLACE INTO runs (id, name, state, submitted, ended, summary)
            VALUES (?, ?, ?, ?, ?, ?)
            """, [id, name, state, submitted, ended, summary])
    }
}

extension AnswerEntry: SideRow {
    static let columns = "SELECT key, route, request, response, expires FROM answers"

    init(_ row: Row) {
        self.init(
            key: row[0] as String? ?? "", route: row[1] as String? ?? "",
            request: Array(row[2] as Data? ?? Data()), response: Array(row[3] as Data? ?? Data()),
            expires: row[4] as Int64? ?? 0)
    }

    func insert(_ database: Database) throws {
        try SideChange.run(
            database,
            """
            INSERT OR REPLACE INTO answers (key, route, request, response, expires)
            VALUES (?, ?, ?, ?, ?)
            """, [key, route, Data(request), Data(response), expires])
    }
}

extension TokenEntry: SideRow {
    static let columns =
        "SELECT id, hash, role, scope, created, expires, used FROM tokens"

    init(_ row: Row) {
        self.init(
            id: row[0] as String? ?? "", hash: Array(row[1] as Data? ?? Data()),
            role: row[2] as String? ?? "", scope: row[3] as String? ?? "",
            created: row[4] as Int64? ?? 0, expires: row[5] as Int64?, used: row[6] as Int64?)
    }

    func insert(_ database: Database) throws {
        try SideChange.run(
            database,
            """
            INSERT INTO tokens (id, hash, role, scope, created, expires, used)
            VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
                hash = excluded.hash, role = excluded.role, scope = excluded.scope,
                created = excluded.created, expires = excluded.expires, used = excluded.used
            """, [id, Data(hash), role, scope, created, expires, used])
    }
}
