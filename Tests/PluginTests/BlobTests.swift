import CPluginABI
import Testing

@testable import FanfoldPlugins

/// Memory that says when it is given back.
private final class Memory {
    let bytes: UnsafeMutableRawBufferPointer
    let onEnd: () -> Void

    init(_ count: Int, onEnd: @escaping () -> Void = {}) {
        bytes = .allocate(byteCount: count, alignment: 8)
        bytes.initializeMemory(as: UInt8.self, repeating: 7)
        self.onEnd = onEnd
    }

    deinit {
        bytes.deallocate()
        onEnd()
    }

    func lend() -> fan_blob { HostBlob.lend(self, bytes: UnsafeRawBufferPointer(bytes), handle: 5) }
}

/// How often a foreign blob was released: its `owner` points here.
private let countRelease: @convention(c) @Sendable (UnsafeMutablePointer<fan_blob>) -> Void = {
    $0.pointee.owner?.assumingMemoryBound(to: Int.self).pointee += 1
    $0.pointee.release = nil
}

@Suite(.serialized) struct BlobTests {
    @Test func `what is lent comes back with its owner`() {
        let memory = Memory(16)
        var blob = memory.lend()
        #expect(blob.handle == 5)
        #expect(blob.flags == 1)
        guard case .lent(let owner, 0, 16) = HostBlob.receive(&blob) else {
            Issue.record("wanted the loan")
            return
        }
        let isSame = owner === memory
        #expect(isSame)
        #expect(blob.release == nil)
    }

    @Test func `a slice of what is lent comes back as an offset`() {
        var blob = Memory(16).lend()
        blob.data = blob.data.map { $0 + 4 }
        blob.size = 12
        guard case .lent(_, 4, 12) = HostBlob.receive(&blob) else {
            Issue.record("wanted bytes 4 to 16")
            return
        }
    }

    @Test func `a range outside of what was lent is refused, and the memory is free again`() {
        for (move, size) in [(0, 17), (1, 16), (-1, 2), (16, 1), (0, Int.max)] {
            var ended = 0
            do {
                var blob = Memory(16, onEnd: { ended += 1 }).lend()
                blob.data = blob.data.map { $0 + move }
                blob.size = UInt64(size)
                guard case .invalid = HostBlob.receive(&blob) else {
                    Issue.record("\(move) \(size) is outside")
                    return
                }
            }
            #expect(ended == 1)
        }
    }

    @Test func `a second release of a copy is noticed`() {
        var ended = 0
        var blob = Memory(8, onEnd: { ended += 1 }).lend()
        var copy = blob
        HostBlob.release(&blob)
        #expect(ended == 1)
        #expect(blob.release == nil)
        HostBlob.release(&copy)
        #expect(ended == 1)
        var late = copy
        late.release = Memory(1).lend().release
        guard case .invalid = HostBlob.receive(&late) else {
            Issue.record("wanted a refusal")
            return
        }
    }

    @Test func `foreign bytes are released once, when the last reference goes`() {
        var released = 0
        withUnsafeMutablePointer(to: &released) { counter in
            var blob = fan_blob()
            blob.kind = UInt32(FAN_BLOB_BYTES)
            blob.data = UnsafeRawPointer(counter)
            blob.size = 8
            blob.owner = UnsafeMutableRawPointer(counter)
            blob.release = countRelease
            do {
                guard case .bytes(let kept) = HostBlob.receive(&blob) else {
                    Issue.record("wanted bytes")
                    return
                }
                #expect(kept.bytes.count == 8)
                #expect(counter.pointee == 0)
            }
            #expect(counter.pointee == 1)
        }
    }

    @Test func `references say what they refer to`() {
        var items = HostBlob.items(input: 2, from: 10, count: 5)
        guard case .items(2, 10, 5) = HostBlob.receive(&items) else {
            Issue.record("wanted items")
            return
        }
        var result = fan_blob()
        result.kind = UInt32(FAN_BLOB_RESULT)
        result.handle = -1
        result.offset = 3
        guard case .result(.max, 3) = HostBlob.receive(&result) else {
            Issue.record("wanted a result")
            return
        }
    }

    @Test func `whatever a plugin writes into a blob, it is released once and nothing crashes`() {
        var random = SplitMix(seed: 1)
        let before = LentMemory.shared.liveCount
        for round in 0..<20_000 {
            var released = 0
            var ended = 0
            let isLent = Bool.random(using: &random)
            withUnsafeMutablePointer(to: &released) { counter in
                var blob = isLent ? Memory(32, onEnd: { ended += 1 }).lend() : fan_blob()
                if !isLent {
                    blob.owner = UnsafeMutableRawPointer(counter)
                    blob.release = countRelease
                }
                for _ in 0..<Int.random(in: 0...4, using: &random) {
                    Self.damage(&blob, &random)
                }
                _ = HostBlob.receive(&blob)
                #expect(blob.release == nil)
            }
            #expect(isLent ? ended == 1 : released == 1, "round \(round)")
        }
        #expect(LentMemory.shared.liveCount == before)
    }

    private static func damage(_ blob: inout fan_blob, _ random: inout SplitMix) {
        let edges: [UInt64] = [0, 1, 31, 32, 33, 1 << 31, 1 << 32, 1 << 63, .max]
        let number = edges.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<6, using: &random) {
        case 0: blob.kind = UInt32.random(in: 0...12, using: &random)
        case 1: blob.flags = UInt32(truncatingIfNeeded: number)
        case 2: blob.size = number
        case 3: blob.offset = number
        case 4: blob.handle = Int64(bitPattern: number)
        default: blob.data = UnsafeRawPointer(bitPattern: UInt(number))
        }
    }
}
