import CFanfoldSystem
import Glibc

/// Where the attempts of this process work: a folder of its own, which nobody can guess before.
///
/// The process holds a lock on it as long as it lives.  A process that was killed leaves its
/// folder; the next one finds it without a holder and removes it.
enum ScratchFolder {
    /// Seconds that a folder without a holder is left alone: its process may just be taking it.
    private static let graceSeconds = 60

    /// Makes the folder `fanfold-PID-XXXXXX` and takes it.
    static func make(in parent: String) throws -> String {
        removeAbandoned(in: parent)
        var template = Array("\(parent)/fanfold-\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            Terminal.complain(
                "error: a scratch directory could not be made in \(parent): "
                    + "\(String(cString: strerror(errno))); set `scratch:` in the settings")
            throw Exit.usage
        }
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        // Stays open until the process ends, in whatever way.
        _ = take(path)
        return path
    }

    /// Removes what killed processes of this user left.
    private static func removeAbandoned(in parent: String) {
        guard let folder = opendir(parent) else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard isOurs(name) else { continue }
            let path = "\(parent)/\(name)"
            guard isOld(path), let held = take(path) else { continue }
            fan_remove_tree(path)
            close(held)
        }
    }

    private static func isOurs(_ name: String) -> Bool {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0] == "fanfold" && UInt32(parts[1]) != nil
            && parts[2].utf8.count == 6
    }

    private static func isOld(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_uid == geteuid()
            && status.st_mtim.tv_sec < time(nil) - graceSeconds
    }

    /// A descriptor that holds the folder, or `nil` if somebody else does.
    private static func take(_ path: String) -> CInt? {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
