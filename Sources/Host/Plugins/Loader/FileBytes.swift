import CFanfoldSystem
@preconcurrency import Glibc

/// The bytes of a whole file, read once: what is hashed is what is examined and copied.
///
/// Read and not mapped, since a file that shrinks under a mapping ends the process.
final class FileBytes: @unchecked Sendable {
    // Unchecked: written in init only.
    private let memory: UnsafeMutableRawBufferPointer
    /// Whether everybody may change the file.
    let isWorldWritable: Bool

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
        isWorldWritable = status.st_mode & S_IWOTH != 0
    }

    deinit {
        memory.deallocate()
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
        var digest = [UInt8](repeating: 0, count: Int(FANFOLD_SHA256_BYTES))
        if let start = bytes.baseAddress {
            fanfold_sha256(start, UInt64(bytes.count), &digest)
        } else {
            var nothing: UInt8 = 0
            fanfold_sha256(&nothing, 0, &digest)
        }
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] },
            as: UTF8.self)
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
