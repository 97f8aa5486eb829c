@preconcurrency import Glibc
import Synchronization

/// Copies of plugins under the name of their content.
///
/// A library that is loaded must never change: writing into it ends the process, and opening a
/// replaced file under the same path silently gives the old one.  So a plugin is loaded from
/// `DIRECTORY/SHA256/NAME`, which nobody rewrites: a copy, or a folder above it, that others than
/// root and the user may change is refused, since between the check and the opening they could.
struct PluginCache: Sendable {
    private static let temporaryCount = Atomic<Int>(0)

    let directory: String

    /// The path of a verified copy of `file`, made if there is none; its folders are made with the
    /// mode 0700.
    ///
    /// Throws: `cacheOpenToOthers` if somebody else may change a folder that is there already.
    func copy(of file: FileBytes, sha256: String, name: String) throws(PluginLoadError) -> String {
        let folder = directory + "/" + sha256
        let target = folder + "/" + name
        try makeDirectory(folder)
        try checkFolders(of: target, in: folder)
        if isIntact(target, sha256: sha256) { return target }
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
            let file = try FileBytes(path: path)
            return file.sha256 == sha256 && file.changeProblem(isBundled: false) == nil
        } catch {
            // Missing or damaged: a new copy replaces it.
            return false
        }
    }

    /// Who may change a folder on the way to the copy may put another file in its place.
    private func checkFolders(of target: String, in folder: String) throws(PluginLoadError) {
        guard let real = FileBytes.realPath(of: folder) else {
            throw .cacheUnusable(path: folder, reason: systemMessage(errno))
        }
        if let problem = FileOwnership().problem(foldersAbove: real + "/") {
            throw .cacheOpenToOthers(path: target, what: problem)
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
