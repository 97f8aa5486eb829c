import Foundation
import Logging
import Synchronization
import Testing

@testable import FanfoldBlobs

/// A folder of a test's own, removed with the last reference.
final class BlobTestFolder: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "fanfold-blobs-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var store: String { path + "/store" }

    func open(
        _ durability: BlobDurability = .cache,
        _ change: (inout BlobLimits) -> Void = { _ in }
    ) throws -> BlobStore {
        var limits = BlobLimits()
        limits.freeShare = 0
        change(&limits)
        return try BlobStore(
            folder: store, limits: limits, durability: durability, logger: Self.quiet)
    }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = "\(path)/\(name)"
        try Data(bytes).write(to: URL(filePath: file))
        return file
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// Bytes that look like noise and are the same for a seed.
func noise(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}

/// Noise that is made quickly, for big blobs: a kilobyte over and over, with its number in it.
func bigNoise(_ count: Int, seed: UInt64) -> [UInt8] {
    let block = noise(1_024, seed: seed)
    var bytes = [UInt8](repeating: 0, count: count)
    for start in stride(from: 0, to: count, by: 1_024) {
        let end = min(count, start + 1_024)
        bytes[start..<end] = block[..<(end - start)]
        for place in 0..<min(4, end - start) {
            bytes[start + place] = UInt8(truncatingIfNeeded: (start >> 10) >> (8 * place))
        }
    }
    return bytes
}

func blobError(_ body: () throws -> Void) -> BlobError? {
    do {
        try body()
        return nil
    } catch {
        return error as? BlobError
    }
}

/// Runs the bodies on threads of their own and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let group = DispatchGroup()
    for number in 0..<count {
        group.enter()
        Thread.detachNewThread {
            body(number)
            group.leave()
        }
    }
    group.wait()
}
