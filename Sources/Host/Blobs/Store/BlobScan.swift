@preconcurrency import Glibc

/// Finds out what is in a folder that was just locked, and tidies up after a crash.
struct BlobScan {
    var folder: BlobFolder

    private struct Found {
        var id: BlobID
        var size: Int64
        var used: Int64
    }

    /// Enters the blobs, the one used last being the last; removes what is half-written.
    ///
    /// Nothing is read but names and sizes: the content is checked when it is first read.
    /// Complexity: a system call for each blob.
    func read(into state: inout BlobState, _ opening: inout BlobOpening) throws(BlobError) {
        for name in try Disk.names(in: folder.temporary) {
            try Disk.remove("\(folder.temporary)/\(name)")
            opening.removedPartials += 1
        }
        var found: [Found] = []
        for shelf in BlobFolder.shelves {
            try readShelf(shelf, into: &found, &opening)
        }
        found.sort { ($0.used, $0.id) < ($1.used, $1.id) }
        for blob in found {
            state.index.insert(blob.id, size: blob.size, isVerified: false, isFlushed: true)
        }
        opening.blobs = found.count
    }

    private func readShelf(
        _ shelf: String, into found: inout [Found], _ opening: inout BlobOpening
    ) throws(BlobError) {
        let path = "\(folder.blobs)/\(shelf)"
        let names = Set(try Disk.names(in: path))
        for name in names {
            if name.hasSuffix(BlobFolder.sumsEnding) {
                // Sums come before their blob; a crash in between leaves them alone.
                guard !names.contains(String(name.dropLast(BlobFolder.sumsEnding.count))) else {
                    continue
                }
                try Disk.remove("\(path)/\(name)")
                opening.removedPartials += 1
                continue
            }
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            guard let id = BlobID(name), name.hasPrefix(shelf),
                status.st_mode & S_IFMT == S_IFREG
            else {
                try Disk.rename("\(path)/\(name)", "\(folder.damaged)/stranger-\(name)")
                opening.strangers += 1
                continue
            }
            found.append(
                Found(
                    id: id, size: Int64(status.st_size),
                    used: max(Int64(status.st_atim.tv_sec), Int64(status.st_mtim.tv_sec))))
        }
    }

    /// Removes uploads and fetches whose last byte came before `second`; returns how many.
    func collect(olderThan second: Int64) throws(BlobError) -> Int {
        var count = try collectFetches(olderThan: second)
        let names = Set(try Disk.names(in: folder.uploads))
        for name in names where name.hasSuffix(BlobFolder.wantEnding) {
            let upload = String(name.dropLast(BlobFolder.wantEnding.count))
            let isWhole = names.contains(upload + BlobFolder.partEnding)
            guard !isWhole || isOld(folder.part(upload), second) else { continue }
            try Disk.remove(folder.part(upload))
            try Disk.remove(folder.want(upload))
            count += 1
        }
        for name in names where name.hasSuffix(BlobFolder.partEnding) {
            let upload = String(name.dropLast(BlobFolder.partEnding.count))
            guard !names.contains(upload + BlobFolder.wantEnding) else { continue }
            try Disk.remove("\(folder.uploads)/\(name)")
            count += 1
        }
        return count
    }

    /// Removes what has come of fetches whose last byte came before `second`; returns how many.
    func collectFetches(olderThan second: Int64) throws(BlobError) -> Int {
        let old = try Disk.names(in: folder.fetches).map { "\(folder.fetches)/\($0)" }.filter {
            isOld($0, second)
        }
        for path in old { try Disk.remove(path) }
        return old.count
    }

    private func isOld(_ path: String, _ second: Int64) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && Int64(status.st_mtim.tv_sec) < second
    }
}
