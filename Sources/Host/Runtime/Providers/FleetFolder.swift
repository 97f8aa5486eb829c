import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// The folder of a provider that is built in: everything that it knows lies there, so that the next
/// process finds it.
struct FleetFolder: Sendable {
    /// An absolute path.
    let path: String

    /// Bytes of a file that are read.
    static let mostBytes = 64 << 20

    /// Does something while no other process does anything here.
    func locked<Value>(
        _ body: () throws(PluginFailure) -> Value
    ) throws(PluginFailure) -> Value {
        try make(path)
        let name = path + "/lock"
        let lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw Self.failure("opened", name) }
        defer { close(lock) }
        while flock(lock, LOCK_EX) != 0 {
            guard errno == EINTR else { throw Self.failure("locked", name) }
        }
        return try body()
    }

    /// Makes a folder with mode 0700, and those above it.
    func make(_ folder: String) throws(PluginFailure) {
        var made = ""
        for part in folder.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                throw Self.failure("made", made)
            }
        }
    }

    /// Names in the folder, sorted.
    func names() -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// Puts a whole file in the place of another.
    func write(_ text: String, to file: String) throws(PluginFailure) {
        let fresh = file + ".new"
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("written", fresh) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 || errno == EINTR else {
                close(descriptor)
                throw Self.failure("written", fresh)
            }
            rest = rest.dropFirst(max(0, count))
        }
        guard fsync(descriptor) == 0, close(descriptor) == 0, rename(fresh, file) == 0 else {
            throw Self.failure("written", file)
        }
    }

    /// The text of a file; `nil` if there is none that can be read.
    static func text(_ file: String) -> String? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count < mostBytes {
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The value in a file; `nil` if there is none, or it is no JSON.
    static func json(_ file: String) -> JSON? {
        guard let text = text(file) else { return nil }
        do throws(JSONParseError) { return try JSON(parsing: text) } catch { return nil }
    }

    private static func failure(_ what: String, _ path: String) -> PluginFailure {
        .unavailable("\(path) cannot be \(what): \(String(cString: strerror(errno)))")
    }
}

/// Moments of the wall clock, in nanoseconds since 1970.
package enum WallClock {
    /// Now.
    package static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// In UTC by RFC 3339.
    package static func text(_ nanoseconds: UInt64) -> String {
        var time = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [UInt8](repeating: 0, count: 32)
        let count = text.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                strftime($0.baseAddress, $0.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
            }
        }
        return String(decoding: text.prefix(count), as: UTF8.self)
    }
}
