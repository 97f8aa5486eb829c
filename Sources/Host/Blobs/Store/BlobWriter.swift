import CFanfoldSystem
@preconcurrency import Glibc

/// A blob that is being written; of one thread at a time.
///
/// Unless it is committed, nothing is left of it.
package final class BlobWriter {
    private let store: BlobStore
    private let path: String
    private let file: Descriptor
    private var hasher = ContentHasher()
    private var reservation = Reservation()
    private var isOver = false

    /// Bytes so far.
    package var count: Int64 { hasher.count }

    /// Begins a blob of about `expectedSize` bytes, for which room is reserved at once.
    ///
    /// - Throws: `tooLarge`, `storeFull`, and what the disk says.
    package init(_ store: BlobStore, expectedSize: Int64 = 0) throws(BlobError) {
        self.store = store
        path = "\(store.folder.temporary)/\(store.state.withLock { $0.nextTemporary() })"
        try store.checkSize(expectedSize)
        file = try Disk.open(path, O_RDWR | O_CREAT | O_EXCL)
        try store.reserve(expectedSize, &reservation)
    }

    deinit {
        abandon()
    }

    /// Adds bytes.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(BlobError) {
        precondition(!isOver, "nothing is written to a blob that was committed")
        try store.checkSize(count + Int64(bytes.count))
        try store.reserveNext(Int64(bytes.count), after: count, &reservation)
        try Disk.write(file, path, at: count, bytes)
        hasher.update(bytes)
        store.noteWritten(Int64(bytes.count), &reservation)
    }

    /// Adds everything from `descriptor`, from where it is, to its end; a pipe or a file.
    package func write(from descriptor: Int32, path name: String) throws(BlobError) {
        try Disk.withBuffer { buffer throws(BlobError) in
            while true {
                let got = read(descriptor, buffer.baseAddress, buffer.count)
                if got < 0 && errno == EINTR { continue }
                guard got >= 0 else { throw Disk.failure("read", name) }
                guard got > 0 else { return }
                try write(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            }
        }
    }

    /// Lets the empty file share the blocks of `source`, if the file system can; then hashes that.
    ///
    /// - Returns: `false` if it cannot and nothing happened.
    func clone(_ source: Int32) throws(BlobError) -> Bool {
        guard fanfold_clone_file(file.number, source) == 0 else { return false }
        try Disk.withBuffer { buffer throws(BlobError) in
            while true {
                let got = try Disk.read(file.number, path, at: count, into: buffer)
                guard got > 0 else { return }
                try store.checkSize(count + Int64(got))
                try store.reserveNext(Int64(got), after: count, &reservation)
                hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
                store.noteWritten(Int64(got), &reservation)
            }
        }
        return true
    }

    /// Gives the blob its name.
    ///
    /// - Parameters:
    ///   - expected: The id that it must have.
    ///   - owner: Who pins it from the moment it is there.
    /// - Throws: `wrongContent`; then nothing is left of it.
    package func commit(
        expecting expected: BlobID? = nil, pinnedFor owner: String? = nil
    ) throws(BlobError) -> BlobReference {
        precondition(!isOver, "a blob is committed once")
        defer { abandon() }
        let (reference, sums) = hasher.finish()
        if let expected, expected != reference.id {
            throw .wrongContent(wanted: expected, found: reference.id)
        }
        if store.durability == .durable { try Disk.sync(file, path) }
        try store.publish(path, reference, sums, pinnedFor: owner, &reservation)
        return reference
    }

    private func abandon() {
        guard !isOver else { return }
        isOver = true
        unlink(path)
        store.giveBack(&reservation)
    }
}
