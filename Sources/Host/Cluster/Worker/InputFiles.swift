import FanfoldBlobs
import FanfoldRuntime
@preconcurrency import Glibc

/// Files of inputs on a worker, under the names that programs may look at.
///
/// A file that is there is taken as it is: its folder is named by its content, and it was complete
/// before it had its name.
struct InputFiles {
    let folder: String
    let store: BlobStore

    /// The path of a blob as a file of this name.
    func place(_ id: BlobID, as name: String) throws -> String {
        let own = "\(folder)/\(id)"
        let path = "\(own)/\(name)"
        if access(path, R_OK) == 0 { return path }
        try PrivateFolder.make(own)
        let temporary = "\(own)/.\(monotonicNanoseconds()).\(UInt32.random(in: 0 ... .max)).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw EngineLogFailure(
                "\(temporary) cannot be made: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        do {
            try store.copy(id, to: descriptor)
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            throw EngineLogFailure("\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        return path
    }
}
