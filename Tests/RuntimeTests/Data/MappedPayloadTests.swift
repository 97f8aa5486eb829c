import Foundation
import Testing

@testable import FanfoldRuntime

/// Files that are read by the run and whose pages are let go of behind.
struct MappedPayloadTests {
    private static let count = 3 * PayloadSlice.runBytes + 4_711
    private static let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 5 ^ $0 >> 11) }

    private func mapped() throws -> Payload {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-mapped-\(UUID().uuidString)")
        try Data(Self.bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try Payload.mapping(path: file.path)
    }

    private func read(_ slice: PayloadSlice) -> [UInt8] {
        var all: [UInt8] = []
        slice.forEachRun { all += $0 }
        return all
    }

    @Test func `the runs of a slice are its bytes, however often it is read`() throws {
        let payload = try mapped()
        for range in [0..<Self.count, 7..<Self.count - 9, 5..<5, 100..<200] {
            let slice = PayloadSlice(payload: payload, range: range)
            #expect(read(slice) == Array(Self.bytes[range]))
            #expect(read(slice) == Array(Self.bytes[range]))
        }
        payload.letGo(0..<Self.count)
        #expect(payload.whole.withBytes { Array($0) } == Self.bytes)
    }

    @Test func `memory that is no file's keeps what it has`() {
        let payload = Payload(Self.bytes)
        payload.letGo(0..<Self.count)
        #expect(read(payload.whole) == Self.bytes)
    }

    @Test func `a part of a mapped file is known as long as that is mapped`() throws {
        let own = Payload(Self.bytes)
        #expect(!MappedRanges.contain(own.bytes))
        var payload: Payload? = try mapped()
        let memory = try #require(payload?.bytes)
        let part = UnsafeRawBufferPointer(rebasing: memory[3..<(Self.count - 1)])
        #expect(MappedRanges.contain(memory) && MappedRanges.contain(part))
        let beyond = UnsafeRawBufferPointer(start: memory.baseAddress, count: Self.count + 1)
        #expect(!MappedRanges.contain(beyond))
        if let owner = payload {
            let returned = Payload(returned: part, owner: owner)
            #expect(read(returned.whole) == Array(Self.bytes[3..<(Self.count - 1)]))
            #expect(read(returned.whole) == Array(Self.bytes[3..<(Self.count - 1)]))
        }
        payload = nil
        #expect(!MappedRanges.contain(part))
    }
}
