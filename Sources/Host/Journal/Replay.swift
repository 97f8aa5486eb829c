import GRDB

/// What was given back of a journal that is gone through.
package struct ReplaySummary: Sendable, Hashable {
    /// The record that the snapshot at the beginning leads up to; 0 if it began with nothing.
    package var base: UInt64 = 0
    /// The last record before any damage; 0 if there is none.
    package var last: UInt64 = 0
    /// Snapshots that are not whole, and why.
    package var damagedSnapshots: [String] = []
    /// What was found wrong with the records first.
    package var damage: String?
}

extension JournalReader {
    /// Gives back everything that is stored, in its order; a coordinator may go on writing.
    ///
    /// It begins with the oldest snapshot that is whole if the records before it are dropped. Each
    /// later one comes after the last record that it covers, and holds nothing new.  Memory: one piece
    /// or one row at a time.
    ///
    /// - Throws: `damaged` if no snapshot leads up to the first record, and what `take` throws.
    package func replay(
        _ take: (Recovered) throws(JournalError) -> Void
    ) throws(JournalError) -> ReplaySummary {
        var summary = ReplaySummary()
        try storing(folder.database, "read") {
            try queue.read { database in
                try Self.begin(database)
                var snapshots = try wholeSnapshots(&summary)
                let first = try Int64.fetchOne(database, sql: "SELECT min(first) FROM records") ?? 0
                if first != 1, let oldest = snapshots.first {
                    try give(oldest, take)
                    summary.base = oldest.upTo
                    snapshots.removeFirst()
                }
                guard first <= 1 || summary.base > 0 else {
                    throw folder.noWayUp(to: UInt64(first))
                }
                let base = summary.base
                var scan = RowScan(base: base)
                try scan.read(database, from: base + 1) { _, records in
                    guard let records = records?.after(base) else { return }
                    while let next = snapshots.first, next.upTo < records.first {
                        try give(next, take)
                        snapshots.removeFirst()
                    }
                    try take(.records(records))
                }
                summary.last = max(scan.chain.last, base)
                summary.damage = scan.damage?.reason
                for next in snapshots where next.upTo == summary.last { try give(next, take) }
            }
        }
        return summary
    }

    /// The oldest first.
    private func wholeSnapshots(
        _ summary: inout ReplaySummary
    ) throws(JournalError) -> [SnapshotPlace] {
        var whole: [SnapshotPlace] = []
        for place in try SnapshotPlace.all(folder).reversed() {
            do throws(JournalError) {
                _ = try SnapshotScan.verify(place)
                whole.append(place)
            } catch {
                // One that the coordinator has just dropped is no problem.
                if error.code != .missing { summary.damagedSnapshots.append(error.message) }
            }
        }
        return whole
    }

    private func give(
        _ place: SnapshotPlace, _ take: (Recovered) throws(JournalError) -> Void
    ) throws(JournalError) {
        var scan = try SnapshotScan(place)
        while let piece = try scan.next() { try take(.snapshot(upTo: place.upTo, piece: piece)) }
    }
}

extension JournalFolder {
    /// Nothing whole comes before the first record that is stored.
    func noWayUp(to first: UInt64) -> JournalError {
        JournalError(
            .damaged,
            "\(path): wanted a snapshot that leads up to record \(first), the first one stored, found "
                + "none that is whole; put back a copy of the snapshot from a backup, or a copy of the "
                + "folder")
    }
}
