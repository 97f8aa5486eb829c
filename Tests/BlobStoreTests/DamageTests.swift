import Foundation
import Testing

@testable import FanfoldBlobs

@Suite struct `A blob that the disk damaged` {
    private let folder = BlobTestFolder()

    private func damage(_ id: BlobID, at offset: Int) throws {
        let path = "\(folder.store)/blobs/\(id.description.prefix(2))/\(id)"
        let handle = try #require(FileHandle(forUpdatingAtPath: path))
        try handle.seek(toOffset: UInt64(offset))
        let old = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(offset))
        try handle.write(contentsOf: Data([old ^ 1]))
        try handle.close()
    }

    @Test func `is not served, is moved aside and is reported, however it is read`() throws {
        for way in 0..<4 {
            let id = try folder.open().put(noise(5_000, seed: UInt64(way)))
            try damage(id, at: 4_999)
            let store = try folder.open()
            let aside = "\(folder.store)/damaged/\(id)"
            let error = blobError {
                switch way {
                case 0: _ = try store.map(id)
                case 1: _ = try store.read(id, 0..<1)
                case 2: try store.withDescriptor(of: id) { _ in }
                default: try store.verify(id)
                }
            }
            #expect(error == .damaged(id, movedTo: aside), "way \(way)")
            #expect(FileManager.default.fileExists(atPath: aside))
            #expect(!store.contains(id))
            #expect(store.figures.damaged == 1)
            #expect(store.violations() == [])
        }
    }

    @Test func `is found in the chunk that is read, and only there`() throws {
        let bytes = bigNoise(4 << 20, seed: 1)
        let id = try folder.open().put(bytes)
        try damage(id, at: (2 << 20) + 17)
        let store = try folder.open()
        #expect(try store.read(id, 0..<(2 << 20)) == Array(bytes[..<(2 << 20)]))
        #expect(try store.read(id, (3 << 20)..<(4 << 20)) == Array(bytes[(3 << 20)...]))
        #expect(blobError { _ = try store.read(id, (2 << 20)..<((2 << 20) + 1)) } != nil)
        #expect(!store.contains(id))
    }

    @Test func `is whole again when it is put again`() throws {
        let bytes = noise(9_000, seed: 2)
        let id = try folder.open().put(bytes)
        try damage(id, at: 3)
        let store = try folder.open()
        #expect(try store.put(bytes) == id)
        #expect(try store.read(id) == bytes)
        #expect(store.figures.damaged == 0)
    }

    @Test func `that was cut or removed is not served either`() throws {
        let store = try folder.open()
        let cut = try store.put(noise(100, seed: 3))
        let gone = try store.put(noise(100, seed: 4))
        truncate("\(store.folder.blob(cut))", 50)
        unlink(store.folder.blob(gone))
        #expect(blobError { try store.verify(cut) } != nil)
        #expect(blobError { _ = try store.read(gone) } == .damaged(gone, movedTo: ""))
        #expect(store.figures.blobs == 0)
    }

    @Test func `does not count against one with lost or damaged sums`() throws {
        let bytes = bigNoise(3 << 20, seed: 5)
        let id = try folder.open().put(bytes)
        let sums = "\(folder.store)/blobs/\(id.description.prefix(2))/\(id).sums"
        let right = try Data(contentsOf: URL(filePath: sums))
        for wrong in [nil, Data(right.dropLast()), Data(right.reversed())] {
            unlink(sums)
            try wrong?.write(to: URL(filePath: sums))
            let store = try folder.open()
            #expect(try store.read(id, 5..<9) == Array(bytes[5..<9]))
            #expect(try Data(contentsOf: URL(filePath: sums)) == right)
        }
    }

    @Test func `is found by a check of everything`() throws {
        let store = try folder.open { $0.damagedKept = 1 }
        let ids = try (0..<5).map { try store.put(noise(2_000, seed: $0)) }
        try damage(ids[1], at: 0)
        try damage(ids[3], at: 1_999)
        #expect(try store.verifyAll() == [ids[1], ids[3]].sorted())
        #expect(store.figures.blobs == 3)
        let kept = try FileManager.default.contentsOfDirectory(atPath: store.folder.damaged)
        #expect(kept.count == 1)
    }
}
