@preconcurrency import Glibc

/// What a path leads to.
enum FileKind: Hashable {
    case file
    case folder
    case link
    /// A device, a pipe, a socket.
    case other
    /// Nothing, or something that may not be looked at.
    case missing
    /// Not known before it is looked at.
    case unknown

    /// What is at `path`, links being followed.
    static func of(_ path: String) -> FileKind {
        var status = stat()
        return stat(path, &status) == 0 ? kind(of: status) : .missing
    }

    /// What is at `path`, a link being a link.
    static func ofEntry(_ path: String) -> FileKind {
        var status = stat()
        return lstat(path, &status) == 0 ? kind(of: status) : .missing
    }

    private static func kind(of status: stat) -> FileKind {
        switch status.st_mode & S_IFMT {
        case S_IFREG: .file
        case S_IFDIR: .folder
        case S_IFLNK: .link
        default: .other
        }
    }
}

/// One entry of a folder.
struct FolderEntry {
    /// The name, without the folder.
    var name: String
    /// What it is; `unknown` on file systems that do not say.
    var kind: FileKind

    /// The folder is there and cannot be read.
    struct Unreadable: Error {
        /// The system's reason.
        var reason: String
    }

    /// The entries of a folder in no order, without `.` and `..`.
    ///
    /// A folder that is not there has none.  A name that is not UTF-8 is left out: no path in a
    /// document could name it.
    static func list(_ folder: String) throws(Unreadable) -> [FolderEntry] {
        guard let stream = opendir(folder) else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { return [] }
            throw Unreadable(reason: String(cString: strerror(code)))
        }
        defer { closedir(stream) }
        var entries: [FolderEntry] = []
        errno = 0
        while let entry = readdir(stream) {
            if let name = name(entry), name != ".", name != ".." {
                entries.append(FolderEntry(name: name, kind: kind(entry.pointee.d_type)))
            }
            errno = 0
        }
        guard errno == 0 else { throw Unreadable(reason: String(cString: strerror(errno))) }
        return entries
    }

    private static func name(_ entry: UnsafeMutablePointer<dirent>) -> String? {
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            let length = bytes.firstIndex(of: 0) ?? bytes.count
            return String(validating: bytes[..<length], as: UTF8.self)
        }
    }

    private static func kind(_ type: UInt8) -> FileKind {
        switch Int(type) {
        case Int(DT_REG): .file
        case Int(DT_DIR): .folder
        case Int(DT_LNK): .link
        case Int(DT_UNKNOWN): .unknown
        default: .other
        }
    }
}
