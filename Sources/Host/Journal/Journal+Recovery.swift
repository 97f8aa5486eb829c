import GRDB
@preconcurrency import Glibc

/// What comes back when a journal is recovered, in order.
package enum Recovered: Sendable {
    /// The next piece of the newest snapshot that is whole.
    case snapshot(upTo: UInt64, piece: [UInt8])
    /// The next records after it.
    case records(StoredRecords)
}

/// What recovery found.
package struct RecoveryReport: Sendable, Hashable {
    /// A damaged end that was cut off.
    package struct Cut: Sendable, Hashable {
        /// The first record that is gone.
        package var from: UInt64
        /// How many are gone, as far as anybody knows.
        package var records: UInt64
        /// Bytes of them that could still be read.
        package var bytes: Int
        /// What was found.
        package var reason: String
        /// The folder in which all is kept as it was found.
        package var keptIn: String
    }

    /// The last record that the snapshot covers; 0 if there was none.
    package var snapshot: UInt64 = 0
    /// How many records came after it.
    package var records: UInt64 = 0
    /// The last record.
    package var last: UInt64 = 0
    /// Snapshots that were not whole, for which an older one was used; they are renamed.
    package var damagedSnapshots: [String] = []
    /// What was cut off.
    package var cut: Cut?
    /// Side tables of which rows are lost with it.
    package var incompleteTables: [String] = []
}

extension Journal {
    /// Gives back the newest snapshot and the records after it; then the journal may be appended
    /// to.
    ///
    /// A damaged end is cut off, kept in a folder beside, and reported.  Memory: one piece or one
    /// row at a time.  `take` may not use the journal, which is being read.
    ///
    /// - Throws: `damaged` if there is something whole after the damage, or if more would be lost
    ///   than may be without being asked; what was given until then must be thrown away.  And what
    ///   `take` throws.
    package func recover(
        _ take: (Recovered) throws(JournalError) -> Void
    ) throws(JournalError) -> RecoveryReport {
        precondition(!isRecovered, "a journal is recovered once")
        var report = RecoveryReport()
        report.snapshot = try recoverSnapshot(&report, take)
        let base = report.snapshot
        var scan = RowScan(base: base)
        var count: UInt64 = 0
        try storing(folder.database, "read") {
            try queue.read { database in
                try scan.read(database, from: base + 1) { _, records in
                    guard let records = records?.after(base) else { return }
                    count += UInt64(records.count)
                    try take(.records(records))
                }
            }
        }
        report.records = count
        let known = Mark.read(folder)
        // What a damaged row says of itself counts only where there is nothing better.
        let lost = known?.last ?? scan.highest
        if scan.damage != nil || setAside != nil || lost > max(scan.chain.last, base) {
            try checkMayCut(scan, base: base, known: known?.last, lost: lost)
            try cut(scan, base: base, lost: lost, &report)
        }
        chain = scan.chain
        if chain.last < base {
            // All that is stored is in the snapshot already.
            chain.last = base
            try write { try $0.execute(sql: "DELETE FROM records") }
        }
        mark.write(chain)
        report.last = chain.last
        isRecovered = true
        return report
    }

    /// Gives the newest snapshot that is whole.
    private func recoverSnapshot(
        _ report: inout RecoveryReport, _ take: (Recovered) throws(JournalError) -> Void
    ) throws(JournalError) -> UInt64 {
        for place in try SnapshotPlace.all(folder) {
            do throws(JournalError) {
                _ = try SnapshotScan.verify(place)
            } catch {
                guard error.code == .damaged else { throw error }
                let name = place.path + SnapshotPlace.damaged
                guard rename(place.path, name) == 0 else {
                    throw JournalError(errno: errno, path: place.path, doing: "renamed")
                }
                report.damagedSnapshots.append(name)
                continue
            }
            var scan = try SnapshotScan(place)
            while let piece = try scan.next() {
                try take(.snapshot(upTo: place.upTo, piece: piece))
            }
            if scan.bytes == 0 { try take(.snapshot(upTo: place.upTo, piece: [])) }
            return place.upTo
        }
        return 0
    }

    /// - Throws: `damaged` unless it is a short end with nothing whole after it, or anything may go.
    private func checkMayCut(
        _ scan: RowScan, base: UInt64, known: UInt64?, lost: UInt64
    ) throws(JournalError) {
        let end = max(scan.chain.last, base)
        let place = "\(folder.database) is damaged after record \(end)"
        if base == 0, let first = scan.first, first > 1 {
            throw folder.noWayUp(to: first)
        }
        guard options.damage == .cutsTail else { return }
        let reason = scan.damage?.reason ?? "\(lost - end) records that were stored are missing"
        if let whole = scan.damage?.wholeAfter {
            throw JournalError(
                .damaged,
                "\(place): \(reason), and record \(whole) after it is whole, so that this is not a "
                    + "torn end; \(JournalError.wayOut)")
        }
        if scan.damage?.isUnreadable == true, known == nil {
            throw JournalError(
                .damaged,
                "\(place): \(reason), and nobody knows how many records came then; "
                    + JournalError.wayOut)
        }
        guard lost <= end || lost - end <= options.cutRecords else {
            throw JournalError(
                .damaged,
                "\(place): \(reason); wanted to lose at most \(options.cutRecords) records without "
                    + "being asked, found \(lost - end); \(JournalError.wayOut)")
        }
    }

    private func cut(
        _ scan: RowScan, base: UInt64, lost: UInt64, _ report: inout RecoveryReport
    ) throws(JournalError) {
        let end = max(scan.chain.last, base)
        let kept: String
        if let setAside {
            kept = setAside
        } else {
            kept = try folder.keepDamaged(from: end + 1)
            report.incompleteTables = try rebuild(after: base, upTo: scan.chain.last)
        }
        report.cut = RecoveryReport.Cut(
            from: end + 1,
            records: max(lost > end ? lost - end : 0, UInt64(scan.damage?.rows ?? 0)),
            bytes: scan.damage?.bytes ?? 0,
            reason: scan.damage?.reason ?? "records that were stored are missing", keptIn: kept)
    }
}
