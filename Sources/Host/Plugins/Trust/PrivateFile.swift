@preconcurrency import Glibc

/// Small files that are written whole: keys, signatures, locks.
package enum PrivateFile {
    /// Puts a file in the place of the one there is, all of it or nothing.
    ///
    /// Returns: why it could not be written; `nil` if it was.
    package static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) -> String? {
        let temporary = "\(path).\(getpid()).new"
        unlink(temporary)
        if let reason = make(temporary, bytes, mode: mode) { return reason }
        guard rename(temporary, path) == 0 else {
            let reason = systemMessage(errno)
            unlink(temporary)
            return reason
        }
        return nil
    }

    /// Makes a file that is not there yet.
    ///
    /// Returns: why it could not be made; `nil` if it was.
    package static func make(_ path: String, _ bytes: [UInt8], mode: mode_t) -> String? {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return systemMessage(errno) }
        var reason: String?
        var offset = 0
        while offset < bytes.count, reason == nil {
            let put = bytes[offset...].withUnsafeBytes {
                write(descriptor, $0.baseAddress, $0.count)
            }
            if put < 0 && errno == EINTR { continue }
            if put > 0 { offset += put } else { reason = systemMessage(errno) }
        }
        // The mode that was wanted, whatever the umask is.
        if reason == nil, fchmod(descriptor, mode) != 0 { reason = systemMessage(errno) }
        if close(descriptor) != 0, reason == nil { reason = systemMessage(errno) }
        if reason != nil { unlink(path) }
        return reason
    }
}

extension PluginPrivateKey {
    /// Size of a key file in bytes.
    static let maximumFileBytes = 4_096

    /// Reads a key file, which nobody but its owner may read: mode 0600.
    package init(file path: String) throws(SignatureProblem) {
        let file: FileBytes
        do throws(PluginLoadError) {
            file = try FileBytes(path: path, limit: Self.maximumFileBytes)
        } catch .unreadable(_, let reason) {
            throw SignatureProblem(description: "cannot read the key \(path): \(reason)")
        } catch {
            throw SignatureProblem(
                description: "\(path) is no private key; wanted what `fanfold plugin keygen` writes"
            )
        }
        if let problem = file.privacyProblem {
            throw SignatureProblem(description: "the key \(path) is refused: \(problem)")
        }
        do throws(SignatureProblem) {
            try self.init(file.withBytes { String(decoding: $0, as: UTF8.self) })
        } catch {
            throw SignatureProblem(description: "\(path): \(error.description)")
        }
    }
}

extension PluginKey {
    /// Reads a `.pub` file.
    package init(file path: String) throws(SignatureProblem) {
        let file: FileBytes
        do throws(PluginLoadError) {
            file = try FileBytes(path: path, limit: PluginPrivateKey.maximumFileBytes)
        } catch {
            throw SignatureProblem(description: "cannot read the public key: \(error.message)")
        }
        let text = file.withBytes { String(decoding: $0, as: UTF8.self) }
        try self.init(text.hasSuffix("\n") ? String(text.dropLast()) : text)
    }
}
