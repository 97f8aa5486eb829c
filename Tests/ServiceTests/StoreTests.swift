import FanfoldPlugins
import Foundation
import Testing

@testable import FanfoldServices

@Suite struct `The store of a component` {
    private let folder = TestFolder()

    private func store(
        _ component: String = "a.b", _ change: (inout FileStoreService.Limits) -> Void = { _ in }
    ) -> FileStoreService {
        var limits = FileStoreService.Limits()
        change(&limits)
        return FileStoreService(directory: folder.path, component: component, limits: limits)
    }

    private func failure(_ body: () throws(PluginFailure) -> Void) -> PluginFailure? {
        do throws(PluginFailure) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    private var files: [String] {
        let all = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String]
        return (all ?? []).filter { $0.split(separator: "/").count == 3 }
    }

    @Test func `a value is kept, replaced and removed`() throws {
        #expect(try store().value(of: "k") == nil)
        try store().set([1, 2], for: "k")
        #expect(try store().value(of: "k") == [1, 2])
        try store().set([3], for: "k")
        #expect(try store().value(of: "k") == [3])
        try store().set([], for: "k")
        #expect(try store().value(of: "k") == nil)
        try store().set([], for: "k")
        #expect(files == [])
    }

    @Test func `two components do not see each other, whatever their ids are`() throws {
        let ids = [
            "a", "A", "a/b", "a%2Fb", "..", "a.b", "a_b", String(repeating: "x", count: 255),
        ]
        for (number, id) in ids.enumerated() {
            try store(id).set([UInt8(number)], for: "k")
        }
        for (number, id) in ids.enumerated() {
            #expect(try store(id).value(of: "k") == [UInt8(number)], "\(id)")
        }
        #expect(files.count == ids.count)
    }

    @Test func `keys of their form are kept apart, others are refused`() throws {
        let keys = ["a", "A", "0", "a/b", "a.b", "a:b", "a-b", "a_b", "a//b", "a/../b"]
        for (number, key) in keys.enumerated() { try store().set([UInt8(number)], for: key) }
        for (number, key) in keys.enumerated() {
            #expect(try store().value(of: key) == [UInt8(number)], "\(key)")
        }
        let most = String(repeating: "k", count: 80)
        #expect(failure { () throws(PluginFailure) in try store().set([1], for: most) } == nil)
        for key in ["", ".", "../a", "/a", "-a", "a b", "a%2F", "ä", "a\0", most + "k"] {
            let found = failure { () throws(PluginFailure) in try store().set([1], for: key) }
            #expect(found?.reason == "store.key", "\(key)")
            #expect(found?.code == 3)
            let read = failure { () throws(PluginFailure) in _ = try store().value(of: key) }
            #expect(read?.code == 3)
        }
    }

    @Test func `the limits hold at the limit and not one past it`() throws {
        let value = [UInt8](repeating: 7, count: 10)
        let small = store {
            $0.valueBytes = 10; $0.keys = 2; $0.totalBytes = 15
        }
        try small.set(value, for: "a")
        let long = failure { () throws(PluginFailure) in try small.set(value + [7], for: "b") }
        #expect(long?.code == 11)
        try small.set([1, 2, 3, 4, 5], for: "b")
        let full = failure { () throws(PluginFailure) in
            try small.set([1, 2, 3, 4, 5, 6], for: "b")
        }
        #expect(full?.reason == "store.size")
        #expect(full?.code == 8)
        #expect(try small.value(of: "b") == [1, 2, 3, 4, 5])
        let third = failure { () throws(PluginFailure) in try small.set([1], for: "c") }
        #expect(third?.reason == "store.size" || third?.reason == "store.keys")
        try small.set([1], for: "b")
        let fourth = failure { () throws(PluginFailure) in try small.set([1], for: "c") }
        #expect(fourth?.reason == "store.keys")
        try small.set([], for: "b")
        try small.set([1], for: "c")
    }

    @Test func `a write that was cut short leaves the old value, and its remains are removed`()
        throws
    {
        try store().set([1, 2, 3], for: "k")
        let name = try #require(files.first)
        let parent =
            folder.path + "/" + name.split(separator: "/").dropLast().joined(separator: "/")
        let remains = parent + "/.new-4711"
        FileManager.default.createFile(atPath: remains, contents: Data([1]))
        #expect(try store().value(of: "k") == [1, 2, 3])
        try store().set([4], for: "other")
        #expect(!FileManager.default.fileExists(atPath: remains))
        #expect(try store().value(of: "k") == [1, 2, 3])
        #expect(try store().value(of: "other") == [4])
    }

    @Test func `many threads at one key leave one whole value`() throws {
        let service = store()
        DispatchQueue.concurrentPerform(iterations: 32) { number in
            try? service.set([UInt8](repeating: UInt8(number), count: 1_000), for: "k")
        }
        let value = try #require(try service.value(of: "k"))
        #expect(value.count == 1_000)
        #expect(Set(value).count == 1)
        #expect(files.count == 1)
    }

    @Test func `nobody else can read what is kept, and a folder in the way is said`() throws {
        try store().set([1], for: "k")
        let path = folder.path + "/" + (try #require(files.first))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let file = folder.write("file", "")
        let blocked = FileStoreService(directory: file, component: "a")
        let found = failure { () throws(PluginFailure) in try blocked.set([1], for: "k") }
        #expect(found?.reason == "store.unusable")
        #expect(found?.message.contains("state:") == true)
    }
}
