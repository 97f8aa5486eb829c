import Testing

@testable import FanfoldCore

@Suite struct EventCodingTests {
    @Test(arguments: 0..<RandomEvents.kinds)
    func `an event comes back from its bytes`(kind: Int) throws {
        var events = RandomEvents(seed: UInt64(kind))
        for _ in 0..<60 {
            let event = events.event(kind)
            #expect(try Event(decoding: event.encoded()) == event)
        }
    }

    @Test(arguments: 0..<RandomEvents.kinds)
    func `an event that is cut off is refused at each length`(kind: Int) {
        var events = RandomEvents(seed: 100 + UInt64(kind))
        for _ in 0..<6 {
            let bytes = events.event(kind).encoded()
            for length in 0..<min(bytes.count, 300) {
                #expect(throws: CodingError.self) {
                    try Event(decoding: Array(bytes[..<length]))
                }
            }
        }
    }

    @Test(arguments: 0..<RandomEvents.kinds)
    func `damaged bytes are refused or are another event, and never trap`(kind: Int) {
        var events = RandomEvents(seed: 200 + UInt64(kind))
        for _ in 0..<200 {
            var bytes = events.event(kind).encoded()
            for _ in 0...events.random.upTo(2) {
                let place = Int(events.random.upTo(UInt64(bytes.count - 1)))
                bytes[place] ^= 1 << UInt8(events.random.upTo(7))
            }
            guard let event = try? Event(decoding: bytes) else { continue }
            // What is read can be written and read again.
            #expect((try? Event(decoding: event.encoded()))?.encoded() == event.encoded())
        }
    }

    @Test func `bytes that somebody made up never trap`() {
        var random = SplitMix64(seed: 5)
        for _ in 0..<3000 {
            var bytes: [UInt8] = [Event.codingVersion, UInt8(1 + random.upTo(20))]
            for _ in 0..<random.upTo(60) { bytes.append(UInt8(random.upTo(255))) }
            _ = try? Event(decoding: bytes)
        }
    }

    @Test func `another version and bytes left over are refused with their place`() {
        #expect(throws: CodingError(.unknownVersion(2), at: 0)) { try Event(decoding: [2, 16]) }
        #expect(throws: CodingError(.unknownCase(of: "Event", 99), at: 1)) {
            try Event(decoding: [1, 99])
        }
        #expect(throws: CodingError(.trailing(1), at: 2)) { try Event(decoding: [1, 16, 0]) }
        #expect(throws: CodingError(.truncated(missing: 1), at: 1)) { try Event(decoding: [1]) }
    }

    @Test func `a count that no bytes follow is refused before anything is made for it`() {
        // A list of labels of 2^40 entries.
        var writer = ByteWriter()
        for byte: UInt8 in [1, 4, 0, 0, 0, 0] { writer.byte(byte) }
        writer.varint(1 << 40)
        #expect(throws: CodingError.self) { try Event(decoding: writer.bytes) }
    }

    @Test func `ten thousand equal subtasks take a tenth of a byte each`() {
        let added = Array(repeating: SubtaskSpec(shape: ShapeID(7)), count: 10_000)
        let bytes = Event.strategySplit(task0, added: added, state: .more).encoded()
        #expect(bytes.count <= 1000)
    }

    @Test func `the end of an attempt takes thirty bytes`() {
        func report(_ index: UInt32) -> AttemptReport {
            AttemptReport(
                attempt: attempt(index), outcome: .succeeded, slot: slot(17, 4000),
                successor: attempt(index + 1),
                usage: AttemptUsage(
                    ranNanoseconds: 12_000_000, cpuNanoseconds: 11_000_000,
                    peakMemoryBytes: 30 << 20, bytesIn: 20_000, bytesOut: 2000, items: 100))
        }
        let one = Event.attemptsEnded(WorkerID(3), [report(123_456)]).encoded().count
        let many = Event.attemptsEnded(
            WorkerID(3), (0..<100).map { report(123_456 + $0) }
        ).encoded().count
        #expect(one <= 34)
        #expect((many - one) / 99 <= 30)
    }

    @Test(arguments: [0, 1, 127, 128, 300, UInt64(UInt32.max), .max])
    func `a number comes back, and only in its shortest form`(number: UInt64) throws {
        var writer = ByteWriter()
        writer.varint(number)
        writer.zigzag(Int64(bitPattern: number))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.varint() == number)
        #expect(try reader.zigzag() == Int64(bitPattern: number))
        try reader.finish()
        for long: [UInt8] in [
            [0x80, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2],
            [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1],
        ] {
            #expect(throws: CodingError(.badNumber, at: 0)) {
                var reader = ByteReader(long)
                _ = try reader.varint()
            }
        }
    }
}
