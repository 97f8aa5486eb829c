import GRDB
@preconcurrency import Glibc

extension Journal {
    /// Where a snapshot of the state after record `upTo` goes.
    ///
    /// Give it to a `SnapshotWriter`, on any thread, and call `dropCovered()` when that has
    /// finished.
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
        try dropCovered()
    }

    /// Drops the snapshots beyond `JournalOptions.snapshots`, and the records that the oldest one
    /// kept makes superfluous.
    ///
    /// So the newest snapshot may turn out to be damaged and nothing is lost.
    ///
    /// - Returns: How many records are superfluous by now, over all.
    @discardableResult
    package func dropCovered() throws(JournalError) -> UInt64 {
        let places = try SnapshotPlace.all(folder)
        guard places.count >= options.snapshots else { return 0 }
        let oldest = places[options.snapshots - 1].upTo
        // The last row stays, so that the chain has an end.
        try write { database in
            try database.execute(
                sql: """
                    DELETE FROM records WHERE first + count - 1 <= ?
                        AND first < (SELECT max(first) FROM records)
                    """, arguments: [Int64(bitPattern: oldest)])
        }
        for place in places.dropFirst(options.snapshots) {
            guard unlink(place.path) == 0 || errno == ENOENT else {
                throw JournalError(errno: errno, path: place.path, doing: "removed")
            }
        }
        return oldest
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
