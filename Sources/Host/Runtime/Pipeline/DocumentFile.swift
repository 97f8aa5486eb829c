@preconcurrency import Glibc

/// Reads documents and makes paths absolute.
package enum DocumentFile {
    /// Why a document could not be read.
    struct Unreadable: Error {
        /// The reason, a sentence.
        var message: String
    }

    /// The bytes of a file; one more than `maximumBytes` if there are more than that.
    static func read(_ path: String, maximumBytes: Int) throws(Unreadable) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Unreadable(message: cannotOpen(path, errno)) }
        defer { close(descriptor) }
        guard FileKind.of(path) != .folder else {
            throw Unreadable(message: "\(path) is a folder; wanted a document")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= maximumBytes {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Unreadable(message: "cannot read: \(String(cString: strerror(errno)))")
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
        return Array(bytes.prefix(maximumBytes + 1))
    }

    private static func cannotOpen(_ path: String, _ code: Int32) -> String {
        code == ENOENT
            ? "there is no such file" : "cannot open: \(String(cString: strerror(code)))"
    }

    /// `path` below `directory`, or itself if it is absolute.
    package static func absolute(_ path: String, in directory: String) -> String {
        if path.hasPrefix("/") { return path }
        var path = path[...]
        while path.hasPrefix("./") { path = path.dropFirst(2).drop { $0 == "/" } }
        if path == "." || path.isEmpty { return directory }
        return directory.hasSuffix("/") ? directory + path : directory + "/" + path
    }

    /// The folder the process works in.
    package static var workingDirectory: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        guard getcwd(&buffer, buffer.count) != nil else { return "/" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The folder that a path stands in: `a/b.yaml` gives `a`, `b.yaml` gives the empty path.
    static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The name of a file without folders and without its last extension.
    static func stem(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return String(name) }
        return String(name[..<dot])
    }

    /// What follows the last dot of the file's name, in lower case; empty if there is none.
    static func fileExtension(of path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    /// The path without `.`, `..` and doubled slashes, for comparing only: a link before a `..`
    /// would lead elsewhere.
    package static func simplified(_ path: String) -> String {
        var names: [Substring] = []
        for name in path.split(separator: "/") where name != "." {
            if name == ".." { _ = names.popLast() } else { names.append(name) }
        }
        return "/" + names.joined(separator: "/")
    }
}
