import Foundation
import Testing

@testable import FanfoldPlugins

struct FileStampTests {
    /// A file, and the second in which it was changed last.
    private func file(_ text: String) throws -> (path: String, changed: Int) {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-stamp-\(UUID().uuidString)").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return (path, try changed(path))
    }

    private func changed(_ path: String) throws -> Int {
        var status = stat()
        try #require(stat(path, &status) == 0)
        return status.st_ctim.tv_sec
    }

    @Test func `a stamp counts only once its file has settled`() throws {
        let (path, changed) = try file("a")
        defer { try? FileManager.default.removeItem(atPath: path) }
        let settled = FileStamp.settledSeconds
        #expect(FileStamp(path: path, nowSeconds: changed) == nil)
        #expect(FileStamp(path: path, nowSeconds: changed + settled) == nil)
        #expect(FileStamp(path: path, nowSeconds: changed + settled + 1) != nil)
        // A clock that was put back says nothing either.
        #expect(FileStamp(path: path, nowSeconds: changed - 100) == nil)
    }

    @Test func `another content of the same size, another mode and another file are another stamp`()
        throws
    {
        let (path, _) = try file("a")
        let (other, _) = try file("a")
        defer {
            for path in [path, other] { try? FileManager.default.removeItem(atPath: path) }
        }
        func stamp(_ path: String) throws -> FileStamp {
            try #require(FileStamp(path: path, nowSeconds: try changed(path) + 100))
        }
        let first = try stamp(path)
        #expect(try stamp(path) == first)
        #expect(try stamp(other) != first)
        #expect(chmod(path, 0o600) == 0 && chmod(path, 0o640) == 0)
        let second = try stamp(path)
        #expect(second != first)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.write(contentsOf: Data("b".utf8))
        try handle.close()
        #expect(try stamp(path) != second)
        #expect(FileStamp(path: path + "-missing", nowSeconds: 0) == nil)
    }
}
