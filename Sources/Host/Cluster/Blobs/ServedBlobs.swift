import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// What peers may fetch from this process: the blob store, and parts of inputs that lie in files
/// of their own and are lent for as long as an attempt may ask for them.
final class ServedBlobs: WireBlobSource {
    private let store: BlobStore
    private let readers: Dispatcher
    private let lent = Mutex(Lent())

    private struct Lent {
        var slices: [BlobID: Entry] = [:]
        var ofAttempt: [AttemptID: [BlobID]] = [:]
    }

    private struct Entry {
        var slice: PayloadSlice
        var sums: ChunkSums
        var holds: Int
    }

    init(store: BlobStore, threads: Int = 2) {
        self.store = store
        readers = Dispatcher(threads: threads, name: "blob-reader")
    }

    func close() { readers.close() }

    /// Lends bytes until an attempt ends.
    func lend(_ slice: PayloadSlice, for attempt: AttemptID) -> BlobID {
        var hasher = ContentHasher()
        slice.forEachRun { hasher.update($0) }
        let (reference, sums) = hasher.finish()
        let id = reference.id
        lent.withLock { lent in
            lent.slices[id, default: Entry(slice: slice, sums: sums, holds: 0)].holds += 1
            lent.ofAttempt[attempt, default: []].append(id)
        }
        return id
    }

    /// An attempt will ask for nothing more.
    func release(_ attempt: AttemptID) {
        lent.withLock { lent in
            for id in lent.ofAttempt.removeValue(forKey: attempt) ?? [] {
                guard var entry = lent.slices[id] else { continue }
                entry.holds -= 1
                lent.slices[id] = entry.holds > 0 ? entry : nil
            }
        }
    }

    func readBlob(
        _ sha256: [UInt8], offset: UInt64, length: Int,
        done: @escaping @Sendable (Result<WireBlobPiece, WireBlobError>) -> Void
    ) {
        let wantsSums = sha256.count > BlobID.byteCount
        guard let id = BlobID(bytes: Array(sha256.prefix(BlobID.byteCount))) else {
            return done(.failure(.missing))
        }
        readers.post(UInt32(truncatingIfNeeded: id.hashValue)) { [self] in
            done(
                wantsSums
                    ? sums(of: id, from: offset, length: length)
                    : read(id, offset: offset, length: length))
        }
    }

    private func sums(
        of id: BlobID, from offset: UInt64, length: Int
    ) -> Result<WireBlobPiece, WireBlobError> {
        let sums: [UInt8]
        if let known = lent.withLock({ $0.slices[id]?.sums }) {
            sums = known.encoded
        } else {
            do throws(BlobError) {
                sums = try store.sums(of: id).encoded
            } catch {
                return .failure(store.contains(id) ? .unreadable("\(error)") : .missing)
            }
        }
        guard offset <= UInt64(sums.count) else { return .failure(.outOfRange) }
        return .success(
            WireBlobPiece(
                bytes: Array(sums[Int(offset)...].prefix(length)), size: UInt64(sums.count)))
    }

    private func read(
        _ id: BlobID, offset: UInt64, length: Int
    ) -> Result<WireBlobPiece, WireBlobError> {
        if let slice = lent.withLock({ $0.slices[id]?.slice }) {
            guard offset <= UInt64(slice.count) else { return .failure(.outOfRange) }
            let bytes = slice.withBytes { Array($0[Int(offset)...].prefix(length)) }
            let first = slice.range.lowerBound + Int(offset)
            slice.payload.letGo(first..<(first + bytes.count))
            return .success(WireBlobPiece(bytes: bytes, size: UInt64(slice.count)))
        }
        guard let size = store.size(of: id) else { return .failure(.missing) }
        guard offset <= UInt64(size) else { return .failure(.outOfRange) }
        let end = min(size, Int64(offset) + Int64(length))
        do throws(BlobError) {
            return .success(
                WireBlobPiece(
                    bytes: try store.read(id, Int64(offset)..<end), size: UInt64(size)))
        } catch {
            return .failure(.unreadable("\(error)"))
        }
    }
}
