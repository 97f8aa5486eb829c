import GRDB

/// What a verification of a journal found.
package struct JournalReport: Sendable, Hashable {
    /// One of the snapshots.
    package struct Snapshot: Sendable, Hashable {
        /// The last record that it covers.
        package var upTo: UInt64
        /// Bytes that it holds, as far as it is whole.
        package var bytes: UInt64
        /// What is wrong with it.
        package var problem: String?
    }

    /// Snapshots, the newest first.
    package var snapshots: [Snapshot] = []
    /// The first record that is stored; 0 if there is none.
    package var first: UInt64 = 0
    /// The last record up to which all is whole.
    package var last: UInt64 = 0
    /// How many records are whole.
    package var records: UInt64 = 0
    /// In how many rows.
    package var rows = 0
    /// How many bytes these have.
    package var bytes: UInt64 = 0
    /// What is wrong, at most `JournalLimits.problems` of it; nothing if all is whole.
    package var problems: [String] = []

    mutating func note(_ problem: String) {
        if problems.count < JournalLimits.problems { problems.append(problem) }
    }
}

extension JournalReader {
    /// Reads everything and checks it; a coordinator may go on writing.
    ///
    /// Sees what was stored when it began.  The log of the database grows as long as it lasts.
    package func verify() throws(JournalError) -> JournalReport {
        var report = JournalReport()
        // Before the rows: they may only be further than the mark.
        let mark = Mark.read(folder)
        var scan = RowScan(base: 0)
        var base: UInt64 = 0
        var read = JournalReport()
        try storing(folder.database, "read") {
            try queue.read { database in
                try Self.begin(database)
                base = try verifySnapshots(&report)
                scan = RowScan(base: base)
                try scan.read(database, from: 0) { row, records in
                    if read.rows == 0 { read.first = row.first }
                    read.rows += 1
                    read.bytes += UInt64(row.bytes.count)
                    read.records += UInt64(records?.count ?? 0)
                }
                try Self.checkDatabase(database, &read)
            }
        }
        report.first = read.first
        report.rows = read.rows
        report.bytes = read.bytes
        report.records = read.records
        report.last = max(scan.chain.last, base)
        if let damage = scan.damage {
            let after = damage.wholeAfter.map { "; record \($0) after it is whole" } ?? ""
            report.note("after record \(scan.chain.last): \(damage.reason)\(after)")
        } else if let mark, mark.last > report.last {
            report.note("records \(report.last + 1) to \(mark.last) were stored and are not there")
        }
        for problem in read.problems { report.note(problem) }
        return report
    }

    /// Returns the last record that the oldest whole snapshot covers.
    private func verifySnapshots(_ report: inout JournalReport) throws(JournalError) -> UInt64 {
        var base: UInt64 = 0
        for place in try SnapshotPlace.all(folder) {
            do throws(JournalError) {
                let bytes = try SnapshotScan.verify(place)
                report.snapshots.append(.init(upTo: place.upTo, bytes: bytes))
                base = place.upTo
            } catch {
                // One that the coordinator has just dropped is no problem.
                guard error.code != .missing else { continue }
                report.snapshots.append(
                    .init(upTo: place.upTo, bytes: 0, problem: error.message))
                report.note(error.message)
            }
        }
        return base
    }

    private static func checkDatabase(_ database: Database, _ report: inout JournalReport) throws {
        do {
            let lines = try String.fetchAll(
                database, sql: "PRAGMA integrity_check(\(JournalLimits.problems))")
            for line in lines where line != "ok" { report.note("SQLite: \(line)") }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            report.note("SQLite: \(error.message ?? "it cannot be read")")
        }
    }
}
