import CFanfoldSystem
import CPluginABI
@preconcurrency import Glibc
import Testing

@testable import FanfoldPlugins

/// What a helper that is not ours might say: the host must end it, and nothing else.
@Suite(.timeLimit(.minutes(10))) struct HostileHelperTests {
    /// How many messages; `FANFOLD_FUZZ=…` is for longer.
    static let rounds = getenv("FANFOLD_FUZZ").flatMap { Int(String(cString: $0)) } ?? 20_000

    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    /// Two ends of a channel in one process.
    private struct Pair {
        let host: FrameChannel
        let socket: Int32

        init() throws {
            var ours: Int32 = -1
            var theirs: Int32 = -1
            try #require(fan_frame_pair(&ours, &theirs) == 0)
            fan_frame_set_tick(ours, 1)
            let size = IsolationLimits.arenaBytes
            let outgoing = try #require(
                Arena(descriptor: fan_memory_file("out", UInt64(size)), isWritable: true))
            let incoming = try #require(
                Arena(descriptor: fan_memory_file("in", UInt64(size)), isWritable: false))
            host = FrameChannel(socket: ours, outgoing: outgoing, incoming: incoming)
            socket = theirs
        }

        func say(_ bytes: [UInt8]) {
            _ = bytes.withUnsafeBytes {
                send(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
        }
    }

    /// A reply as a good helper writes it, with its head.
    private func goodFrame(_ number: UInt64, _ random: inout Random) -> [UInt8] {
        let arena = Arena(
            descriptor: fan_memory_file("good", 1 << 20), size: 1 << 20, isWritable: true)
        guard let arena else { return [] }
        var body = WireBody(arena: arena)
        body.number(UInt32(0))
        var reply = StrategyReply()
        reply.value = .random(in: 0...4, using: &random)
        reply.released = (0..<UInt64.random(in: 0...3, using: &random)).map { $0 }
        if Bool.random(using: &random) {
            reply.failure = PluginFailure(code: 3, reason: "r", message: "m")
        }
        reply.write(to: &body)
        var events = SinkEvent.Writer(body: WireBody(arena: arena))
        for id in 0..<UInt64.random(in: 0...3, using: &random) {
            Array("{}".utf8).withUnsafeBytes { events.subtask(id, spec: $0) }
            events.body.number(UInt32(2))
            WirePart.items(input: 0, from: 1, count: 2).write(to: &events.body)
            WirePart.bytes(handle: 1, [1, 2, 3]).write(to: &events.body)
        }
        body.number(events.count)
        events.body.wire.bytes.withUnsafeBytes { body.wire.raw($0) }
        let bytes = body.wire.bytes
        let first = UInt64(MessageKind.reply.rawValue) | UInt64(bytes.count) << 32
        return withUnsafeBytes(of: first.littleEndian, Array.init)
            + withUnsafeBytes(of: number.littleEndian, Array.init) + bytes
    }

    @Test func `a good reply is read, frame after frame`() throws {
        let pair = try Pair()
        defer { close(pair.socket) }
        var random = Random(state: 7)
        for number in 0..<100 {
            pair.say(goodFrame(UInt64(number), &random))
            try pair.host.receive { (kind, body) throws(WireFault) in
                _ = try StrategyAnswerMessage(&body)
            }
        }
    }

    @Test func `frames with flipped, cut and made-up bytes end the channel and nothing else`()
        throws
    {
        var refused = 0
        for seed in 1...Self.rounds {
            var random = Random(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15)
            let pair = try Pair()
            defer { close(pair.socket) }
            var frame = goodFrame(0, &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    frame[.random(in: 0..<frame.count, using: &random)] ^=
                        1 << UInt8.random(in: 0..<8, using: &random)
                }
            case 1: frame = Array(frame.prefix(.random(in: 1..<frame.count, using: &random)))
            case 2:
                frame = (0..<Int.random(in: 1..<200, using: &random)).map { _ in
                    .random(in: 0...255, using: &random)
                }
            default:
                let place = Int.random(in: 16..<frame.count, using: &random)
                for index in place..<min(frame.count, place + 8) { frame[index] = 0xFF }
            }
            pair.say(frame)
            do throws(FrameChannel.End) {
                try pair.host.receive { (kind, body) throws(WireFault) in
                    guard kind == .reply else { throw WireFault("not due") }
                    let answer = try StrategyAnswerMessage(&body)
                    var lent = LentParts()
                    for case .subtask(_, _, let parts) in answer.events {
                        for part in parts {
                            var blob = try lent.blob(part)
                            HostBlob.release(&blob)
                        }
                    }
                    lent.releaseAll()
                }
            } catch {
                refused += 1
            }
        }
        #expect(refused > Self.rounds / 2, "most of them are wrong: \(refused)")
    }

    @Test func `calls of executors too are read without trust`() throws {
        for seed in 1...(Self.rounds / 4) {
            var random = Random(state: UInt64(seed) &* 0xD134_2543_DE82_EF95)
            let bytes = (0..<Int.random(in: 0..<120, using: &random)).map { _ in
                Bool.random(using: &random) ? 0 : UInt8.random(in: 0...255, using: &random)
            }
            let pair = try Pair()
            defer { close(pair.socket) }
            bytes.withUnsafeBytes { bytes in
                var answer = IncomingBody(wire: WireReader(bytes), channel: pair.host)
                _ = try? PluginAnswer(&answer)
                var call = IncomingBody(wire: WireReader(bytes), channel: pair.host)
                var id: UInt64 = 0
                _ = try? PluginCall(&call, id: &id)
            }
        }
    }

    @Test func `memory that was not lent cannot be given back, nor any twice`() throws {
        let arena = try #require(
            Arena(descriptor: fan_memory_file("a", 1 << 20), size: 1 << 20, isWritable: true))
        let start = try #require(arena.allocate(100))
        #expect(arena.isTaken(UInt64(start), 100))
        #expect(!arena.isTaken(UInt64(start) + 64, 1_000))
        arena.release(start, count: 100)
        #expect(!arena.isTaken(UInt64(start), 100))
        #expect(!arena.isTaken(1 << 40, 100))
    }

    @Test func `an arena gives out what is free and only that`() throws {
        let size = 1 << 16
        let arena = try #require(
            Arena(descriptor: fan_memory_file("a", UInt64(size)), size: size, isWritable: true))
        var random = Random(state: 99)
        var live: [(start: Int, count: Int)] = []
        for _ in 0..<5_000 {
            if Bool.random(using: &random), let one = live.randomElement(using: &random) {
                arena.release(one.start, count: one.count)
                live.removeAll { $0.start == one.start }
                continue
            }
            let count = Int.random(in: 1...3_000, using: &random)
            guard let start = arena.allocate(count) else { continue }
            #expect(start >= 0 && start + count <= size)
            #expect(!live.contains { $0.start < start + count && start < $0.start + $0.count })
            live.append((start, count))
        }
        for one in live { arena.release(one.start, count: one.count) }
        #expect(arena.allocate(size) == 0)
    }
}
