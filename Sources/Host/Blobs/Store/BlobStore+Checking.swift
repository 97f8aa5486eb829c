@preconcurrency import Glibc
import Logging

/// Which chunks of a big blob were seen to be right since the store was opened.
struct ChunkProgress {
    let sums: ChunkSums
    private var words: [UInt64]
    private var left: Int

    init(_ sums: ChunkSums) {
        self.sums = sums
        left = sums.chunks.count
        words = [UInt64](repeating: 0, count: (left + 63) / 64)
    }

    /// Whether that is true of all.
    var isComplete: Bool { left == 0 }

    func isRight(_ chunk: Int) -> Bool { words[chunk >> 6] >> UInt64(chunk & 63) & 1 == 1 }

    mutating func setRight(_ chunk: Int) {
        guard !isRight(chunk) else { return }
        words[chunk >> 6] |= 1 << UInt64(chunk & 63)
        left -= 1
    }
}

/// Seeing whether what is on the disk is what its name says.
///
/// A blob is checked when it is first read after the store was opened, a big one chunk by chunk; what
/// was written in this process was hashed on its way.  Damage that the disk does later is found by
/// ``verify(_:)``.
extension BlobStore {
    /// Reads all of a blob and checks it, also if that was done before.
    ///
    /// - Throws: `missing`, `damaged`.
    package func verify(_ id: BlobID) throws(BlobError) {
        let lease = try lease(id)
        let path = folder.blob(id)
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { throw setAside(lease.reference, isThere: false) }
        _ = try checkWhole(lease.reference, Descriptor(adopting: number), path)
    }

    /// Checks every blob; returns those that were damaged, which are gone from the store.
    package func verifyAll() throws(BlobError) -> [BlobID] {
        var damaged: [BlobID] = []
        for id in ids.sorted() {
            do throws(BlobError) {
                try verify(id)
            } catch .missing {
                // It was evicted meanwhile.
                continue
            } catch .damaged {
                damaged.append(id)
            }
        }
        return damaged
    }

    /// Checks the chunks of `range` that were not seen to be right yet.
    func check(
        _ reference: BlobReference, _ file: borrowing Descriptor, _ path: String,
        _ range: Range<Int64>
    ) throws(BlobError) {
        let id = reference.id
        let isKnown = state.withLock { state in
            state.index.touch(id)
            return state.index.isVerified(id)
        }
        if isKnown { return }
        if reference.size <= Int64(ChunkSums.chunkBytes) {
            _ = try checkWhole(reference, file, path)
            return
        }
        let progress = try progress(reference, file, path)
        let number = file.number
        let wanted = ChunkSums.indices(covering: range).filter { !progress.isRight($0) }
        guard !wanted.isEmpty else { return }
        try Disk.withBuffer(ChunkSums.chunkBytes) { buffer throws(BlobError) in
            for index in wanted {
                let place = ChunkSums.range(of: index, size: reference.size)
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<place.count])
                let got = try Disk.read(number, path, at: place.lowerBound, into: part)
                guard got == place.count,
                    BlobID.of(UnsafeRawBufferPointer(part)) == progress.sums.chunks[index]
                else { throw setAside(reference, isThere: true) }
                state.withLock { $0.noteRight(id, index) }
            }
        }
    }

    /// The sums of a big blob, from memory, from beside it, or made anew by reading all of it.
    func progress(
        _ reference: BlobReference, _ file: borrowing Descriptor, _ path: String
    ) throws(BlobError) -> ChunkProgress {
        let id = reference.id
        if let known = state.withLock({ $0.progress[id] }) { return known }
        let limit = ChunkSums.encodedBytes(reference.size)
        var progress: ChunkProgress
        if let bytes = try? Disk.content(folder.sums(id), limit: limit),
            let sums = ChunkSums(encoded: bytes, size: reference.size)
        {
            progress = ChunkProgress(sums)
        } else {
            progress = ChunkProgress(try checkWhole(reference, file, path))
            try Disk.replaceContent(
                folder.sums(id), progress.sums.encoded, isFlushed: durability == .durable)
            for index in progress.sums.chunks.indices { progress.setRight(index) }
        }
        state.withLock { state in
            guard state.index.size(of: id) == reference.size else { return }
            if state.progress.count >= limits.sumsInMemory { state.progress.removeAll() }
            state.progress[id] = progress
        }
        return progress
    }

    /// Hashes all of it.
    private func checkWhole(
        _ reference: BlobReference, _ file: borrowing Descriptor, _ path: String
    ) throws(BlobError) -> ChunkSums {
        let (found, sums) = try hash(file, path).finish()
        guard found == reference else { throw setAside(reference, isThere: true) }
        state.withLock { $0.index.setVerified(reference.id) }
        return sums
    }

    /// Takes a blob whose bytes are wrong out of the books and out of the way; returns the error.
    ///
    /// It is left alone if it was put anew meanwhile.
    func setAside(_ reference: BlobReference, isThere: Bool) -> BlobError {
        let id = reference.id
        let moved = state.withLock { state in
            // Another reader may have been here first; whoever put it anew replaced the file.
            guard state.index.size(of: id) != nil,
                isThere || access(folder.blob(id), F_OK) != 0,
                !isThere || !state.index.isVerified(id) || isWrong(reference)
            else { return "" }
            var path = ""
            if isThere {
                path = "\(folder.damaged)/\(id)"
                let isRoom = state.damaged < limits.damagedKept
                if !isRoom || rename(folder.blob(id), path) != 0 {
                    path = ""
                    unlink(folder.blob(id))
                }
            }
            unlink(folder.sums(id))
            state.index.remove(id)
            state.progress[id] = nil
            state.damaged += 1
            return path
        }
        logger.error(
            "a blob is damaged on the disk and is not served any more",
            metadata: ["blob": "\(id)", "movedTo": "\(moved)"])
        return .damaged(id, movedTo: moved)
    }

    /// Whether the file that has the name now is wrong too.
    private func isWrong(_ reference: BlobReference) -> Bool {
        let path = folder.blob(reference.id)
        do throws(BlobError) {
            let file = try Disk.open(path, O_RDONLY)
            return try hash(file, path).finish().reference != reference
        } catch {
            return true
        }
    }
}

extension BlobState {
    /// Notes that a chunk of a big blob was seen to be right, and the blob with its last chunk.
    mutating func noteRight(_ id: BlobID, _ chunk: Int) {
        progress[id]?.setRight(chunk)
        if progress[id]?.isComplete == true { index.setVerified(id) }
    }
}
