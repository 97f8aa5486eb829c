@preconcurrency import Glibc

/// An open file or folder, closed at the end of its life.
struct Descriptor: ~Copyable {
    /// The system's number of it.
    let number: Int32

    /// Takes over an open descriptor.
    init(adopting number: Int32) {
        self.number = number
    }

    deinit {
        close(number)
    }
}

/// The system calls on files, with errors that say what to do.
enum Disk {
    /// Bytes that are read, hashed and written at a time.
    static let bufferBytes = 1 << 20

    /// The error for what the system answered.
    static func failure(_ verb: String, _ path: String, _ code: Int32 = errno) -> BlobError {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT: return .diskFull(path: path, reason: reason)
        case EACCES, EPERM, EROFS: return .notPermitted(verb: verb, path: path, reason: reason)
        default: return .cannotUse(verb: verb, path: path, reason: reason)
        }
    }

    /// Opens a file; never one that a child process inherits, never the target of a link.
    static func open(
        _ path: String, _ flags: Int32, mode: mode_t = 0o600
    ) throws(BlobError) -> Descriptor {
        let number = Glibc.open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode)
        guard number >= 0 else {
            throw failure(flags & O_CREAT == 0 ? "opened" : "written", path)
        }
        return Descriptor(adopting: number)
    }

    /// What `fstat` says.
    static func status(_ file: borrowing Descriptor, _ path: String) throws(BlobError) -> stat {
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw failure("read", path) }
        return status
    }

    /// Reads until the buffer is full or the file ends; returns how much it was.
    static func read(
        _ number: Int32, _ path: String, at offset: Int64,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(BlobError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                number, buffer.baseAddress?.advanced(by: done), buffer.count - done,
                off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            guard count > 0 else { break }
            done += count
        }
        return done
    }

    /// Writes all of the bytes at a place of the file.
    static func write(
        _ file: borrowing Descriptor, _ path: String, at offset: Int64,
        _ bytes: UnsafeRawBufferPointer
    ) throws(BlobError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(
                file.number, bytes.baseAddress?.advanced(by: done), bytes.count - done,
                off_t(offset) + off_t(done))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("written", path, count < 0 ? errno : ENOSPC) }
            done += count
        }
    }

    /// Flushes a file.
    static func sync(_ file: borrowing Descriptor, _ path: String) throws(BlobError) {
        guard fsync(file.number) == 0 else { throw failure("flushed", path) }
    }

    /// Flushes the names in a folder.
    static func syncFolder(_ path: String) throws(BlobError) {
        let folder = try open(path, O_RDONLY | O_DIRECTORY)
        try sync(folder, path)
    }

    /// Gives a file another name, in the place of what has it.
    static func rename(_ from: String, _ to: String) throws(BlobError) {
        guard Glibc.rename(from, to) == 0 else { throw failure("renamed to \(to)", from) }
    }

    /// Removes a file; one that is gone is fine.
    static func remove(_ path: String) throws(BlobError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("removed", path) }
    }

    /// Makes a folder of one's own; one that is there is fine.
    static func makeFolder(_ path: String) throws(BlobError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("made", path) }
    }

    /// The names in a folder, without `.` and `..`, in no order.
    static func names(in path: String) throws(BlobError) -> [String] {
        guard let stream = opendir(path) else { throw failure("listed", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// All bytes of a small file; `nil` if there is none.
    static func content(_ path: String, limit: Int) throws(BlobError) -> [UInt8]? {
        let number = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("opened", path)
        }
        let file = Descriptor(adopting: number)
        let size = Int(try status(file, path).st_size)
        guard size <= limit else {
            throw .cannotUse(
                verb: "read", path: path, reason: "it has \(size) bytes, wanted at most \(limit)")
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let count = try bytes.lendToFill { buffer throws(BlobError) in
            try read(file.number, path, at: 0, into: buffer)
        }
        return Array(bytes[..<count])
    }

    /// Makes or empties a file and fills it; flushed if wanted.
    static func replaceContent(
        _ path: String, _ bytes: [UInt8], isFlushed: Bool
    ) throws(BlobError) {
        let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
        try bytes.lend { buffer throws(BlobError) in
            try write(file, path, at: 0, buffer)
        }
        if isFlushed { try sync(file, path) }
    }

    /// Bytes that the user may still write to the disk of `path`, and bytes of the whole disk.
    static func space(_ path: String) throws(BlobError) -> (free: Int64, total: Int64) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw failure("measured", path) }
        let unit = Int64(status.f_frsize)
        return (Int64(status.f_bavail) * unit, Int64(status.f_blocks) * unit)
    }

    /// Calls `body` with a buffer for reading; it is freed afterwards.
    static func withBuffer<T>(
        _ count: Int = bufferBytes,
        _ body: (UnsafeMutableRawBufferPointer) throws(BlobError) -> T
    ) throws(BlobError) -> T {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4_096)
        defer { buffer.deallocate() }
        return try body(buffer)
    }
}

// `Array.withUnsafeBytes` forgets the type of the error, `withUnsafeBufferPointer` does not.
extension [UInt8] {
    /// Lends the bytes for the time of the call.
    func lend<T>(
        _ body: (UnsafeRawBufferPointer) throws(BlobError) -> T
    ) throws(BlobError) -> T {
        try withUnsafeBufferPointer { buffer throws(BlobError) in
            try body(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Lends the bytes for writing for the time of the call.
    mutating func lendToFill<T>(
        _ body: (UnsafeMutableRawBufferPointer) throws(BlobError) -> T
    ) throws(BlobError) -> T {
        try withUnsafeMutableBufferPointer { buffer throws(BlobError) in
            try body(UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
