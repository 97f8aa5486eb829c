import Synchronization

/// A front of a store that keeps small blobs in memory up to a limit and the rest on the disk.
///
/// For results that live shortly: what is in memory is lost with the process, and is not pinned.
/// What does not fit goes to the store, those not used for longest first.
package final class BlobCache: Sendable {
    /// The store behind it.
    package let store: BlobStore
    private let memoryBytes: Int64
    private let smallBytes: Int
    private let memory = Mutex(Memory())

    fileprivate struct Memory {
        var index = BlobIndex()
        var contents: [BlobID: [UInt8]] = [:]
    }

    /// A cache in front of `store`.
    ///
    /// - Parameters:
    ///   - memoryBytes: Bytes of all blobs in memory, at most.
    ///   - smallBytes: Bytes of a blob that is kept in memory, at most.
    package init(store: BlobStore, memoryBytes: Int64 = 64 << 20, smallBytes: Int = 64 << 10) {
        self.store = store
        self.memoryBytes = memoryBytes
        self.smallBytes = smallBytes
    }

    /// Bytes that are in memory.
    package var bytesInMemory: Int64 { memory.withLock { $0.index.bytes } }

    /// Keeps a blob: in memory if it is small, else in the store.
    ///
    /// - Throws: What the store says when it is given what has to make way for the new blob, which
    ///   is not kept then.
    package func put(_ bytes: [UInt8]) throws(BlobError) -> BlobID {
        guard bytes.count <= smallBytes, Int64(bytes.count) <= memoryBytes else {
            return try store.put(bytes)
        }
        let id = BlobID.of(bytes)
        if memory.withLock({ $0.contents[id] == nil }) {
            try spill(downTo: memoryBytes - Int64(bytes.count))
        }
        memory.withLock { memory in
            memory.contents[id] = bytes
            memory.index.insert(
                id, size: Int64(bytes.count), isVerified: true, isFlushed: false)
        }
        return id
    }

    /// Whether a blob is here.
    package func contains(_ id: BlobID) -> Bool {
        memory.withLock { $0.contents[id] != nil } || store.contains(id)
    }

    /// The bytes of a blob.
    ///
    /// - Throws: `missing`, `damaged`.
    package func content(_ id: BlobID) throws(BlobError) -> BlobContent {
        let bytes = memory.withLock { memory in
            memory.index.touch(id)
            return memory.contents[id]
        }
        if let bytes { return .memory(bytes) }
        return .mapped(try store.map(id))
    }

    /// Puts what is in memory into the store, before the process ends.
    package func flush() throws(BlobError) {
        try spill(downTo: 0)
    }

    private func spill(downTo limit: Int64) throws(BlobError) {
        while let (id, bytes) = memory.withLock({ $0.leastRecent(beyond: limit) }) {
            do throws(BlobError) {
                _ = try store.put(bytes)
            } catch {
                memory.withLock { $0.index.release(id) }
                throw error
            }
            memory.withLock { memory in
                memory.index.release(id)
                memory.index.remove(id)
                memory.contents[id] = nil
            }
        }
    }
}

extension BlobCache.Memory {
    /// Holds the blob that goes next, so that it stays readable until it is on the disk.
    mutating func leastRecent(beyond limit: Int64) -> (BlobID, [UInt8])? {
        guard index.bytes - index.heldBytes > limit, let id = index.leastRecent,
            let bytes = contents[id]
        else { return nil }
        index.hold(id)
        return (id, bytes)
    }
}

/// The bytes of a blob, wherever they are.
package enum BlobContent: Sendable {
    case memory([UInt8])
    case mapped(BlobMapping)

    /// Lends the bytes for the time of the call.
    package func withBytes<T>(_ body: (UnsafeRawBufferPointer) throws -> T) rethrows -> T {
        switch self {
        case .memory(let bytes): try bytes.withUnsafeBytes(body)
        case .mapped(let mapping): try mapping.withBytes(body)
        }
    }
}
