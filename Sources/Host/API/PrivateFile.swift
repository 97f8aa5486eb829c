@preconcurrency import Glibc

/// Small files that only their owner may read: tokens.
package enum PrivateFile {
    /// Why a file was not read or written.
    package struct Refusal: Error, Hashable, Sendable {
        /// What was wanted, what was found, what to do.
        package var message: String
    }

    /// The bytes of a file; `nil` if there is none.
    ///
    /// Throws: if it is not a regular file, belongs to someone else, or others may read or write it.
    package static func read(_ path: String, maximumBytes: Int) throws(Refusal) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw Refusal(message: "\(path) cannot be opened: \(reason())")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw Refusal(message: "wanted a regular file, found something else: \(path)")
        }
        guard facts.st_uid == geteuid(), facts.st_mode & 0o077 == 0 else {
            throw Refusal(
                message: "others may read or write \(path); "
                    + "if you trust what is in it: chown it to yourself and chmod 600 it")
        }
        guard facts.st_size <= maximumBytes else {
            throw Refusal(
                message: "\(path) has \(facts.st_size) bytes; wanted at most \(maximumBytes)")
        }
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(
                    descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Refusal(message: "\(path) cannot be read: \(reason())")
            }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes[..<filled])
    }

    /// Puts a file with these bytes, mode 0600, in the place of `path`; all of it or nothing.
    package static func write(_ bytes: [UInt8], to path: String) throws(Refusal) {
        let beside = "\(path).\(getpid()).new"
        unlink(beside)
        let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw Refusal(message: "\(beside) cannot be made: \(reason())")
        }
        var isWritten = write(bytes, to: descriptor) && fsync(descriptor) == 0
        let why = reason()
        isWritten = close(descriptor) == 0 && isWritten
        guard isWritten, rename(beside, path) == 0 else {
            let message = isWritten ? reason() : why
            unlink(beside)
            throw Refusal(message: "\(path) cannot be written: \(message)")
        }
        synchroniseFolder(of: path)
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// So that the new name outlives a power failure.
    private static func synchroniseFolder(of path: String) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
