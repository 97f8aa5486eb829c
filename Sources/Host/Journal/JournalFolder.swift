@preconcurrency import Glibc

/// The folder that a journal lives in, and the names of what is in it.
struct JournalFolder: Sendable {
    let path: String

    var database: String { "\(path)/journal.sqlite" }
    var rebuilt: String { "\(path)/journal.sqlite.new" }
    var log: String { "\(path)/journal.sqlite-wal" }
    var lock: String { "\(path)/journal.lock" }
    var mark: String { "\(path)/journal.mark" }

    /// A folder that may be written, made if it is not there.
    ///
    /// - Throws: `notWritable`, `readOnly`, `diskFull`, or `exposed` if others could look into it.
    static func forWriting(_ path: String) throws(JournalError) -> JournalFolder {
        try make(path)
        let folder = JournalFolder(path: path)
        try folder.checkPrivate()
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw JournalError(errno: errno, path: path, doing: "written to")
        }
        return folder
    }

    /// A folder in which there was a journal, whatever is left of it.
    static func forRepair(_ path: String) throws(JournalError) -> JournalFolder {
        let folder = JournalFolder(path: path)
        guard access(folder.mark, F_OK) != 0 else { return folder }
        return try forReading(path)
    }

    /// A folder with a journal in it.
    static func forReading(_ path: String) throws(JournalError) -> JournalFolder {
        let folder = JournalFolder(path: path)
        guard access(folder.database, F_OK) == 0 else {
            throw JournalError(
                .missing,
                "wanted a folder with a journal, found no file \(folder.database); name the folder "
                    + "in which a coordinator keeps its state")
        }
        return folder
    }

    private static func make(_ path: String) throws(JournalError) {
        var made = path.hasPrefix("/") ? "" : "."
        for step in path.split(separator: "/") {
            made += "/" + step
            guard mkdir(made, 0o700) != 0, errno != EEXIST, errno != EISDIR else { continue }
            let number = errno
            // A folder on a read-only file system, or in one of others, may well be there.
            var status = stat()
            guard stat(made, &status) != 0 else { continue }
            throw JournalError(errno: number, path: made, doing: "made")
        }
    }

    private func checkPrivate() throws(JournalError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw JournalError(errno: errno, path: path, doing: "examined")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw JournalError(errno: ENOTDIR, path: path, doing: "used as a folder")
        }
        guard status.st_uid == geteuid() else {
            throw JournalError(
                .exposed,
                "\(path): wanted a folder of user \(geteuid()), found that it belongs to user "
                    + "\(status.st_uid), who could change what is stored; chown it, or run this as "
                    + "that user")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw JournalError(
                .exposed,
                "\(path): wanted a folder that only its owner can enter, found mode \(mode); "
                    + "run: chmod 700 \(path)")
        }
    }

    /// Makes the names of what was just made or renamed last.
    func flush() throws(JournalError) {
        let folder = try OwnedDescriptor(opening: path, O_RDONLY | O_DIRECTORY, doing: "opened")
        guard fsync(folder.number) == 0 else {
            throw JournalError(errno: errno, path: path, doing: "flushed")
        }
    }

    /// The names of the files in the folder that begin so, sorted.
    func names(beginning prefix: String) throws(JournalError) -> [String] {
        guard let stream = opendir(path) else {
            throw JournalError(errno: errno, path: path, doing: "listed")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(prefix) { names.append(name) }
        }
        return names.sorted()
    }
}

/// An open file that is closed with its owner.
final class OwnedDescriptor: Sendable {
    let number: Int32
    private let path: String

    init(
        opening path: String, _ flags: Int32, mode: mode_t = 0o600, doing: String
    ) throws(JournalError) {
        number = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode)
        self.path = path
        guard number >= 0 else { throw JournalError(errno: errno, path: path, doing: doing) }
    }

    deinit {
        if number >= 0 { close(number) }
    }

    /// Writes all of it after what was written.
    func write(_ bytes: ArraySlice<UInt8>) throws(JournalError) {
        try bytes.withUnsafeBufferPointer { bytes throws(JournalError) in
            try write(UnsafeRawBufferPointer(bytes))
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(JournalError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(number, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw JournalError(errno: errno, path: path, doing: "written") }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    /// Reads what comes next; less than `count` bytes only where the file ends.
    func read(_ count: Int) throws(JournalError) -> [UInt8] {
        var taken = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = taken.withUnsafeMutableBytes {
                Glibc.read(number, $0.baseAddress?.advanced(by: filled), count - filled)
            }
            if more < 0 && errno == EINTR { continue }
            guard more >= 0 else { throw JournalError(errno: errno, path: path, doing: "read") }
            guard more > 0 else { break }
            filled += more
        }
        taken.removeLast(count - filled)
        return taken
    }

    /// Waits until the disk has it.
    func flush() throws(JournalError) {
        guard fsync(number) == 0 else {
            throw JournalError(errno: errno, path: path, doing: "flushed")
        }
    }
}

/// The right to write to a journal, held as long as it lives.
///
/// The kernel gives it back when the process ends, however it ends.
final class JournalLock: Sendable {
    private let file: OwnedDescriptor

    /// - Throws: `locked`, naming who holds it.
    init(_ folder: JournalFolder) throws(JournalError) {
        file = try OwnedDescriptor(opening: folder.lock, O_RDWR | O_CREAT, doing: "opened")
        while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            guard errno == EWOULDBLOCK else {
                throw JournalError(errno: errno, path: folder.lock, doing: "locked")
            }
            throw JournalError(
                .locked,
                "wanted to be the only coordinator of \(folder.path), found that "
                    + "\(Self.holder(file)) has it open; end that one, or choose another folder")
        }
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, 255)
        let name = String(
            decoding: host.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        guard ftruncate(file.number, 0) == 0 else {
            throw JournalError(errno: errno, path: folder.lock, doing: "written")
        }
        try file.write(Array("process \(getpid()) on \(name)".utf8)[...])
    }

    deinit { release() }

    /// Gives the right back, also if a child that was just started still has the file open.
    func release() {
        flock(file.number, LOCK_UN)
    }

    private static func holder(_ file: OwnedDescriptor) -> String {
        var text = [UInt8](repeating: 0, count: 512)
        let count = text.withUnsafeMutableBytes { pread(file.number, $0.baseAddress, $0.count, 0) }
        return count > 0
            ? String(decoding: text[..<count], as: UTF8.self) : "another process, just starting,"
    }
}
