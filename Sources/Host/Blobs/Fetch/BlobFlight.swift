@preconcurrency import Glibc
import Logging
import Synchronization

/// One blob on its way, for everybody who asked for it.
final class BlobFlight: Sendable {
    struct Caller: Sendable {
        var owner: String?
        var answer: BlobFetcher.Answer
    }

    private struct Book {
        var plan: FetchPlan
        var sources: [any BlobSource] = []
        var callers: [Caller] = []
        var reservation = Reservation()
        var isOver = false
    }

    let blob: BlobReference
    private let store: BlobStore
    private let limits: BlobFetchLimits
    private let book: Mutex<Book>

    init(_ blob: BlobReference, store: BlobStore, limits: BlobFetchLimits) {
        self.blob = blob
        self.store = store
        self.limits = limits
        book = Mutex(Book(plan: FetchPlan(blob, limits: limits)))
    }

    /// Adds somebody who waits, and the holders that he knows; `false` if the fetch is over.
    func join(_ caller: Caller, _ sources: [any BlobSource]) -> Bool {
        book.withLock { book in
            guard !book.isOver else { return false }
            book.callers.append(caller)
            for source in sources
            where book.plan.add(source.name, isLastResort: source.isLastResort) != nil {
                book.sources.append(source)
            }
            return true
        }
    }

    /// What is to be done next, by the caller.
    func next() -> FetchPlan.Step {
        book.withLock { $0.isOver ? .wait : $0.plan.next() }
    }

    /// Does a step; whether the fetch is over.
    func perform(_ step: FetchPlan.Step) -> Bool {
        do throws(BlobError) {
            switch step {
            case .wait: return false
            case .prepare: return try prepare()
            case .giveUp:
                let reasons = book.withLock { $0.plan.reasons }
                throw .noSource(blob.id, reasons: reasons)
            case .askSums(let holder): askSums(holder)
            case .askChunk(let index, let holder): try askChunk(index, holder)
            case .checkWhole: return try checkWhole()
            }
            return false
        } catch {
            end(.failure(error))
            return true
        }
    }

    /// Tells everybody who waits how it ended; the first end counts.
    func end(_ result: Swift.Result<BlobReference, BlobError>) {
        let callers = book.withLock { book in
            store.giveBack(&book.reservation)
            book.isOver = true
            defer { book.callers = [] }
            return book.callers
        }
        for caller in callers { caller.answer(pinned(result, for: caller.owner)) }
    }

    private func pinned(
        _ result: Swift.Result<BlobReference, BlobError>, for owner: String?
    ) -> Swift.Result<BlobReference, BlobError> {
        guard case .success = result, let owner else { return result }
        do throws(BlobError) {
            try store.pin([blob.id], for: owner)
            return result
        } catch {
            return .failure(error)
        }
    }

    private var path: String { store.folder.fetch(blob.id) }

    /// Reserves room, and looks what an earlier process left; whether the blob is here already.
    private func prepare() throws(BlobError) -> Bool {
        if store.size(of: blob.id) == blob.size {
            let lease = try store.lease(blob.id)
            end(.success(blob))
            withExtendedLifetime(lease) {}
            return true
        }
        try store.checkSize(blob.size)
        guard blob.size >= 0, ChunkSums.chunkCount(blob.size) <= ChunkSums.maximumChunks else {
            throw .tooLarge(bytes: blob.size, limit: store.limits.blobBytes)
        }
        let found = try sumsOfPart()
        try book.withLock { book throws(BlobError) in
            guard !book.isOver else { return }
            try store.reserve(blob.size, &book.reservation)
            book.plan.prepared(found)
        }
        return false
    }

    private func sumsOfPart() throws(BlobError) -> [Int: BlobID] {
        let path = path
        let file = try Disk.open(path, O_RDWR | O_CREAT)
        let number = file.number
        let size = min(Int64(try Disk.status(file, path).st_size), blob.size)
        guard size > 0 else { return [:] }
        let found = try Disk.withBuffer(ChunkSums.chunkBytes) { buffer throws(BlobError) in
            var found: [Int: BlobID] = [:]
            for index in 0..<ChunkSums.chunkCount(size) {
                let range = ChunkSums.range(of: index, size: blob.size)
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<range.count])
                let got = try Disk.read(number, path, at: range.lowerBound, into: part)
                guard got == range.count else { continue }
                found[index] = BlobID.of(UnsafeRawBufferPointer(part))
            }
            return found
        }
        // The only chunk of a small blob must be the blob.
        let isSmall = ChunkSums.chunkCount(blob.size) == 1
        return isSmall && found[0] != blob.id ? [:] : found
    }

    private func askSums(_ holder: Int) {
        let source = book.withLock { $0.sources[holder] }
        do throws(BlobSourceFailure) {
            let bytes = try source.sums(of: blob, within: limits.answer)
            guard let sums = ChunkSums(encoded: bytes, size: blob.size) else {
                throw .failed("gave sums that are none of \(blob.size) bytes")
            }
            book.withLock { $0.plan.tookSums(sums.chunks, from: holder) }
        } catch {
            book.withLock { $0.plan.failedSums(error, from: holder) }
        }
    }

    private func askChunk(_ index: Int, _ holder: Int) throws(BlobError) {
        let source = book.withLock { $0.sources[holder] }
        let range = ChunkSums.range(of: index, size: blob.size)
        let bytes: [UInt8]
        do throws(BlobSourceFailure) {
            bytes = try source.read(blob, range, within: limits.answer)
            guard bytes.count == range.count else {
                throw .failed("gave \(bytes.count) bytes of a chunk of \(range.count)")
            }
        } catch {
            book.withLock { $0.plan.failedChunk(index, error, from: holder) }
            return
        }
        let sum = BlobID.of(bytes)
        guard !book.withLock({ $0.isOver }) else { return }
        // The bytes are on the disk before the plan says so; wrong ones are written over.
        try write(bytes, at: range.lowerBound)
        if !book.withLock({ $0.plan.tookChunk(index, sum, from: holder) }) {
            store.logger.warning(
                "a chunk of a blob is not what the blob's sums say",
                metadata: [
                    "blob": "\(blob.id)", "chunk": "\(index)", "source": "\(source.name)",
                ])
        }
    }

    private func write(_ bytes: [UInt8], at offset: Int64) throws(BlobError) {
        let path = path
        let file = try Disk.open(path, O_WRONLY)
        try bytes.lend { buffer throws(BlobError) in
            try Disk.write(file, path, at: offset, buffer)
        }
        book.withLock { book in
            let count = min(Int64(bytes.count), book.reservation.unwritten)
            if !book.isOver { store.noteWritten(count, &book.reservation) }
        }
    }

    private func checkWhole() throws(BlobError) -> Bool {
        let file = try Disk.open(path, O_RDWR)
        guard ftruncate(file.number, off_t(blob.size)) == 0 else {
            throw Disk.failure("cut to its size", path)
        }
        let (found, sums) = try store.hash(file, path).finish()
        guard found == blob else {
            guard book.withLock({ $0.plan.wholeIsWrong() }) else {
                throw .wrongContent(wanted: blob.id, found: found.id)
            }
            return false
        }
        if store.durability == .durable { try Disk.sync(file, path) }
        let lease = try book.withLock { book throws(BlobError) -> BlobLease? in
            guard !book.isOver else { return nil }
            try store.publish(path, blob, sums, pinnedFor: nil, &book.reservation)
            return try store.lease(blob.id)
        }
        unlink(path)
        // Leased, so that it is still there to be pinned by those who waited.
        end(.success(blob))
        withExtendedLifetime(lease) {}
        return true
    }
}
