@preconcurrency import Glibc
import Synchronization

/// Writes outputs where the user wants them.
package enum DataWriting {
    private static let temporaryNumber = Atomic<UInt64>(0)

    /// Writes `parts` in `format` to the file at `path`: all of it, or nothing changes.
    ///
    /// The text goes to a file beside it that then takes its name; missing folders are made.  What
    /// is there and no regular file (a pipe, a device) is written to directly.
    /// - Throws: `DataError`.
    package static func write(
        _ parts: [InputPart], names: [String]? = nil, as format: DataFormat, toFile path: String
    ) throws {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            guard status.st_mode & S_IFMT != S_IFDIR else {
                throw DataError.cannotWrite(path: path, reason: "it is a directory")
            }
            let descriptor = open(path, O_WRONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure(path) }
            defer { close(descriptor) }
            return try write(parts, names: names, as: format, to: descriptor, path: path)
        }
        try replace(path) { descriptor in
            try write(parts, names: names, as: format, to: descriptor, path: path)
        }
    }

    /// Writes `parts` in `format` to an open descriptor.
    ///
    /// - Parameter path: what errors call it.
    /// - Throws: `DataError`.
    package static func write(
        _ parts: [InputPart], names: [String]? = nil, as format: DataFormat,
        to descriptor: Int32, path: String = "standard output"
    ) throws {
        try DataEncoding.encode(parts, names: names, as: format) { bytes in
            try write(bytes, to: descriptor, path: path)
        }
    }

    /// Writes all of `bytes`.
    static func write(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String
    ) throws(DataError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            let count = Glibc.write(descriptor, chunk.baseAddress, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure(path)
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Has `fill` write a new file, which takes the place of the one at `path` only if it succeeds.
    private static func replace(_ path: String, _ fill: (Int32) throws -> Void) throws {
        let target = resolved(path)
        makeFolders(of: target)
        let number = temporaryNumber.add(1, ordering: .relaxed).newValue
        let temporary = "\(target).\(getpid())-\(number).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path) }
        do {
            defer { close(descriptor) }
            try fill(descriptor)
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, target) == 0 else {
            let refusal = failure(path)
            unlink(temporary)
            throw refusal
        }
    }

    /// Where a symbolic link leads, so that the link is not replaced.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Makes the folders that lead to `path`; that one cannot be made shows when the file is opened.
    private static func makeFolders(of path: String) {
        for (offset, byte) in path.utf8.enumerated() where byte == UInt8(ascii: "/") && offset > 0 {
            mkdir(String(decoding: path.utf8.prefix(offset), as: UTF8.self), 0o777)
        }
    }

    private static func failure(_ path: String) -> DataError {
        .cannotWrite(path: path, reason: systemMessage(errno))
    }
}
