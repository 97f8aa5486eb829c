import Logging

/// Room: limits, reservations, eviction, pins.
extension BlobStore {
    /// Promises room for `count` more bytes that will be written; evicts for it if need be.
    ///
    /// - Throws: `storeFull`, with the figures.
    func reserve(_ count: Int64, _ reservation: inout Reservation) throws(BlobError) {
        try state.withLock { state throws(BlobError) in
            try makeRoom(count, &state)
            state.reservedBytes += count
            state.unwrittenBytes += count
        }
        reservation.bytes += count
        reservation.unwritten += count
    }

    /// Promises room for `count` more bytes of something whose end nobody knows.
    ///
    /// More is reserved than that, the more the longer it is already, if there is as much.
    func reserveNext(
        _ count: Int64, after written: Int64, _ reservation: inout Reservation
    ) throws(BlobError) {
        guard count > reservation.unwritten else { return }
        do throws(BlobError) {
            try reserve(max(count, min(written, Self.reserveStep)), &reservation)
        } catch .storeFull {
            try reserve(count, &reservation)
        }
    }

    /// Bytes that are reserved at a time, at most, when nobody knows how many will come.
    static let reserveStep: Int64 = 16 << 20

    /// Notes that `count` promised bytes are on the disk now.
    func noteWritten(_ count: Int64, _ reservation: inout Reservation) {
        state.withLock { $0.unwrittenBytes -= count }
        reservation.unwritten -= count
    }

    /// Takes a promise back.
    func giveBack(_ reservation: inout Reservation) {
        state.withLock { $0.giveBack(&reservation) }
    }

    private func makeRoom(_ count: Int64, _ state: inout BlobState) throws(BlobError) {
        while true {
            let space = try Disk.space(folder.path)
            let kept = Int64(Double(space.total) * limits.freeShare)
            let isWithin = state.index.bytes + state.reservedBytes + count <= limits.totalBytes
            if isWithin && space.free - state.unwrittenBytes - count >= kept { return }
            guard let id = state.index.leastRecent else {
                throw .storeFull(wanted: count, figures: figures(state, space))
            }
            try evict(id, &state)
        }
    }

    /// The file goes before the entry, under the lock: nobody can have put it there anew.
    private func evict(_ id: BlobID, _ state: inout BlobState) throws(BlobError) {
        try Disk.remove(folder.blob(id))
        if (state.index.size(of: id) ?? 0) > Int64(ChunkSums.chunkBytes) {
            try Disk.remove(folder.sums(id))
        }
        state.index.remove(id)
        state.progress[id] = nil
        state.evicted += 1
        logger.debug("evicted a blob", metadata: ["blob": "\(id)"])
    }

    /// Removes a blob that nobody holds; `false` if it is held or not here.
    @discardableResult
    package func remove(_ id: BlobID) throws(BlobError) -> Bool {
        try state.withLock { state throws(BlobError) in
            guard state.index.size(of: id) != nil, state.index.holdCount(id) == 0 else {
                return false
            }
            try evict(id, &state)
            return true
        }
    }

    /// Keeps blobs from eviction in the name of `owner`, once more each, until it says otherwise.
    ///
    /// Pins survive a restart; they are on the disk when this returns, if the store is durable.
    ///
    /// - Parameter owner: A run, say: up to 80 letters, digits, `-`, `_`, `.` and `:`.
    /// - Throws: `missing` for the first that is not here; then none is pinned.  `badName`.
    package func pin(_ ids: [BlobID], for owner: String) throws(BlobError) {
        try BlobName.check(owner)
        try pins.withLock { log throws(BlobError) in
            try state.withLock { state throws(BlobError) in
                for id in ids where state.index.size(of: id) == nil { throw .missing(id) }
                for id in ids { state.index.hold(id) }
            }
            do throws(BlobError) {
                try log.pin(ids, owner)
            } catch {
                state.withLock { state in for id in ids { state.index.release(id) } }
                throw error
            }
        }
    }

    /// Takes back one pin of `owner` on each of the blobs; those that it does not pin are left out.
    package func unpin(_ ids: [BlobID], for owner: String) throws(BlobError) {
        try pins.withLock { log throws(BlobError) in
            let done = try log.unpin(ids, owner)
            state.withLock { state in for id in done { state.index.release(id) } }
        }
    }

    /// Takes back all pins of `owner`: its run is over.
    package func unpinAll(of owner: String) throws(BlobError) {
        try pins.withLock { log throws(BlobError) in
            let mine = try log.release(owner)
            state.withLock { state in
                for (id, count) in mine { state.index.release(id, count: count) }
            }
        }
    }

    /// Who pins what, and how often.
    package var pinnedBlobs: [String: [BlobID: Int]] { pins.withLock { $0.owners } }

    /// What is wrong with the books, for tests; empty if nothing is.
    package func violations() -> [String] {
        state.withLock { state in
            var problems = state.index.violations()
            if state.reservedBytes < 0 || state.unwrittenBytes < 0 {
                problems.append("more was given back than was reserved")
            }
            if state.unwrittenBytes > state.reservedBytes {
                problems.append("more is unwritten than is reserved")
            }
            return problems
        }
    }
}
