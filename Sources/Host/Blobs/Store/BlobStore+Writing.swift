@preconcurrency import Glibc

extension BlobStore {
    /// Keeps the bytes of memory.
    ///
    /// - Parameter owner: Who pins the blob from the moment it is there; without a pin it may be
    ///   evicted at any time.
    /// - Throws: `tooLarge`, `storeFull`, and what the disk says.
    package func put(
        _ bytes: UnsafeRawBufferPointer, pinnedFor owner: String? = nil
    ) throws(BlobError) -> BlobID {
        let reference = BlobReference(id: BlobID.of(bytes), size: Int64(bytes.count))
        if try confirm(reference, pinnedFor: owner) { return reference.id }
        let writer = try BlobWriter(self, expectedSize: reference.size)
        try writer.write(bytes)
        return try writer.commit(expecting: reference.id, pinnedFor: owner).id
    }

    /// Keeps the bytes of memory.
    package func put(_ bytes: [UInt8], pinnedFor owner: String? = nil) throws(BlobError) -> BlobID {
        try bytes.lend { buffer throws(BlobError) in
            try put(buffer, pinnedFor: owner)
        }
    }

    /// Keeps bytes that `fill` gives to the function it gets, a piece at a time, `size` in all.
    package func put(
        size: Int64, pinnedFor owner: String? = nil,
        _ fill: (
            _ write: (UnsafeRawBufferPointer) throws(BlobError) -> Void
        ) throws(BlobError) -> Void
    ) throws(BlobError) -> BlobID {
        let writer = try BlobWriter(self, expectedSize: size)
        try fill { piece throws(BlobError) in try writer.write(piece) }
        return try writer.commit(pinnedFor: owner).id
    }

    /// Keeps the content of a file, which is shared where the file system can and else copied, a
    /// buffer at a time.
    ///
    /// - Parameters:
    ///   - isGivenUp: The file is the store's from now on and nobody has it open for writing: it is
    ///     moved in if it is on the same disk.  If it has another id than `expected`, it is gone.
    ///   - expected: The id that it must have.
    /// - Throws: `wrongContent`, `tooLarge`, `storeFull`, and what the disk says.
    package func put(
        path: String, isGivenUp: Bool = false, expecting expected: BlobID? = nil,
        pinnedFor owner: String? = nil
    ) throws(BlobError) -> BlobReference {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw Disk.failure("opened", path) }
        let file = Descriptor(adopting: number)
        let status = try Disk.status(file, path)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .cannotUse(verb: "kept", path: path, reason: "it is no file")
        }
        if isGivenUp, let reference = try move(path, status, expected, owner) { return reference }
        let writer = try BlobWriter(self, expectedSize: Int64(status.st_size))
        if try !writer.clone(file.number) { try writer.write(from: file.number, path: path) }
        let reference = try writer.commit(expecting: expected, pinnedFor: owner)
        if isGivenUp { try Disk.remove(path) }
        return reference
    }

    /// Keeps everything that an open pipe, socket or file gives, to its end.
    package func put(
        descriptor: Int32, expecting expected: BlobID? = nil, pinnedFor owner: String? = nil
    ) throws(BlobError) -> BlobReference {
        let writer = try BlobWriter(self)
        try writer.write(from: descriptor, path: "descriptor \(descriptor)")
        return try writer.commit(expecting: expected, pinnedFor: owner)
    }

    /// Takes a file over by its name; `nil` if it is on another disk or not only ours.
    private func move(
        _ path: String, _ status: stat, _ expected: BlobID?, _ owner: String?
    ) throws(BlobError) -> BlobReference? {
        guard status.st_uid == geteuid(), status.st_nlink == 1 else { return nil }
        let size = Int64(status.st_size)
        try checkSize(size)
        let temporary = "\(folder.temporary)/\(state.withLock { $0.nextTemporary() })"
        var reservation = Reservation()
        defer { giveBack(&reservation) }
        try reserve(size, &reservation)
        guard rename(path, temporary) == 0 else { return nil }
        defer { unlink(temporary) }
        noteWritten(size, &reservation)
        let file = try Disk.open(temporary, O_RDWR)
        guard fchmod(file.number, 0o600) == 0 else { throw Disk.failure("taken over", temporary) }
        let (reference, sums) = try hash(file, temporary).finish()
        if let expected, expected != reference.id {
            throw .wrongContent(wanted: expected, found: reference.id)
        }
        if durability == .durable { try Disk.sync(file, temporary) }
        try publish(temporary, reference, sums, pinnedFor: owner, &reservation)
        return reference
    }

    /// Hashes an open file from its beginning, a buffer at a time.
    func hash(
        _ file: borrowing Descriptor, _ path: String, count: Int64 = .max
    ) throws(BlobError) -> ContentHasher {
        let number = file.number
        return try Disk.withBuffer { buffer throws(BlobError) in
            var hasher = ContentHasher()
            while hasher.count < count {
                let wanted = Int(min(Int64(buffer.count), count - hasher.count))
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                let got = try Disk.read(number, path, at: hasher.count, into: part)
                guard got > 0 else { break }
                hasher.update(UnsafeRawBufferPointer(rebasing: part[..<got]))
            }
            return hasher
        }
    }

    func checkSize(_ bytes: Int64) throws(BlobError) {
        guard bytes <= limits.blobBytes else {
            throw .tooLarge(bytes: bytes, limit: limits.blobBytes)
        }
    }

    /// Whether a blob is here and known to be right; then it is used now, pinned, and flushed.
    func confirm(
        _ reference: BlobReference, pinnedFor owner: String?
    ) throws(BlobError) -> Bool {
        let isHere = state.withLock { state in
            guard state.index.isVerified(reference.id) else { return false }
            state.index.touch(reference.id)
            state.index.hold(reference.id)
            return true
        }
        guard isHere else { return false }
        let lease = BlobLease(store: self, reference: reference)
        try settle(lease, pinnedFor: owner)
        return true
    }

    /// Gives a written, flushed and hashed file the name of its id.
    ///
    /// If the blob is there and was seen to be right, that one stays; one that was not looked at
    /// since the store was opened is replaced, so that putting it again mends it.
    func publish(
        _ path: String, _ reference: BlobReference, _ sums: ChunkSums, pinnedFor owner: String?,
        _ reservation: inout Reservation
    ) throws(BlobError) {
        if let owner { try BlobName.check(owner) }
        let id = reference.id
        var sumsPath: String?
        if sums.chunks.count > 1 {
            let temporary = "\(folder.temporary)/\(state.withLock { $0.nextTemporary() })"
            sumsPath = temporary
            try Disk.replaceContent(temporary, sums.encoded, isFlushed: durability == .durable)
        }
        defer { if let sumsPath { unlink(sumsPath) } }
        try state.withLock { state throws(BlobError) in
            if !state.index.isVerified(id) {
                // A damaged one of another size makes way.
                if state.index.size(of: id) != reference.size { state.index.remove(id) }
                if let sumsPath { try Disk.rename(sumsPath, folder.sums(id)) }
                try Disk.rename(path, folder.blob(id))
                state.index.insert(
                    id, size: reference.size, isVerified: true, isFlushed: false)
                state.progress[id] = nil
            }
            state.giveBack(&reservation)
            state.index.hold(id)
        }
        let lease = BlobLease(store: self, reference: reference)
        try settle(lease, pinnedFor: owner)
    }

    /// Pins and flushes what is there; the lease keeps it meanwhile.
    private func settle(_ lease: BlobLease, pinnedFor owner: String?) throws(BlobError) {
        let id = lease.reference.id
        if durability == .durable, !state.withLock({ $0.index.isFlushed(id) }) {
            try Disk.syncFolder(folder.shelf(id))
            state.withLock { $0.index.setFlushed(id) }
        }
        if let owner { try pin([id], for: owner) }
        withExtendedLifetime(lease) {}
    }
}
