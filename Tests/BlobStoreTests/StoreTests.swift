import Foundation
import Synchronization
import Testing

@testable import FanfoldBlobs

@Suite struct `A store of blobs` {
    private let folder = BlobTestFolder()

    @Test func `what is put comes back under the SHA-256 of its bytes`() throws {
        let store = try folder.open(.durable)
        let id = try store.put(Array("abc".utf8))
        // Source: FIPS 180-2, appendix B.1.
        #expect(
            id.description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(BlobID(id.description) == id)
        #expect(BlobID(bytes: id.bytes) == id)
        #expect(try store.read(id) == Array("abc".utf8))
        #expect(try store.map(id).withBytes { Array($0) } == Array("abc".utf8))
        #expect(store.size(of: id) == 3)
    }

    @Test(arguments: [
        "", "AB", String(repeating: "A", count: 64), String(repeating: "a", count: 65),
    ])
    func `other text is no id`(text: String) {
        #expect(BlobID(text) == nil)
    }

    @Test(arguments: [0, 1, 4_095, 1 << 20, (1 << 20) + 1, 3 << 20, (3 << 20) + 7])
    func `every size comes back whole and in parts, also after it was closed`(count: Int) throws {
        let bytes = bigNoise(count, seed: 7)
        let id: BlobID
        do {
            let store = try folder.open(.durable)
            id = try store.put(bytes)
            #expect(id == BlobID.of(bytes))
        }
        let store = try folder.open(.durable)
        #expect(store.opening.blobs == 1)
        #expect(try store.read(id, Int64(count / 2)..<Int64(count)) == Array(bytes[(count / 2)...]))
        #expect(try store.read(id) == bytes)
        #expect(try store.map(id).withBytes { Array($0) } == bytes)
        let sums = try store.sums(of: id)
        #expect(sums.chunks.count == ChunkSums.chunkCount(Int64(count)))
        #expect(ChunkSums(encoded: sums.encoded, size: Int64(count)) == sums)
        #expect(ChunkSums(encoded: sums.encoded, size: Int64(count) + 1) == nil)
        #expect(store.violations() == [])
    }

    @Test func `a file, a pipe and memory with the same bytes are one blob`() throws {
        let store = try folder.open()
        let bytes = bigNoise((2 << 20) + 5, seed: 3)
        let path = try folder.file("input", bytes)
        let pipe = Pipe()
        let writer = pipe.fileHandleForWriting
        Thread.detachNewThread {
            writer.write(Data(bytes))
            try? writer.close()
        }
        let first = try store.put(path: path)
        let second = try store.put(descriptor: pipe.fileHandleForReading.fileDescriptor)
        let third = try store.put(bytes)
        #expect(first == second)
        #expect(first.id == third)
        #expect(store.figures.blobs == 1)
        #expect(store.figures.bytes == Int64(bytes.count))
        #expect(store.figures.reservedBytes == 0)
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test func `a file that is given up is moved in, and refused if it is not what was said`()
        throws
    {
        let store = try folder.open()
        let path = try folder.file("given", Array("abc".utf8))
        let inode =
            try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
        let blob = try store.put(path: path, isGivenUp: true)
        #expect(!FileManager.default.fileExists(atPath: path))
        let kept = try FileManager.default.attributesOfItem(atPath: store.folder.blob(blob.id))
        #expect(kept[.systemFileNumber] as? Int == inode)
        let other = try folder.file("other", Array("xyz".utf8))
        #expect(
            blobError { _ = try store.put(path: other, expecting: blob.id) }
                == .wrongContent(wanted: blob.id, found: BlobID.of(Array("xyz".utf8))))
        #expect(store.figures.blobs == 1)
        #expect(store.violations() == [])
    }

    @Test func `a range outside the blob and an unknown id are refused`() throws {
        let store = try folder.open()
        let id = try store.put([1, 2, 3])
        #expect(
            blobError { _ = try store.read(id, 1..<4) } == .outOfRange(id, range: 1..<4, size: 3))
        #expect(try store.read(id, 3..<3) == [])
        let other = BlobID.of([9])
        #expect(blobError { _ = try store.read(other) } == .missing(other))
        #expect(blobError { _ = try store.lease(other) } == .missing(other))
    }

    @Test func `a lent descriptor reads the blob, and copying streams it`() throws {
        let store = try folder.open()
        let bytes = bigNoise((1 << 20) + 9, seed: 4)
        let id = try store.put(bytes)
        let first = try store.withDescriptor(of: id) { number in
            var buffer = [UInt8](repeating: 0, count: 4)
            return pread(number, &buffer, 4, 1_024) == 4 ? buffer : []
        }
        #expect(first == Array(bytes[1_024..<1_028]))
        let path = try folder.file("copy", [])
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try store.copy(id, to: handle.fileDescriptor)
        #expect(try [UInt8](Data(contentsOf: URL(filePath: path))) == bytes)
    }

    @Test func `many threads put the same and different blobs at once`() throws {
        let store = try folder.open()
        let failures = Mutex<[String]>([])
        onThreads(8) { thread in
            for round in 0..<40 {
                do {
                    let same = noise(3_000, seed: UInt64(round))
                    let own = noise(100, seed: UInt64(1_000 + thread * 100 + round))
                    let ids = [try store.put(same), try store.put(own)]
                    guard try store.read(ids[0]) == same, try store.read(ids[1]) == own else {
                        return failures.withLock { $0.append("wrong bytes") }
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(store.figures.blobs == 40 + 8 * 40)
        #expect(store.figures.reservedBytes == 0)
        #expect(store.violations() == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.temporary) == [])
    }

    @Test func `the folder is nobody else's, and what is open is not opened again`() throws {
        let store = try folder.open()
        let mode = try FileManager.default.attributesOfItem(atPath: folder.store)
        #expect(mode[.posixPermissions] as? Int == 0o700)
        guard case .locked(folder.store, let process) = blobError({ _ = try folder.open() }) else {
            Issue.record("it was opened twice")
            return
        }
        #expect(process == "process \(getpid())")
        #expect(store.figures.blobs == 0)
    }

    @Test func `a folder of other things, of another version or open to others is refused`() throws
    {
        let other = BlobTestFolder()
        _ = try other.file("store", [])
        #expect(blobError { _ = try other.open() }?.description.contains("cannot be used") == true)

        let used = BlobTestFolder()
        try FileManager.default.createDirectory(
            atPath: used.store, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        _ = try used.file("store/letter.txt", [1])
        #expect(blobError { _ = try used.open() } == .notAStore(path: used.store))
        #expect(try FileManager.default.contentsOfDirectory(atPath: used.store) == ["letter.txt"])

        _ = try folder.open()
        _ = try folder.file("store/version", Array("fanfold-blobs 9\n".utf8))
        #expect(
            blobError { _ = try folder.open() }
                == .unknownVersion(
                    path: folder.store + "/version", found: "fanfold-blobs 9",
                    wanted: "fanfold-blobs 1"))
        _ = try folder.file("store/version", Array("fanfold-blobs 1\n".utf8))
        chmod(folder.store, 0o750)
        #expect(
            blobError { _ = try folder.open() } == .exposed(path: folder.store, mode: "0750"))
    }

    @Test(.enabled(if: geteuid() == 0, "not root: THE OWNER OF A FOLDER WAS NOT CHECKED"))
    func `a folder of another user is refused`() throws {
        _ = try folder.open()
        chown(folder.store, 12_345, 12_345)
        #expect(
            blobError { _ = try folder.open() }
                == .wrongOwner(path: folder.store, owner: 12_345, user: 0))
    }

    @Test func `what a crash left behind is tidied up, and strangers are moved aside`() throws {
        let id = try folder.open().put([1])
        let lost = BlobID.of([2])
        _ = try folder.file("store/temporary/17", [1, 2, 3])
        _ = try folder.file(
            "store/blobs/\(lost.description.prefix(2))/\(lost).sums", [1, 2, 3])
        _ = try folder.file("store/blobs/00/readme", [1])
        _ = try folder.file("store/blobs/ff/\(id)", [1])
        let store = try folder.open()
        #expect(store.opening.removedPartials == 2)
        #expect(store.opening.strangers == (id.description.hasPrefix("ff") ? 1 : 2))
        #expect(store.opening.blobs == 1)
        #expect(store.ids == [id])
    }
}
