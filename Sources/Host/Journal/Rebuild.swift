import GRDB
@preconcurrency import Glibc

extension Journal {
    /// Cuts the journal in `folder` off at the first damage, wherever that is, so that a
    /// coordinator can go on from there; what was found is kept in a folder beside.
    ///
    /// - Throws: `missing`, what `open` throws, and `damaged` if even the beginning is lost.
    package static func repair(folder path: String) throws(JournalError) -> RecoveryReport {
        _ = try JournalFolder.forRepair(path)
        var options = JournalOptions()
        options.damage = .cutsAnything
        let journal = try open(folder: path, options: options)
        let report = try journal.recover { _ in }
        try journal.close()
        return report
    }

    /// Makes the database anew from what of it is whole.
    ///
    /// That is rows up to record `last`, those before `base` only if they can be read, and all that
    /// can be read of the side tables.
    ///
    /// The old one stays in its place until the new one is on the disk; a copy of it must have
    /// been kept.
    ///
    /// - Returns: The side tables of which not all could be read.
    func rebuild(after base: UInt64, upTo last: UInt64) throws(JournalError) -> [String] {
        let fresh = try JournalDatabase.forWriting(folder.rebuilt, pages: options.pages)
        var incomplete: [String] = []
        try storing(folder.rebuilt, "written") {
            try queue.read { old in
                try fresh.write { new in
                    do {
                        try Self.copyRows(old, new, from: 0, upTo: last)
                    } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                        try new.execute(sql: "DELETE FROM records")
                        try Self.copyRows(old, new, from: base + 1, upTo: last)
                    }
                    incomplete = try Self.copyTables(old, new)
                }
            }
            try fresh.writeWithoutTransaction {
                try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
            try fresh.close()
        }
        try storing(folder.database, "closed") { try queue.close() }
        // A log of the old one must not be taken for one of the new one.
        try folder.removeLog()
        guard rename(folder.rebuilt, folder.database) == 0 else {
            throw JournalError(errno: errno, path: folder.rebuilt, doing: "put in its place")
        }
        try folder.flush()
        queue = try JournalDatabase.forWriting(folder.database, pages: options.pages)
        return incomplete
    }

    private static func copyRows(
        _ old: Database, _ new: Database, from start: UInt64, upTo last: UInt64
    ) throws {
        let cursor = try Row.fetchCursor(
            old, sql: StoredRow.columns + StoredRow.startingWith + " AND first <= ? ORDER BY first",
            arguments: [Int64(bitPattern: start), Int64(bitPattern: last)])
        while let row = try cursor.next() { try StoredRow(row).insert(new) }
    }

    private static func copyTables(_ old: Database, _ new: Database) throws -> [String] {
        var incomplete: [String] = []
        for (name, kind) in [
            ("runs", RunEntry.self), ("answers", AnswerEntry.self), ("tokens", TokenEntry.self),
        ] as [(String, any SideRow.Type)] {
            do {
                let cursor = try Row.fetchCursor(old, sql: kind.columns)
                while let row = try cursor.next() { try kind.init(row).insert(new) }
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
                incomplete.append(name)
            }
        }
        return incomplete
    }
}

extension JournalFolder {
    /// Copies the database and its log, as they are, into a folder of their own.
    ///
    /// - Parameter first: The first record that is lost; it becomes part of the name.
    /// - Returns: The folder.
    func keepDamaged(from first: UInt64) throws(JournalError) -> String {
        for number in 1...JournalLimits.damagedFolders {
            let target = "\(path)/damaged-from-\(first)-\(number)"
            guard mkdir(target, 0o700) == 0 else {
                guard errno == EEXIST else {
                    throw JournalError(errno: errno, path: target, doing: "made")
                }
                continue
            }
            for file in [database, log, mark] where access(file, F_OK) == 0 {
                let name = file.split(separator: "/").last.map(String.init) ?? "file"
                try copy(file, to: "\(target)/\(name)")
            }
            try JournalFolder(path: target).flush()
            try flush()
            return target
        }
        throw JournalError(
            .notWritable,
            "\(path): wanted at most \(JournalLimits.damagedFolders) folders of damaged files, "
                + "found as many; look at them and remove those that nobody needs")
    }

    /// Removes the database's log and the index of it.
    func removeLog() throws(JournalError) {
        for file in [log, "\(database)-shm"] { try remove(file) }
    }

    /// Removes the database, of which a copy must have been kept.
    func removeDatabase() throws(JournalError) {
        try removeLog()
        try remove(database)
    }

    private func remove(_ file: String) throws(JournalError) {
        guard unlink(file) == 0 || errno == ENOENT else {
            throw JournalError(errno: errno, path: file, doing: "removed")
        }
    }

    private func copy(_ source: String, to target: String) throws(JournalError) {
        let from = try OwnedDescriptor(opening: source, O_RDONLY, doing: "opened")
        let to = try OwnedDescriptor(
            opening: target, O_WRONLY | O_CREAT | O_EXCL, doing: "opened")
        while case let bytes = try from.read(JournalLimits.chunkBytes), !bytes.isEmpty {
            try to.write(bytes[...])
        }
        try to.flush()
    }
}
