import Foundation
import Testing

@testable import FanfoldBlobs

@Suite struct `An upload` {
    private let folder = BlobTestFolder()
    private let bytes = bigNoise((2 << 20) + 100, seed: 8)
    private var id: BlobID { BlobID.of(bytes) }

    private func part(_ range: Range<Int>) -> [UInt8] { Array(bytes[range]) }

    @Test func `goes on after a restart where it was, and is one blob at the end`() throws {
        do {
            let store = try folder.open(.durable)
            #expect(
                try store.beginUpload("u-1", size: Int64(bytes.count), id: id)
                    == BlobUploadStatus(length: 0))
            #expect(try store.append(to: "u-1", at: 0, part(0..<1_000_000)) == 1_000_000)
        }
        let store = try folder.open(.durable)
        #expect(store.figures.reservedBytes == Int64(bytes.count))
        #expect(
            try store.beginUpload("u-1", size: Int64(bytes.count), id: id).length == 1_000_000)
        try store.append(to: "u-1", at: 1_000_000, part(1_000_000..<bytes.count))
        let blob = try store.finishUpload("u-1", pinnedFor: "run")
        #expect(blob == BlobReference(id: id, size: Int64(bytes.count)))
        #expect(try store.read(id) == bytes)
        #expect(store.figures.reservedBytes == 0)
        #expect(store.pinnedBlobs == ["run": [id: 1]])
        #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.uploads) == [])
        #expect(
            try store.beginUpload("u-2", size: Int64(bytes.count), id: id).stored == blob)
        #expect(store.violations() == [])
    }

    @Test func `takes a part twice and over the edge, but no gap`() throws {
        let store = try folder.open()
        _ = try store.beginUpload("u")
        #expect(try store.append(to: "u", at: 0, part(0..<500)) == 500)
        #expect(try store.append(to: "u", at: 0, part(0..<500)) == 500)
        #expect(try store.append(to: "u", at: 250, part(250..<750)) == 750)
        #expect(
            blobError { try store.append(to: "u", at: 751, part(751..<800)) }
                == .uploadGap("u", length: 750, offset: 751))
        #expect(blobError { try store.append(to: "u", at: -1, [0]) } != nil)
        #expect(try store.finishUpload("u").id == BlobID.of(part(0..<750)))
        #expect(blobError { _ = try store.finishUpload("u") } == .noUpload("u"))
        #expect(blobError { try store.append(to: "u", at: 750, [0]) } == .noUpload("u"))
    }

    @Test func `that is not what was announced is refused and says both`() throws {
        let store = try folder.open()
        _ = try store.beginUpload("u", size: 10, id: id)
        try store.append(to: "u", at: 0, part(0..<9))
        #expect(
            blobError { _ = try store.finishUpload("u") } == .wrongSize(wanted: 10, found: 9))
        #expect(
            blobError { try store.append(to: "u", at: 9, part(9..<11)) }
                == .wrongSize(wanted: 10, found: 11))
        try store.append(to: "u", at: 9, part(9..<10))
        #expect(
            blobError { _ = try store.finishUpload("u") }
                == .wrongContent(wanted: id, found: BlobID.of(part(0..<10))))
        #expect(store.uploadStatus("u") == nil)
        #expect(store.figures.blobs == 0)
        #expect(store.figures.reservedBytes == 0)
    }

    @Test func `of one name is of one thing, and there are so many at most`() throws {
        let store = try folder.open { $0.uploads = 2 }
        _ = try store.beginUpload("a", size: 10)
        #expect(
            blobError { _ = try store.beginUpload("a", size: 11) } == .differentUpload("a"))
        _ = try store.beginUpload("b")
        #expect(
            blobError { _ = try store.beginUpload("c") } == .tooManyUploads(limit: 2))
        store.cancelUpload("a")
        _ = try store.beginUpload("c")
        #expect(blobError { _ = try store.beginUpload("../c") } == .badName("../c"))
    }

    @Test func `keeps its room, and more than there is is refused at once`() throws {
        let store = try folder.open { $0.totalBytes = 1_000 }
        _ = try store.beginUpload("a", size: 600)
        guard
            case .storeFull(600, let figures) = blobError({
                _ = try store.beginUpload("b", size: 600)
            })
        else {
            Issue.record("it was not refused")
            return
        }
        #expect(figures.reservedBytes == 600)
        #expect(store.uploadStatus("b") == nil)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: store.folder.uploads).sorted()
                == ["a.part", "a.want"])
    }

    @Test func `whose last byte is too long ago is collected`() throws {
        let old = ["a", "b"]
        var store: BlobStore? = try folder.open { $0.uploadSeconds = 100 }
        for name in old + ["new"] { _ = try store?.beginUpload(name, size: 3) }
        try store?.append(to: "new", at: 0, [1])
        for name in old {
            var times = [timeval(tv_sec: 5, tv_usec: 0), timeval(tv_sec: 5, tv_usec: 0)]
            utimes("\(folder.store)/uploads/\(name).part", &times)
        }
        let path = "\(folder.store)/uploads/a.part"
        #expect(store?.collectUploads() == 2)
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(store?.figures.reservedBytes == 3)
        _ = try store?.beginUpload("b", size: 3)
        var times = [timeval(tv_sec: 5, tv_usec: 0), timeval(tv_sec: 5, tv_usec: 0)]
        utimes("\(folder.store)/uploads/b.part", &times)
        store = nil
        let again = try folder.open { $0.uploadSeconds = 100 }
        #expect(again.opening.collectedUploads == 1)
        #expect(again.uploadStatus("b") == nil)
        #expect(again.uploadStatus("new")?.length == 1)
    }
}
