import FanfoldAPI
import FanfoldRuntime
@preconcurrency import Glibc

/// Files of the coordinator or of a worker that are nobody else's business.
enum PrivateFolder {
    /// Makes a folder with mode 0700, if it is not there, and those above it.
    static func make(_ path: String) throws(EngineLogFailure) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw failure("made", made) }
        }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw EngineLogFailure("wanted a folder at \(path), found something else")
        }
    }

    /// The random bytes in a file, which is made with mode 0600 if it is not there.
    static func secret(_ path: String) throws(EngineLogFailure) -> [UInt8] {
        if let known = try read(path, count: 32) { return known }
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try write(bytes, to: path)
        return bytes
    }

    /// A name that no other coordinator has, kept in a file of the state folder.
    static func owner(_ folder: String) throws(EngineLogFailure) -> String {
        let bytes = try secret(folder + "/owner")
        return "fanfold-"
            + bytes.prefix(6).map { byte in
                String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
            }.joined()
    }

    /// The number in a file, which counts how often this was asked.
    static func count(_ path: String) throws(EngineLogFailure) -> UInt64 {
        let before = try read(path, count: 8).map { bytes in
            bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        let next = (before ?? 0) + 1
        try write((0..<8).map { UInt8(truncatingIfNeeded: next >> (8 * $0)) }, to: path)
        return next
    }

    /// - Returns: `nil` if there is no such file.
    static func read(_ path: String, count: Int) throws(EngineLogFailure) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("read", path)
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: count + 1)
        let found = bytes.withUnsafeMutableBytes {
            Glibc.read(descriptor, $0.baseAddress, $0.count)
        }
        guard found == count else {
            throw EngineLogFailure(
                "wanted \(count) bytes in \(path), found \(found); remove it to have it made again")
        }
        return Array(bytes.prefix(count))
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(EngineLogFailure) {
        do throws(PrivateFile.Refusal) {
            try PrivateFile.write(bytes, to: path)
        } catch {
            throw EngineLogFailure(error.message)
        }
    }

    private static func failure(_ verb: String, _ path: String) -> EngineLogFailure {
        EngineLogFailure("\(path) cannot be \(verb): \(String(cString: strerror(errno)))")
    }
}
