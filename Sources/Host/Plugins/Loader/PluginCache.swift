@preconcurrency import Glibc
import Synchronization

/// Copies of plugins under the name of their content.
///
/// A library that is loaded must never change: writing into it ends the process, and opening a
/// replaced file under the same path silently gives the old one.  So a plugin is loaded from
/// `DIRECTORY/SHA256/NAME`, which nobody rewrites.
struct PluginCache: Sendable {
    private static let temporaryCount = Atomic<Int>(0)

    let directory: String

    /// The path of a verified copy of `file`, made if there is none.
    func copy(of file: FileBytes, sha256: String, name: String) throws(PluginLoadError) -> String {
        let folder = directory + "/" + sha256
        let target = folder + "/" + name
        if isIntact(target, sha256: sha256) { return target }
        try makeDirectory(folder)
        let number = Self.temporaryCount.add(1, ordering: .relaxed).newValue
        let temporary = "\(folder)/.\(name).\(getpid()).\(number)"
        try write(file, to: temporary)
        guard rename(temporary, target) == 0 else {
            let reason = systemMessage(errno)
            unlink(temporary)
            throw .cacheUnusable(path: target, reason: reason)
        }
        return target
    }

    private func isIntact(_ path: String, sha256: String) -> Bool {
        do throws(PluginLoadError) {
            return try FileBytes(path: path).sha256 == sha256
        } catch {
            // Missing or damaged: a new copy replaces it.
            return false
        }
    }

    private func makeDirectory(_ path: String) throws(PluginLoadError) {
        var made = path.hasPrefix("/") ? "" : "."
        for step in path.split(separator: "/") {
            made += "/" + step
            guard mkdir(made, 0o700) == 0 || errno == EEXIST || errno == EISDIR else {
                throw .cacheUnusable(path: made, reason: systemMessage(errno))
            }
        }
    }

    private func write(_ file: FileBytes, to path: String) throws(PluginLoadError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o500)
        guard descriptor >= 0 else {
            throw .cacheUnusable(path: path, reason: systemMessage(errno))
        }
        let isWritten = file.withBytes { bytes in
            var offset = 0
            while offset < bytes.count {
                let put = Glibc.write(
                    descriptor, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
                if put < 0 && errno == EINTR { continue }
                guard put > 0 else { return false }
                offset += put
            }
            return true
        }
        let reason = systemMessage(errno)
        let isComplete = isWritten && fchmod(descriptor, 0o555) == 0
        guard close(descriptor) == 0, isComplete else {
            unlink(path)
            throw .cacheUnusable(path: path, reason: reason)
        }
    }
}
