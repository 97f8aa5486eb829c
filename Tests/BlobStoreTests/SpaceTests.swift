import Foundation
import Testing

@testable import FanfoldBlobs

@Suite struct `The room of a store` {
    private let folder = BlobTestFolder()

    @Test func `ends at the limit: the blob that was not used for longest goes`() throws {
        let store = try folder.open { $0.totalBytes = 3_000 }
        let ids = try (0..<3).map { try store.put(noise(1_000, seed: $0)) }
        _ = try store.read(ids[0])
        let new = try store.put(noise(1_000, seed: 9))
        #expect(Set(store.ids) == [ids[0], ids[2], new])
        #expect(store.figures.evicted == 1)
        #expect(store.figures.bytes == 3_000)
        #expect(store.violations() == [])
    }

    @Test func `is found at the limit and refused one byte past it`() throws {
        let store = try folder.open {
            $0.totalBytes = 1_000
            $0.blobBytes = 1_000
        }
        _ = try store.put(noise(1_000, seed: 1))
        #expect(
            blobError { _ = try store.put(noise(1_001, seed: 1)) }
                == .tooLarge(bytes: 1_001, limit: 1_000))
    }

    @Test func `is refused with figures when everything is pinned or in use`() throws {
        let store = try folder.open { $0.totalBytes = 2_000 }
        let pinned = try store.put(noise(1_000, seed: 1), pinnedFor: "run-1")
        let leased = try store.put(noise(900, seed: 2))
        let lease = try store.lease(leased)
        guard
            case .storeFull(200, let figures) = blobError({ _ = try store.put(noise(200, seed: 3)) }
            )
        else {
            Issue.record("it was not refused")
            return
        }
        #expect(figures.bytes == 1_900)
        #expect(figures.heldBytes == 1_900)
        #expect(figures.limitBytes == 2_000)
        #expect(figures.blobs == 2)
        #expect(Set(store.ids) == [pinned, leased])
        withExtendedLifetime(lease) {}
    }

    @Test func `is free again when the lease or the pin is gone`() throws {
        let store = try folder.open { $0.totalBytes = 1_000 }
        let first = try store.put(noise(1_000, seed: 1), pinnedFor: "run-1")
        try store.pin([first], for: "run-1")
        try store.unpin([first], for: "run-1")
        #expect(blobError { _ = try store.put(noise(1_000, seed: 2)) } != nil)
        try store.unpin([first], for: "run-1")
        // A mapping is a lease.
        var mapping: BlobMapping? = try store.map(first)
        #expect(mapping?.withBytes { Array($0) } == noise(1_000, seed: 1))
        #expect(blobError { _ = try store.put(noise(1_000, seed: 2)) } != nil)
        mapping = nil
        let second = try store.put(noise(1_000, seed: 2))
        #expect(store.ids == [second])
    }

    @Test func `leaves the wanted share of the disk to others`() throws {
        let store = try folder.open { $0.freeShare = 1 }
        guard case .storeFull(_, let figures) = blobError({ _ = try store.put([1]) }) else {
            Issue.record("it was not refused")
            return
        }
        #expect(figures.diskKeptBytes > figures.diskFreeBytes)
        #expect(store.figures.blobs == 0)
    }

    @Test func `keeps the order of use over a restart, about`() throws {
        let ids = try [1, 2].map { try folder.open().put(noise(1_000, seed: $0)) }
        for (id, second) in zip(ids, [2_000, 1_000]) {
            var times = [timeval](repeating: timeval(tv_sec: second, tv_usec: 0), count: 2)
            utimes("\(folder.store)/blobs/\(id.description.prefix(2))/\(id)", &times)
        }
        let store = try folder.open { $0.totalBytes = 2_000 }
        _ = try store.put(noise(1_000, seed: 3))
        #expect(store.contains(ids[0]))
        #expect(!store.contains(ids[1]))
    }

    @Test func `books are right after many random calls`() throws {
        let store = try folder.open { $0.totalBytes = 20_000 }
        var random = SeededNumbers(seed: 42)
        var pins: [(BlobID, String)] = []
        for _ in 0..<2_000 {
            let id = BlobID.of(noise(500, seed: random.next(below: 60)))
            switch random.next(below: 6) {
            case 0, 1: _ = try store.put(noise(500, seed: random.next(below: 60)))
            case 2:
                guard pins.count < 20, store.contains(id) else { continue }
                let owner = "o\(random.next(below: 3))"
                try store.pin([id], for: owner)
                pins.append((id, owner))
            case 3:
                guard let (id, owner) = pins.popLast() else { continue }
                try store.unpin([id], for: owner)
            case 4: if store.contains(id) { _ = try store.read(id) }
            default: try store.remove(id)
            }
            let problems = store.violations()
            guard problems.isEmpty else {
                Issue.record("\(problems)")
                return
            }
        }
        #expect(pins.allSatisfy { store.contains($0.0) })
    }

    @Test(.enabled(if: canMount, "nothing can be mounted: A FULL DISK WAS NOT TESTED"))
    func `on a full disk a call fails clearly and nothing is left of it`() throws {
        let disk = folder.path + "/disk"
        mkdir(disk, 0o700)
        #expect(mount("tmpfs", disk, "tmpfs", 0, "size=4m,mode=700") == 0)
        defer { umount2(disk, 2) }
        var limits = BlobLimits()
        limits.freeShare = 0
        let store = try BlobStore(
            folder: disk + "/store", limits: limits, durability: .durable,
            logger: BlobTestFolder.quiet)
        let id = try store.put(noise(10_000, seed: 1), pinnedFor: "run")
        guard case .storeFull = blobError({ _ = try store.put(bigNoise(5 << 20, seed: 2)) }) else {
            Issue.record("there was room for 5 MiB on 4")
            return
        }
        // Somebody else fills the disk while a blob is written.
        let writer = try BlobWriter(store, expectedSize: 1 << 20)
        fill(disk + "/other")
        guard
            case .diskFull = blobError({
                try bigNoise(1 << 20, seed: 3).lend { bytes throws(BlobError) in
                    try writer.write(bytes)
                }
            })
        else {
            Issue.record("a full disk was not noticed")
            return
        }
        withExtendedLifetime(writer) {}
        #expect(try store.read(id) == noise(10_000, seed: 1))
    }

    @Test(.enabled(if: canMount, "nothing can be mounted: A READ-ONLY DISK WAS NOT TESTED"))
    func `on a read-only disk is not opened, and it is said why`() throws {
        let disk = folder.path + "/disk"
        mkdir(disk, 0o700)
        #expect(mount("tmpfs", disk, "tmpfs", UInt(MS_RDONLY), "size=4m,mode=700") == 0)
        defer { umount2(disk, 2) }
        #expect(
            blobError { _ = try BlobStore(folder: disk + "/store") }
                == .notPermitted(
                    verb: "made", path: disk + "/store", reason: "Read-only file system"))
    }
}

/// Whether this process may mount file systems: it is root, and no container forbids it.
private let canMount: Bool = {
    let folder = BlobTestFolder()
    guard mount("tmpfs", folder.path, "tmpfs", 0, "size=1m") == 0 else { return false }
    return umount2(folder.path, 2) == 0
}()

/// Writes to a file until the disk is full.
private func fill(_ path: String) {
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    let bytes = [UInt8](repeating: 1, count: 4_096)
    while write(file, bytes, bytes.count) > 0 {}
    close(file)
}

/// Numbers that are the same for a seed.
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next(below limit: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return (state >> 11) % limit
    }
}
