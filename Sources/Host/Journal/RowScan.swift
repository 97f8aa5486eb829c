import GRDB

/// Goes through stored rows in order, and tells the end from damage.
struct RowScan {
    /// What is wrong, from the first place on.
    struct Damage {
        /// What was found there.
        var reason: String
        /// Rows that are not whole, or not in their place, as far as they can be read.
        var rows = 0
        /// Bytes of these.
        var bytes = 0
        /// The first record of a whole row that comes after the damage: then it is not the end.
        var wholeAfter: UInt64?
        /// Whether SQLite could not go on, so that nobody knows what came then.
        var isUnreadable = false
    }

    /// Where the records end that are whole and in their place.
    private(set) var chain: Chain
    /// What is wrong; `nil` if nothing is.
    private(set) var damage: Damage?
    /// The highest number of a record that a row claims to have.
    private(set) var highest: UInt64 = 0
    /// The number of the first record of the first row.
    private(set) var first: UInt64?
    private let base: UInt64
    private var hasStarted = false

    /// A scan of rows that follow a snapshot; `base` is 0 if there is none.
    init(base: UInt64) {
        self.base = base
        chain = Chain()
        hasStarted = base == 0
    }

    /// Reads rows, from the one with record `start` on, to the end.
    ///
    /// - Parameter each: Gets every row that can be read, in order, with its records if they are
    ///   whole and nothing before them was damaged.
    mutating func read(
        _ database: Database, from start: UInt64,
        each: (StoredRow, StoredRecords?) throws -> Void
    ) throws {
        do {
            let cursor = try Row.fetchCursor(
                database,
                sql: StoredRow.columns + StoredRow.startingWith + " ORDER BY first",
                arguments: [Int64(bitPattern: start)])
            while let row = try cursor.next() {
                let stored = try StoredRow(row)
                try each(stored, take(stored))
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            note(error.message ?? "SQLite cannot read it")
            damage?.isUnreadable = true
            try lookBack(database)
        }
    }

    /// Takes the next row; its records if they are whole and nothing before was damaged.
    private mutating func take(_ row: StoredRow) -> StoredRecords? {
        let records = row.records
        highest = max(highest, records?.last ?? row.first)
        if first == nil { first = row.first }
        start(with: row)
        guard damage == nil else {
            damage?.rows += 1
            damage?.bytes += row.bytes.count
            if records != nil, damage?.wholeAfter == nil { damage?.wholeAfter = row.first }
            return nil
        }
        guard let records else {
            note("the row of record \(row.first) is not what was stored")
            damage?.rows = 1
            damage?.bytes = row.bytes.count
            return nil
        }
        guard row.follows(chain) else {
            note("record \(chain.last + 1) is missing or not what was stored")
            damage?.wholeAfter = row.first
            return nil
        }
        chain = Chain(last: records.last, sum: row.sum)
        return records
    }

    /// The first row after a snapshot follows rows that are gone.
    private mutating func start(with row: StoredRow) {
        guard !hasStarted else { return }
        hasStarted = true
        if row.first >= 1, row.first <= base + 1 {
            chain = Chain(last: row.first - 1, sum: row.previous)
        } else {
            chain.last = base
        }
    }

    private mutating func note(_ reason: String) {
        if damage == nil { damage = Damage(reason: reason) }
    }

    /// Looks from the end for a whole row after the damage, where SQLite could not pass it.
    private mutating func lookBack(_ database: Database) throws {
        do {
            let cursor = try Row.fetchCursor(
                database, sql: StoredRow.columns + " ORDER BY first DESC")
            while let row = try cursor.next() {
                let stored = try StoredRow(row)
                guard stored.first > chain.last else { return }
                highest = max(highest, stored.first)
                guard stored.records != nil else { continue }
                damage?.wholeAfter = stored.first
                return
            }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            // Then nothing after the damage can be read, which is what the scan says already.
            return
        }
    }
}
