@preconcurrency import Glibc

/// Files that fit in memory: addresses, tokens, contexts, documents.
package enum SmallFile {
    /// The bytes of a file; `nil` if there is none.
    ///
    /// Throws: if it cannot be read, or has more than `maximum` bytes.
    package static func bytes(of path: String, maximum: Int) throws(ClientError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .unreadable(path: path, reason: String(cString: strerror(errno)))
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw .unreadable(path: path, reason: String(cString: strerror(errno)))
            }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count <= maximum else {
                throw .unreadable(path: path, reason: "it has more than \(maximum) bytes")
            }
        }
    }
}
