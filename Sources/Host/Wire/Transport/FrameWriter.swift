import NIOCore
import SwiftProtobuf

/// Packs messages into as few frames as the limits allow.
struct FrameWriter {
    let limits: WireLimits

    /// The frames, each with its length in front.
    func frames(of messages: [WireMessage], allocator: ByteBufferAllocator) throws -> [ByteBuffer] {
        var frames: [ByteBuffer] = []
        var frame = Self.begin(allocator)
        var count = 0
        for message in messages {
            let bytes: [UInt8] = try message.serializedBytes()
            let size = 1 + Self.varintBytes(UInt64(bytes.count)) + bytes.count
            guard size <= limits.frameBytes else {
                throw WireError.messageTooLong(bytes: size, limit: limits.frameBytes)
            }
            let used = frame.readableBytes - LimitedFrameDecoder.lengthBytes
            if used + size > limits.frameBytes || count == limits.messagesPerFrame {
                frames.append(Self.complete(frame))
                frame = Self.begin(allocator)
                count = 0
            }
            // Field 1, with a length: `repeated Message messages = 1`.
            frame.writeInteger(UInt8(0x0A))
            Self.write(UInt64(bytes.count), to: &frame)
            frame.writeBytes(bytes)
            count += 1
        }
        if count > 0 { frames.append(Self.complete(frame)) }
        return frames
    }

    private static func begin(_ allocator: ByteBufferAllocator) -> ByteBuffer {
        var frame = allocator.buffer(capacity: 512)
        frame.writeInteger(UInt32(0))
        return frame
    }

    private static func complete(_ frame: ByteBuffer) -> ByteBuffer {
        var frame = frame
        let length = UInt32(frame.readableBytes - LimitedFrameDecoder.lengthBytes)
        frame.setInteger(length, at: frame.readerIndex)
        return frame
    }

    private static func varintBytes(_ value: UInt64) -> Int {
        max(1, (64 - value.leadingZeroBitCount + 6) / 7)
    }

    private static func write(_ value: UInt64, to frame: inout ByteBuffer) {
        var rest = value
        while rest >= 0x80 {
            frame.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        frame.writeInteger(UInt8(rest))
    }
}
