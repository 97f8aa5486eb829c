import Crypto
@preconcurrency import Glibc

/// The bytes of a whole file, read once: what is hashed is what is examined and copied.
///
/// Read and not mapped, since a file that shrinks under a mapping ends the process.
final class FileBytes: @unchecked Sendable {
    // Unchecked: written in init only.
    private let memory: UnsafeMutableRawBufferPointer
    /// Where the file lies when every link is followed.
    let realPath: String
    private let entry: FileOwnership.Entry

    /// Reads `path`, which must be a plain file of at most `limit` bytes.
    init(path: String, limit: Int = HostABI.maximumFileBytes) throws(PluginLoadError) {
        // Without O_NONBLOCK, opening a pipe would wait for a writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .unreadable(path: path, reason: systemMessage(errno))
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .unreadable(path: path, reason: systemMessage(errno))
        }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        guard status.st_size <= limit else {
            throw .tooLarge(path: path, bytes: Int(status.st_size))
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(status.st_size), alignment: 16)
        var count = 0
        while count < buffer.count {
            let got = read(
                descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
        }
        guard count == buffer.count else {
            buffer.deallocate()
            throw .unreadable(path: path, reason: "it changed while it was read")
        }
        memory = buffer
        realPath = Self.realPath(of: "/proc/self/fd/\(descriptor)") ?? path
        entry = FileOwnership.Entry(path: path, descriptor: descriptor, status: status)
    }

    deinit {
        memory.deallocate()
    }

    /// The path without links; `nil` if there is nothing.
    static func realPath(of path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Who beside root and the user may change it, in words; `nil` if nobody may.
    ///
    /// Parameter isBundled: Whether it lies beside the host itself, whose folders prove nothing:
    /// who may change them may change the host.
    func changeProblem(isBundled: Bool) -> String? {
        let ownership = FileOwnership()
        return ownership.problem(file: entry)
            ?? (isBundled ? nil : ownership.problem(foldersAbove: realPath))
    }

    /// Why it is no place for a secret, in words; `nil` if only its owner may read it.
    var privacyProblem: String? {
        if entry.mode & (S_IRWXG | S_IRWXO) != 0 || entry.hasList {
            let mode = String(entry.mode & 0o777, radix: 8)
            return "wanted mode 600, found \(mode); chmod 600 \(entry.path)"
        }
        return FileOwnership().problem(file: entry)
    }

    /// How many bytes there are.
    var count: Int { memory.count }

    /// Calls `body` with the bytes, which are valid until it returns.
    func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(memory))
    }

    /// The SHA-256 in lower-case hexadecimal digits.
    var sha256: String { withBytes { SHA256.hex($0) } }
}

/// The hash that names and pins plugins.
package enum SHA256 {
    /// The SHA-256 of `bytes` in 64 lower-case hexadecimal digits.
    ///
    /// Source: FIPS 180-4.
    package static func hex(_ bytes: UnsafeRawBufferPointer) -> String {
        var hash = Crypto.SHA256()
        hash.update(bufferPointer: bytes)
        return Hexadecimal.text(hash.finalize())
    }

    /// The pin in lower case, if it is one.
    static func pin(_ text: String) throws(PluginLoadError) -> String {
        let lower = text.lowercased()
        guard lower.utf8.count == 64, lower.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
            throw .badPin(text: text)
        }
        return lower
    }
}

/// What the C library says about an error number.
func systemMessage(_ code: Int32) -> String {
    String(cString: strerror(code))
}
