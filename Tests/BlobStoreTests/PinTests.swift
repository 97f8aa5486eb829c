import Foundation
import Testing

@testable import FanfoldBlobs

@Suite struct `Pins` {
    private let folder = BlobTestFolder()

    @Test func `are counted by owner and survive a restart`() throws {
        let ids = try [1, 2, 3].map { try folder.open(.durable).put(noise(100, seed: $0)) }
        do {
            let store = try folder.open(.durable)
            try store.pin([ids[0], ids[1]], for: "run-1")
            try store.pin([ids[0]], for: "run-1")
            try store.pin([ids[0]], for: "run-2")
            try store.pin([ids[2]], for: "run-3")
            try store.unpin([ids[1], ids[2]], for: "run-1")
            try store.unpinAll(of: "run-3")
        }
        let store = try folder.open(.durable) { $0.totalBytes = 100 }
        #expect(store.pinnedBlobs == ["run-1": [ids[0]: 2], "run-2": [ids[0]: 1]])
        #expect(blobError { _ = try store.put(noise(100, seed: 9)) } != nil)
        #expect(store.ids == [ids[0]])
        try store.unpinAll(of: "run-1")
        try store.unpin([ids[0]], for: "run-2")
        let new = try store.put(noise(100, seed: 9))
        #expect(store.ids == [new])
    }

    @Test func `of a blob that is not here are refused, and then none is taken`() throws {
        let store = try folder.open()
        let here = try store.put([1])
        let missing = BlobID.of([2])
        #expect(blobError { try store.pin([here, missing], for: "run") } == .missing(missing))
        #expect(store.pinnedBlobs.isEmpty)
        #expect(try store.remove(here))
    }

    @Test(arguments: ["", "a b", "a\nb", ".a", "a/b", String(repeating: "x", count: 81)])
    func `have owners with a plain name`(owner: String) throws {
        let store = try folder.open()
        let id = try store.put([1])
        #expect(blobError { try store.pin([id], for: owner) } == .badName(owner))
        #expect(blobError { _ = try store.put([2], pinnedFor: owner) } == .badName(owner))
    }

    @Test func `cut off by a crash at any byte are those of the whole lines`() throws {
        let id: BlobID
        do {
            let store = try folder.open()
            id = try store.put([1])
            try store.pin([id], for: "a")
            try store.pin([id], for: "b")
        }
        let path = folder.store + "/pins"
        let whole = try Data(contentsOf: URL(filePath: path))
        for length in 0...whole.count {
            try whole.prefix(length).write(to: URL(filePath: path))
            let store = try folder.open()
            let lines = whole.prefix(length).count { $0 == 10 }
            #expect(store.pinnedBlobs.count == lines)
            #expect(store.violations() == [])
        }
    }

    @Test func `that are damaged before the end are refused, with the line`() throws {
        do {
            let store = try folder.open()
            let id = try store.put([1])
            try store.pin([id], for: "a")
            try store.pin([id], for: "b")
        }
        let path = folder.store + "/pins"
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[10] ^= 1
        try bytes.write(to: URL(filePath: path))
        #expect(blobError { _ = try folder.open() } == .damagedPins(path: path, line: 1))
    }

    @Test func `that are past do not make the file grow for ever`() throws {
        let store = try folder.open()
        let id = try store.put([1])
        for _ in 0..<(2 * PinLog.pastLines) {
            try store.pin([id], for: "run")
            try store.unpin([id], for: "run")
        }
        try store.pin([id], for: "run")
        let size = try Data(contentsOf: URL(filePath: folder.store + "/pins")).count
        #expect(size < (PinLog.pastLines + 3) * 100)
        #expect(store.pinnedBlobs == ["run": [id: 1]])
    }

    @Test func `of a blob that was found damaged count again when it comes back`() throws {
        let store = try folder.open { $0.totalBytes = 100 }
        let id = try store.put(noise(100, seed: 1), pinnedFor: "run")
        truncate(store.folder.blob(id), 3)
        #expect(blobError { try store.verify(id) } != nil)
        #expect(try store.put(noise(100, seed: 1)) == id)
        #expect(blobError { _ = try store.put([1]) } != nil)
        #expect(store.violations() == [])
    }
}
