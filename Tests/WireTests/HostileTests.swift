import FanfoldWire
import NIOCore
import SwiftProtobuf
import Testing

/// What a peer may try; after each the listener still serves others.
@Suite(.timeLimit(.minutes(2)), .serialized) struct HostileTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Whether Hello comes first.
        var isInside = false
        var bytes: @Sendable () throws -> [UInt8]
        var error: String
        /// Whether the peer ends its side.
        var closes = false
    }

    private static let attacks: [Attack] = [
        Attack(
            testDescription: "a length of 4 GiB", bytes: { [255, 255, 255, 255] },
            error: "frame-too-long"),
        Attack(
            testDescription: "17 MiB inside", isInside: true,
            bytes: { RawPeer.length(17 << 20) }, error: "frame-too-long"),
        Attack(
            testDescription: "65 KiB before Hello", bytes: { RawPeer.length(65 << 10) },
            error: "frame-too-long"),
        Attack(
            testDescription: "garbage", bytes: { RawPeer.length(4) + [1, 2, 3, 4] },
            error: "garbage"),
        Attack(
            testDescription: "HTTP", bytes: { Array("GET / HTTP/1.1\r\n\r\n".utf8) },
            error: "frame-too-long"),
        Attack(
            testDescription: "half a frame", bytes: { RawPeer.length(4) + [1] },
            error: "truncated", closes: true),
        Attack(testDescription: "silence", bytes: { [] }, error: "too-slow"),
        Attack(
            testDescription: "half a frame and silence", bytes: { RawPeer.length(4) + [1] },
            error: "too-slow"),
        Attack(
            testDescription: "half a frame and silence inside", isInside: true,
            bytes: { RawPeer.length(4) + [1] }, error: "too-slow"),
        Attack(
            testDescription: "orders before Hello",
            bytes: { try RawPeer.frame([WireMessage(.start(.init()))]) }, error: "out-of-order"),
        Attack(
            testDescription: "Hello twice", isInside: true,
            bytes: { try RawPeer.frame([goodHello()]) }, error: "out-of-order"),
        Attack(
            testDescription: "a coordinator's message", isInside: true,
            bytes: { try RawPeer.frame([WireMessage(.shutdown(.init()))]) },
            error: "out-of-order"),
        Attack(
            testDescription: "a chunk nobody asked for", isInside: true,
            bytes: { try RawPeer.frame([WireMessage(.blobChunk(.with { $0.request = 1 }))]) },
            error: "blob-out-of-order"),
        Attack(
            testDescription: "a gap", isInside: true,
            bytes: { try RawPeer.frame([ended(2)]) }, error: "sequence-gap"),
        Attack(
            testDescription: "too many messages in a frame", isInside: true,
            bytes: { try RawPeer.frame(Array(repeating: WireMessage(), count: 101)) },
            error: "too-many-messages"),
        Attack(
            testDescription: "a flood", isInside: true,
            bytes: {
                let frame = try RawPeer.frame(
                    Array(repeating: WireMessage(.heartbeat(.init())), count: 100))
                return (0..<11).flatMap { _ in frame }
            }, error: "flood"),
        Attack(
            testDescription: "Join where nobody joins",
            bytes: { try RawPeer.frame([WireMessage(.join(.init()))]) }, error: "not-allowed"),
    ]

    private static var limits: WireLimits {
        var limits = WireLimits()
        limits.messagesPerFrame = 100
        limits.messagesPerSecond = 1
        limits.messageBurst = 1_000
        limits.lingerMilliseconds = 50
        limits.failuresPerMinute = 100_000
        return limits
    }

    private func attack(_ loopback: Loopback, _ attack: Attack) async throws -> String? {
        let peer = try await RawPeer(loopback.address)
        if attack.isInside {
            try peer.send([goodHello()])
            _ = await peer.firstBytes()
        }
        peer.send(try attack.bytes())
        if attack.closes { peer.close() }
        let error: WireError? = await loopback.delegate.happenings.first {
            switch $0 {
            case .turnedAway(let error), .closed(let error): error
            default: nil
            }
        }
        await peer.end()
        if !attack.isInside, attack.error != "not-allowed" { #expect(peer.received.isEmpty) }
        return error?.name
    }

    private func expectService(_ loopback: Loopback) async {
        let delegate = RecordingClient()
        let client = loopback.client(delegate)
        #expect(await delegate.welcomed() != nil)
        client.stop(reason: "done")
    }

    @Test(arguments: attacks)
    func `ends its own connection, with a name, and nothing else`(attack: Attack) async throws {
        var limits = Self.limits
        // Only what waits for a deadline has a short one: others may be kept waiting by the machine.
        if attack.error == "too-slow", attack.isInside { limits.frameMilliseconds = 200 }
        if attack.error == "too-slow", !attack.isInside { limits.handshakeMilliseconds = 1_500 }
        let loopback = try Loopback(limits: limits)
        let bystander = RecordingClient()
        let client = loopback.client(bystander)
        let session = try #require(await bystander.welcomed()).session
        #expect(try await self.attack(loopback, attack) == attack.error)
        session.send([ended(1)])
        #expect(await loopback.delegate.messages(1) == [ended(1)])
        client.stop(reason: "done")
        loopback.server.stop(reason: "over")
    }

    /// Frames that were good and are changed: bits, cuts, repeats, and messages in any order.
    private static func hostileBytes(_ generator: inout Seeded) throws -> [UInt8] {
        let kinds: [WireMessage] = [
            goodHello(), ended(1), ended(2), WireMessage(.inventory(.init())),
            WireMessage(.join(.with { $0.token = .init(count: 32) })),
            WireMessage(.renew(.with { $0.signingRequest = .init([0x30, 0x80]) })),
            WireMessage(.heartbeat(.with { $0.count = 1 })), WireMessage(.welcome(.init())),
            WireMessage(
                .blobRequest(
                    .with {
                        $0.request = 1
                        $0.sha256 = .init(count: 32)
                    })),
            WireMessage(
                .blobCredit(
                    .with {
                        $0.request = 1
                        $0.bytes = .max
                    })),
            WireMessage(.blobChunk(.init())), WireMessage(.ping(.init())), WireMessage(),
        ]
        var bytes = try RawPeer.frame(generator.next() % 4 == 0 ? [] : [goodHello()])
        for _ in 0..<Int(generator.next() % 6) {
            let count = Int(generator.next() % 4)
            let messages = (0..<count).map { _ in kinds[Int(generator.next() % 13)] }
            bytes += try RawPeer.frame(messages)
        }
        for _ in 0..<Int(generator.next() % 4) where !bytes.isEmpty {
            let place = Int(generator.next() % UInt64(bytes.count))
            switch generator.next() % 3 {
            case 0: bytes[place] ^= 1 << UInt8(generator.next() % 8)
            case 1: bytes.removeSubrange(place...)
            default: bytes.insert(contentsOf: bytes.suffix(from: place), at: place)
            }
        }
        return bytes
    }

    @Test func `whatever bytes come, the listener lives`() async throws {
        var limits = Self.limits
        limits.messageBurst = 100_000
        let loopback = try Loopback(limits: limits)
        for seed in 0..<300 as Range<UInt64> {
            var generator = Seeded(seed)
            let peer = try await RawPeer(loopback.address)
            peer.send(try Self.hostileBytes(&generator))
            peer.close()
        }
        await expectService(loopback)
        loopback.server.stop(reason: "over")
    }
}
