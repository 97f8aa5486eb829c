@preconcurrency import Glibc

/// Where the kernel's own files are; a test has made-up ones.
package struct SystemFiles: Sendable {
    /// Processes and the processor.
    package var proc: String
    /// Devices, nodes and control groups.
    package var sys: String

    /// Bytes that are read of one such file, at most.
    private static let longest = 1 << 20

    /// The kernel's, unless said otherwise.
    package init(proc: String = "/proc", sys: String = "/sys") {
        self.proc = proc
        self.sys = sys
    }

    /// What a file says; `nil` if it cannot be read.
    func text(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16_384)
        while bytes.count < Self.longest {
            let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The number that is all a file says.
    func number(_ path: String) -> Int64? {
        text(path).flatMap { Int64($0.filter { !$0.isWhitespace }) }
    }

    /// The names in a folder.
    func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
