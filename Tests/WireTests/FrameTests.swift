import NIOCore
import NIOEmbedded
import SwiftProtobuf
import Testing

@testable import FanfoldWire

@Suite struct FrameTests {
    private func channel(limit: Int) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(LimitedFrameDecoder(limit: limit)))
        return channel
    }

    @Test func `a frame comes as it was sent, however its bytes arrive`() throws {
        let channel = try channel(limit: 100)
        for byte in RawPeer.length(3) + [1, 2, 3] {
            try channel.writeInbound(ByteBuffer(bytes: [byte]))
        }
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [1, 2, 3]))
        try channel.writeInbound(
            ByteBuffer(bytes: RawPeer.length(1) + [4] + RawPeer.length(0) + RawPeer.length(1) + [5])
        )
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [4]))
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: []))
        #expect(try channel.readInbound(as: ByteBuffer.self) == ByteBuffer(bytes: [5]))
        #expect(try channel.finish().isClean)
    }

    @Test func `a frame may be as long as the limit and not one byte longer`() throws {
        let fitting = try channel(limit: 4)
        try fitting.writeInbound(ByteBuffer(bytes: RawPeer.length(4) + [1, 2, 3, 4]))
        #expect(try fitting.readInbound(as: ByteBuffer.self)?.readableBytes == 4)
        let longer = try channel(limit: 4)
        #expect(throws: WireError.frameTooLong(bytes: 5, limit: 4)) {
            try longer.writeInbound(ByteBuffer(bytes: RawPeer.length(5)))
        }
    }

    @Test func `an end inside a frame is an error`() throws {
        let channel = try channel(limit: 100)
        try channel.writeInbound(ByteBuffer(bytes: RawPeer.length(3) + [1]))
        #expect(throws: WireError.truncated) { _ = try channel.finish() }
    }

    @Test func `messages are packed into as few frames as the limits allow`() throws {
        var limits = WireLimits()
        limits.messagesPerFrame = 3
        let messages = (1...7).map { ended(UInt64($0)) }
        let frames = try FrameWriter(limits: limits).frames(
            of: messages, allocator: ByteBufferAllocator())
        #expect(frames.count == 3)
        var back: [WireMessage] = []
        for var frame in frames {
            let length = frame.readInteger(as: UInt32.self)
            #expect(length.map(Int.init) == frame.readableBytes)
            back += try FrameReader.messages(of: frame, limit: 3)
        }
        #expect(back == messages)
    }

    @Test func `what is written by hand is what the library writes`() throws {
        let messages = [
            ended(1), ended(1 << 40),
            WireMessage(
                .ping(
                    .with {
                        $0.payload = .init(repeating: 9, count: 300)
                    })),
        ]
        let frames = try FrameWriter(limits: WireLimits()).frames(
            of: messages, allocator: ByteBufferAllocator())
        #expect(frames.map { Array(buffer: $0) } == [try RawPeer.frame(messages)])
    }

    @Test func `a message that fits into no frame is refused`() throws {
        var limits = WireLimits()
        limits.frameBytes = 100
        let message = WireMessage(.ping(.with { $0.payload = .init(repeating: 0, count: 100) }))
        #expect(throws: WireError.messageTooLong(bytes: 107, limit: 100)) {
            try FrameWriter(limits: limits).frames(of: [message], allocator: ByteBufferAllocator())
        }
    }

    @Test func `more messages than a frame may have are counted before they are made`() throws {
        let body: [UInt8] = try WireFrame.with {
            $0.messages = Array(repeating: WireMessage(), count: 5)
        }.serializedBytes()
        let frame = ByteBuffer(bytes: body)
        #expect(try FrameReader.messages(of: frame, limit: 5).count == 5)
        #expect(throws: WireError.tooManyMessages(count: 5, limit: 4)) {
            try FrameReader.messages(of: frame, limit: 4)
        }
    }

    @Test func `what is repeated in a message is counted too`() throws {
        let most = FrameReader.fieldsPerFrame
        func frame(_ count: Int) throws -> ByteBuffer {
            let body: [UInt8] = try WireFrame.with {
                $0.messages = [
                    WireMessage(
                        .takeBack(
                            .with {
                                $0.attempts = Array(repeating: WireAttempt(), count: count)
                            }))
                ]
            }.serializedBytes()
            return ByteBuffer(bytes: body)
        }
        // The field of the message itself counts as one.
        #expect(try FrameReader.messages(of: frame(most - 1), limit: 9).count == 1)
        #expect(throws: WireError.tooManyMessages(count: most + 1, limit: most)) {
            try FrameReader.messages(of: frame(most), limit: 9)
        }
    }

    @Test(
        arguments: [
            [0x0A], [0x0A, 5, 1], [0x0B], [0xFF], [0x0A, 2, 0x0A, 9], [0x02, 0],
            [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        ] as [[UInt8]])
    func `what is no list of messages is garbage`(bytes: [UInt8]) {
        #expect(throws: WireError.garbage) {
            try FrameReader.messages(of: ByteBuffer(bytes: bytes), limit: 10)
        }
    }

    @Test func `what a later version added is skipped`() throws {
        // Field 15 of the frame, field 99 of a message, field 99 of a heartbeat.
        let bytes: [UInt8] = [
            0x78, 1,
            0x0A, 5, 0x9A, 0x06, 2, 0x08, 1,
            0x0A, 7, 0x1A, 5, 0x28, 3, 0x98, 0x06, 1,
        ]
        let messages = try FrameReader.messages(of: ByteBuffer(bytes: bytes), limit: 10)
        #expect(messages.count == 2)
        #expect(messages.first?.kind == nil)
        #expect(messages.last == WireMessage(.heartbeat(.with { $0.running = 3 })))
    }
}
