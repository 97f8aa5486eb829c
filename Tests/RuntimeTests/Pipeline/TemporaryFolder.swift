@preconcurrency import Glibc

/// A folder that is removed with the value.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/fanfold-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "a folder can be made under /tmp")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    /// Writes a file, and the folders it stands in.
    func write(_ name: String, _ text: String = "") {
        var folder = path
        for part in name.split(separator: "/").dropLast() {
            folder += "/" + part
            mkdir(folder, 0o755)
        }
        let file = fopen(path + "/" + name, "w")
        precondition(file != nil, "\(name) can be written")
        fputs(text, file)
        fclose(file)
    }

    func link(_ name: String, to target: String) {
        precondition(symlink(target, path + "/" + name) == 0, "\(name) can be made")
    }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFDIR, let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { remove(path + "/" + name) }
            }
            closedir(stream)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
