@preconcurrency import Glibc
import Synchronization

/// What was announced of an upload.
struct UploadWish: Hashable, Sendable {
    var size: Int64?
    var id: BlobID?

    /// As it lies beside what has come: `size N` and `id HEX`, a line each, those that are known.
    var text: String {
        (size.map { "size \($0)\n" } ?? "") + (id.map { "id \($0)\n" } ?? "") + "end\n"
    }

    init(size: Int64?, id: BlobID?) {
        self.size = size
        self.id = id
    }

    init?(_ text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
        if let line = lines.first, line.hasPrefix("size ") {
            guard let size = Int64(line.dropFirst(5)) else { return nil }
            self.size = size
            lines = lines.dropFirst()
        }
        if let line = lines.first, line.hasPrefix("id ") {
            guard let id = BlobID(String(line.dropFirst(3))) else { return nil }
            self.id = id
            lines = lines.dropFirst()
        }
        guard lines == ["end", ""] else { return nil }
    }
}

/// A blob that comes in parts and survives restarts: the file and its length are the state.
final class BlobUpload: Sendable {
    struct Progress {
        var length: Int64
        /// `nil` after a restart: made anew from the file when it is needed.
        var hasher: ContentHasher?
        var reservation = Reservation()
        /// It is finished, cancelled or collected, or its files are not there yet.
        var isOver = false
    }

    let name: String
    let wish: UploadWish
    let progress: Mutex<Progress>

    init(_ name: String, _ wish: UploadWish, length: Int64, isReady: Bool) {
        self.name = name
        self.wish = wish
        progress = Mutex(
            Progress(
                length: length, hasher: length == 0 ? ContentHasher() : nil, isOver: !isReady))
    }
}

/// How far an upload is.
package struct BlobUploadStatus: Hashable, Sendable {
    /// Bytes that are here; go on from there.
    package var length: Int64
    /// The blob, if one with the announced id is here already: nothing need be sent.
    package var stored: BlobReference?
}

extension BlobState {
    /// Takes up the uploads of an earlier process.
    mutating func readUploads(_ folder: BlobFolder) throws(BlobError) {
        for file in try Disk.names(in: folder.uploads).sorted()
        where file.hasSuffix(BlobFolder.wantEnding) {
            let name = String(file.dropLast(BlobFolder.wantEnding.count))
            let text = try Disk.content(folder.want(name), limit: 1_024) ?? []
            var status = stat()
            guard BlobName.isValid(name),
                let wish = UploadWish(String(decoding: text, as: UTF8.self)),
                lstat(folder.part(name), &status) == 0
            else {
                try Disk.remove(folder.part(name))
                try Disk.remove(folder.want(name))
                continue
            }
            let length = Int64(status.st_size)
            let upload = BlobUpload(name, wish, length: length, isReady: true)
            let bytes = max(length, wish.size ?? 0)
            upload.progress.withLock {
                $0.reservation = Reservation(bytes: bytes, unwritten: bytes - length)
            }
            reservedBytes += bytes
            unwrittenBytes += bytes - length
            uploads[name] = upload
        }
    }
}

/// Uploads: begun, appended to in any number of connections and processes, finished once.
extension BlobStore {
    /// Begins an upload, or finds out how far one of that name is.
    ///
    /// - Parameters:
    ///   - name: The sender's: up to 80 letters, digits, `-`, `_`, `.` and `:`.
    ///   - size: How many bytes will come, if that is known: room for them is reserved.
    ///   - id: What they will be, if that is known.
    /// - Throws: `differentUpload`, `tooManyUploads`, `tooLarge`, `storeFull`, `badName`.
    package func beginUpload(
        _ name: String, size: Int64? = nil, id: BlobID? = nil
    ) throws(BlobError) -> BlobUploadStatus {
        try BlobName.check(name)
        if let id, let size = self.size(of: id) {
            return BlobUploadStatus(length: 0, stored: BlobReference(id: id, size: size))
        }
        let wish = UploadWish(size: size, id: id)
        if let size { try checkSize(size) }
        let new = BlobUpload(name, wish, length: 0, isReady: false)
        let upload = try state.withLock { state throws(BlobError) in
            if let old = state.uploads[name] { return old }
            guard state.uploads.count < limits.uploads else {
                throw .tooManyUploads(limit: limits.uploads)
            }
            state.uploads[name] = new
            return new
        }
        guard upload === new else {
            guard upload.wish == wish else { throw .differentUpload(name) }
            return BlobUploadStatus(length: upload.progress.withLock { $0.length })
        }
        try upload.progress.withLock { progress throws(BlobError) in
            do throws(BlobError) {
                try prepare(upload, &progress)
                progress.isOver = false
            } catch {
                drop(upload, &progress)
                throw error
            }
        }
        return BlobUploadStatus(length: 0)
    }

    /// The announcement comes last: a file without one is nobody's.
    private func prepare(
        _ upload: BlobUpload, _ progress: inout BlobUpload.Progress
    ) throws(BlobError) {
        try reserve(upload.wish.size ?? 0, &progress.reservation)
        try Disk.replaceContent(folder.part(upload.name), [], isFlushed: false)
        let temporary = "\(folder.temporary)/want-\(upload.name)"
        try Disk.replaceContent(temporary, Array(upload.wish.text.utf8), isFlushed: false)
        try Disk.rename(temporary, folder.want(upload.name))
    }

    /// How far an upload is; `nil` if there is none of that name.
    package func uploadStatus(_ name: String) -> BlobUploadStatus? {
        state.withLock { $0.uploads[name] }.map { upload in
            BlobUploadStatus(length: upload.progress.withLock { $0.length })
        }
    }

    /// Adds bytes that begin at `offset` of the blob; what is there already is left as it is, so
    /// that a part can be sent twice.
    ///
    /// - Returns: How many bytes are there now.
    /// - Throws: `noUpload`, `uploadGap`, `wrongSize`, `tooLarge`, `storeFull`; then none is added.
    @discardableResult
    package func append(
        to name: String, at offset: Int64, _ bytes: UnsafeRawBufferPointer
    ) throws(BlobError) -> Int64 {
        guard bytes.count <= limits.appendBytes else {
            throw .tooLarge(bytes: Int64(bytes.count), limit: Int64(limits.appendBytes))
        }
        return try withUpload(name) { upload, progress throws(BlobError) in
            guard offset >= 0, offset <= progress.length else {
                throw .uploadGap(name, length: progress.length, offset: offset)
            }
            let known = min(Int64(bytes.count), progress.length - offset)
            let new = UnsafeRawBufferPointer(rebasing: bytes.dropFirst(Int(known)))
            guard !new.isEmpty else { return progress.length }
            let length = progress.length + Int64(new.count)
            if let size = upload.wish.size, length > size {
                throw .wrongSize(wanted: size, found: length)
            }
            try checkSize(length)
            try reserveNext(
                Int64(new.count), after: progress.length, &progress.reservation)
            try write(new, name, &progress)
            return length
        }
    }

    /// Adds bytes that begin at `offset` of the blob.
    @discardableResult
    package func append(
        to name: String, at offset: Int64, _ bytes: [UInt8]
    ) throws(BlobError) -> Int64 {
        try bytes.lend { buffer throws(BlobError) in
            try append(to: name, at: offset, buffer)
        }
    }

    /// Makes what has come a blob, which is on the disk when this returns if the store is durable.
    ///
    /// After a restart all of it is read once more to be hashed.  An upload that is not what was
    /// announced is gone afterwards, but for one that is too short, which can go on.
    ///
    /// - Throws: `noUpload`, `wrongSize`, `wrongContent`.
    package func finishUpload(
        _ name: String, pinnedFor owner: String? = nil
    ) throws(BlobError) -> BlobReference {
        if let owner { try BlobName.check(owner) }
        return try withUpload(name) { upload, progress throws(BlobError) in
            if let size = upload.wish.size, progress.length != size {
                throw .wrongSize(wanted: size, found: progress.length)
            }
            let path = folder.part(name)
            let file = try Disk.open(path, O_RDWR)
            let (reference, sums) = try hasher(&progress, file, path).finish()
            if let id = upload.wish.id, id != reference.id {
                drop(upload, &progress)
                throw .wrongContent(wanted: id, found: reference.id)
            }
            if durability == .durable { try Disk.sync(file, path) }
            try publish(path, reference, sums, pinnedFor: owner, &progress.reservation)
            drop(upload, &progress)
            return reference
        }
    }

    /// Forgets an upload and what has come of it; one that is not there is fine.
    package func cancelUpload(_ name: String) {
        guard let upload = state.withLock({ $0.uploads[name] }) else { return }
        end(upload)
    }

    /// Forgets uploads and fetches that got no byte for the seconds of the limits.
    ///
    /// Call it now and then; opening the store does it too.
    ///
    /// - Returns: How many it was.
    @discardableResult
    package func collectUploads() -> Int {
        let limit = clock() - self.limits.uploadSeconds
        var count = (try? BlobScan(folder: folder).collectFetches(olderThan: limit)) ?? 0
        for upload in state.withLock({ Array($0.uploads.values) }) {
            var status = stat()
            guard lstat(folder.part(upload.name), &status) == 0,
                Int64(status.st_mtim.tv_sec) < limit
            else { continue }
            end(upload)
            count += 1
        }
        return count
    }

    private func withUpload<T>(
        _ name: String,
        _ body: (BlobUpload, inout BlobUpload.Progress) throws(BlobError) -> T
    ) throws(BlobError) -> T {
        guard let upload = state.withLock({ $0.uploads[name] }) else { throw .noUpload(name) }
        return try upload.progress.withLock { progress throws(BlobError) in
            guard !progress.isOver else { throw .noUpload(name) }
            return try body(upload, &progress)
        }
    }

    private func write(
        _ bytes: UnsafeRawBufferPointer, _ name: String, _ progress: inout BlobUpload.Progress
    ) throws(BlobError) {
        let path = folder.part(name)
        let file = try Disk.open(path, O_RDWR)
        var hasher = try hasher(&progress, file, path)
        do throws(BlobError) {
            try Disk.write(file, path, at: progress.length, bytes)
        } catch {
            // The length is the state: what was not acknowledged must not count after a restart.
            ftruncate(file.number, off_t(progress.length))
            throw error
        }
        progress.hasher = nil
        hasher.update(bytes)
        progress.hasher = hasher
        progress.length += Int64(bytes.count)
        noteWritten(Int64(bytes.count), &progress.reservation)
    }

    private func hasher(
        _ progress: inout BlobUpload.Progress, _ file: borrowing Descriptor, _ path: String
    ) throws(BlobError) -> ContentHasher {
        if let hasher = progress.hasher { return hasher }
        let hasher = try hash(file, path, count: progress.length)
        guard hasher.count == progress.length else {
            throw .cannotUse(verb: "read", path: path, reason: "it became shorter")
        }
        progress.hasher = hasher
        return hasher
    }

    private func end(_ upload: BlobUpload) {
        upload.progress.withLock { progress in
            if !progress.isOver { drop(upload, &progress) }
        }
    }

    /// Removes the files and gives the room back; the blob, if it became one, has its own name.
    private func drop(_ upload: BlobUpload, _ progress: inout BlobUpload.Progress) {
        progress.isOver = true
        unlink(folder.want(upload.name))
        unlink(folder.part(upload.name))
        state.withLock { state in
            state.giveBack(&progress.reservation)
            state.uploads[upload.name] = nil
        }
    }
}
