import Foundation
import Testing

/// A file system of its own with little room, which can be filled, emptied and made read-only.
final class SmallDisk {
    /// Whether this process may mount one.
    static let canBeMade: Bool = {
        guard Fanfold.hasCommands, let disk = try? SmallDisk(mebibytes: 1) else { return false }
        return FileManager.default.fileExists(atPath: disk.folder.path)
    }()

    let folder: URL
    private var filler: URL { folder.appendingPathComponent("filler") }

    init(mebibytes: Int) throws {
        folder = try Fanfold.temporaryFolder()
        try Self.must([
            "mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=700", "tmpfs", folder.path,
        ])
    }

    /// Takes all room that is left.
    func fill() throws {
        #expect(FileManager.default.createFile(atPath: filler.path, contents: nil))
        let file = try FileHandle(forWritingTo: filler)
        defer { try? file.close() }
        for size in [1 << 20, 4_096] {
            let bytes = Data(count: size)
            while (try? file.write(contentsOf: bytes)) != nil {}
        }
    }

    /// Gives back what ``fill()`` took.
    func makeRoom() throws { try FileManager.default.removeItem(at: filler) }

    func setReadOnly(_ isReadOnly: Bool) throws {
        try Self.must(["mount", "-o", "remount,\(isReadOnly ? "ro" : "rw")", folder.path])
    }

    private static func must(_ command: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(command.joined(separator: " "))")
    }

    deinit {
        try? Self.must(["umount", "-l", folder.path])
        try? FileManager.default.removeItem(at: folder)
    }
}
