import CPluginABI
import FanfoldPlugins
@preconcurrency import Glibc
import Synchronization

/// `fanfold.store/1` in files: one folder for a component, one file for a key.
///
/// A value is written beside its place, flushed, and put there by a rename, so that a crash leaves
/// the old value or the new one.  Writers of several processes take turns by a lock on the folder.
package final class FileStoreService: StoreService {
    /// How much one component may keep.
    package struct Limits: Sendable, Hashable {
        /// Bytes of a key.
        package var keyBytes = 80
        /// Bytes of a value.
        package var valueBytes = 1_048_576
        /// Keys of one component.
        package var keys = 1_024
        /// Bytes of all values of one component.
        package var totalBytes = 16 * 1_048_576

        /// The usual limits.
        package init() {}
    }

    private let folder: String
    private let limits: Limits
    private let turn = Mutex(())

    /// A store below `directory`, which is made when the first value is kept.
    package init(directory: String, component: String, limits: Limits = Limits()) {
        folder = "\(directory)/store/\(StoreName.file(component))"
        self.limits = limits
    }

    /// The value of a key; `nil` if there is none.
    package func value(of key: String) throws(PluginFailure) -> [UInt8]? {
        try check(key)
        let descriptor = open(path(key), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw unusable("read", path(key))
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unusable("read", path(key)) }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= limits.valueBytes else {
                throw .never(
                    FAN_DATA_LOSS, "store.damaged",
                    "the file \(path(key)) is longer than any value; remove it")
            }
        }
    }

    /// Keeps a value; an empty one removes the key.
    package func set(_ value: [UInt8], for key: String) throws(PluginFailure) {
        try check(key)
        guard value.count <= limits.valueBytes else {
            throw .never(
                FAN_RANGE, "store.value",
                "wanted a value of at most \(limits.valueBytes) bytes for the key \"\(key)\", "
                    + "found \(value.count)")
        }
        try turn.withLock { _ throws(PluginFailure) in
            try makeFolder()
            let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard lock >= 0 else { throw unusable("opened", folder) }
            // Closing it gives the turn to another process.
            defer { close(lock) }
            while flock(lock, LOCK_EX) != 0 {
                guard errno == EINTR else { throw unusable("locked", folder) }
            }
            if value.isEmpty {
                try remove(key)
            } else {
                try checkRoom(for: key, bytes: value.count)
                try write(value, for: key)
            }
            guard fsync(lock) == 0 else { throw unusable("flushed", folder) }
        }
    }

    private func path(_ key: String) -> String { "\(folder)/\(StoreName.file(key))" }

    private func check(_ key: String) throws(PluginFailure) {
        guard StoreName.isKey(key), key.utf8.count <= limits.keyBytes else {
            throw .never(
                FAN_INVALID, "store.key",
                "wanted a key of at most \(limits.keyBytes) letters, digits, '-', '_', '.', ':' "
                    + "and '/', beginning with a letter or digit, found \(key.utf8.count) bytes")
        }
    }

    private func makeFolder() throws(PluginFailure) {
        var made = ""
        for step in folder.split(separator: "/") {
            made += "/" + step
            guard mkdir(made, 0o700) == 0 || errno == EEXIST || errno == EISDIR else {
                throw unusable("made", made)
            }
        }
    }

    private func remove(_ key: String) throws(PluginFailure) {
        guard unlink(path(key)) == 0 || errno == ENOENT else {
            throw unusable("removed", path(key))
        }
    }

    /// Counts what is kept; what a crash left of a write is removed, since nobody else writes now.
    private func checkRoom(for key: String, bytes: Int) throws(PluginFailure) {
        guard let stream = opendir(folder) else { throw unusable("listed", folder) }
        defer { closedir(stream) }
        var count = 1
        var total = bytes
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != "..", name != StoreName.file(key) else { continue }
            if name.hasPrefix(StoreName.temporaryPrefix) {
                unlink("\(folder)/\(name)")
                continue
            }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            count += 1
            total += Int(status.st_size)
        }
        guard count <= limits.keys else {
            throw .never(
                FAN_EXHAUSTED, "store.keys",
                "this component keeps \(limits.keys) keys already; remove one before \"\(key)\"")
        }
        guard total <= limits.totalBytes else {
            throw .never(
                FAN_EXHAUSTED, "store.size",
                "with \"\(key)\" this component would keep \(total) bytes of at most "
                    + "\(limits.totalBytes); remove something")
        }
    }

    private func write(_ value: [UInt8], for key: String) throws(PluginFailure) {
        let temporary = "\(folder)/\(StoreName.temporaryPrefix)\(getpid())"
        let descriptor = open(
            temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw unusable("written", temporary) }
        var rest = value[...]
        var isWritten = true
        while isWritten && !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            isWritten = count > 0
            if isWritten { rest = rest.dropFirst(count) }
        }
        isWritten = isWritten && fsync(descriptor) == 0
        let problem = unusable("written", temporary)
        guard close(descriptor) == 0, isWritten, rename(temporary, path(key)) == 0 else {
            unlink(temporary)
            throw problem
        }
    }

    private func unusable(_ verb: String, _ path: String) -> PluginFailure {
        .later(
            FAN_UNAVAILABLE, "store.unusable",
            "\(path) cannot be \(verb): \(systemWords(errno)); look at `state:` in the settings")
    }
}

/// Keys and ids as names of files: one for each, and none that begins with a dot.
enum StoreName {
    /// What a value is written into before it has its name.
    static let temporaryPrefix = ".new-"

    /// Whether it may be a key, length aside.
    static func isKey(_ text: String) -> Bool {
        guard let first = text.utf8.first, isPlain(first) else { return false }
        return text.utf8.allSatisfy { isPlain($0) || "-_.:/".utf8.contains($0) }
    }

    /// Letters, digits, `-` and `_` stand for themselves, everything else for `%XX`.
    ///
    /// A name that is too long for a file keeps its beginning and gets a sum of the whole.
    static func file(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        let name = text.utf8.map { byte in
            isPlain(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                ? String(Character(Unicode.Scalar(byte)))
                : "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
        guard name.utf8.count > longestName else { return name }
        let sum = Array(text.utf8).withUnsafeBytes { FanfoldPlugins.SHA256.hex($0) }
        return name.prefix(64) + "%%" + sum
    }

    private static let longestName = 240

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }
}
