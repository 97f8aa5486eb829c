import Glibc

/// Why a key or certificate could not be made, kept or used.
package enum IdentityError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A file could not be read or written.
    case file(path: String, what: String, code: Int32)
    /// Others can read a file that holds a key.
    case readableByOthers(path: String, mode: UInt32)
    /// A file does not hold what it should.
    case unusable(path: String, what: String)
    /// A library refused.
    case refused(String)
    /// A certificate request is not one.
    case badRequest(String)

    /// What was wanted, what was found, what to do.
    package var description: String {
        switch self {
        case .file(let path, let what, let code):
            "cannot \(what) \(path): \(String(cString: strerror(code)))"
        case .readableByOthers(let path, let mode):
            "\(path) holds a key and others may read it (mode \(String(mode, radix: 8))): "
                + "chmod 600 it, and make a new one if somebody may have read it"
        case .unusable(let path, let what): "wanted \(what) in \(path): restore the file"
        case .refused(let text): text
        case .badRequest(let text): "wanted a certificate request for a P-256 key: \(text)"
        }
    }
}

/// Small files that hold keys and certificates.
enum IdentityFile {
    /// Bytes of such a file at most.
    static let longest = 1 << 16

    /// Replaces a file as a whole: after a crash there is the old one or the new one.
    static func write(_ text: String, to path: String, mode: mode_t) throws(IdentityError) {
        let temporary = "\(path).new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .file(path: temporary, what: "write", code: errno) }
        let bytes = Array(text.utf8)
        let written = Glibc.write(descriptor, bytes, bytes.count)
        let isWritten = written == bytes.count && fsync(descriptor) == 0
        let code = errno
        guard close(descriptor) == 0, isWritten else {
            unlink(temporary)
            throw .file(path: temporary, what: "write", code: code)
        }
        guard rename(temporary, path) == 0 else {
            throw .file(path: path, what: "replace", code: errno)
        }
    }

    /// What a file holds; `nil` if there is none.
    ///
    /// Parameter isPrivate: whether it is refused if others can read it.
    static func read(_ path: String, isPrivate: Bool) throws(IdentityError) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            guard errno == ENOENT else { throw .file(path: path, what: "read", code: errno) }
            return nil
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .file(path: path, what: "look at", code: errno)
        }
        let mode = status.st_mode & 0o777
        guard !isPrivate || mode & 0o077 == 0 else {
            throw .readableByOthers(path: path, mode: mode)
        }
        var bytes = [UInt8](repeating: 0, count: longest)
        let count = Glibc.read(descriptor, &bytes, longest)
        guard count >= 0 else { throw .file(path: path, what: "read", code: errno) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
