import GRDB
@preconcurrency import Glibc

extension Journal {
    /// Where a snapshot of the state after record `upTo` goes.
    ///
    /// Give it to a `SnapshotWriter`, on any thread, and call `dropCovered()` when that has
    /// finished, until there is nothing more to drop.
    package func snapshotPlace(upTo: UInt64) throws(JournalError) -> SnapshotPlace {
        guard isRecovered, upTo <= last else {
            throw JournalError(
                .refused,
                "wanted a snapshot of records that are stored, found one up to \(upTo) where "
                    + "\(last) is the last; append them first")
        }
        return SnapshotPlace(upTo: upTo, folder: folder)
    }

    /// Stores a snapshot of the state after record `upTo`, and drops what is superfluous then.
    package func snapshot(_ bytes: [UInt8], upTo: UInt64) throws(JournalError) {
        let writer = try SnapshotWriter(at: snapshotPlace(upTo: upTo))
        try writer.write(bytes)
        try writer.finish()
        while try dropCovered() {}
    }

    /// Drops the snapshots beyond `JournalOptions.snapshots`, and then superfluous records.
    ///
    /// These are the ones up to the oldest snapshot kept; `JournalOptions.droppedRows` at a time.
    /// So the newest snapshot may turn out to be damaged and nothing is lost.
    ///
    /// - Returns: Whether there is more to drop: call it again, in another turn.
    @discardableResult
    package func dropCovered() throws(JournalError) -> Bool {
        let places = try SnapshotPlace.all(folder)
        for place in places.dropFirst(options.snapshots) {
            guard unlink(place.path) == 0 || errno == ENOENT else {
                throw JournalError(errno: errno, path: place.path, doing: "removed")
            }
        }
        guard places.count >= options.snapshots else { return false }
        let oldest = places[options.snapshots - 1].upTo
        var dropped = 0
        try write { database in
            // From the front, so that there is never a gap; the last row stays, so that the chain
            // has an end.
            try database.execute(
                sql: """
                    DELETE FROM records WHERE first IN (
                        SELECT first FROM records WHERE first <= ?1 AND first + count - 1 <= ?1
                            AND first < (SELECT max(first) FROM records) ORDER BY first LIMIT ?2)
                    """, arguments: [Int64(bitPattern: oldest), options.droppedRows])
            dropped = database.changesCount
        }
        return dropped == options.droppedRows
    }
}

extension JournalFolder {
    /// Removes what a crash left unfinished.
    func removeUnfinished() throws(JournalError) {
        let parts = try names(beginning: SnapshotPlace.prefix).filter {
            $0.hasSuffix(SnapshotPlace.unfinished)
        }
        let copies = try names(beginning: "journal.sqlite.new")
        for name in parts + copies {
            guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
                throw JournalError(errno: errno, path: "\(path)/\(name)", doing: "removed")
            }
        }
    }
}
