import NIOCore
import SwiftProtobuf

/// Unpacks frames that somebody else has packed.
///
/// Two bytes of a frame can stand for a message of a hundred: what is repeated is counted before
/// anything is made of it.
enum FrameReader {
    /// The deepest message has 6 levels.
    private static let deepest = 16
    /// Fields in the messages of a frame, not counting those within fields.
    static let fieldsPerFrame = 524_288

    /// The messages of a frame.
    ///
    /// Parameter limit: messages that a frame may have.
    static func messages(of frame: ByteBuffer, limit: Int) throws(WireError) -> [WireMessage] {
        try count(frame, limit: limit)
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = deepest
        options.discardUnknownFields = true
        do {
            return try WireFrame(serializedBytes: Array(buffer: frame), options: options).messages
        } catch {
            throw .garbage
        }
    }

    private static func count(_ frame: ByteBuffer, limit: Int) throws(WireError) {
        var messages = 0
        var fields = 0
        var outer = FieldWalker(frame.readableBytesView)
        while let field = try outer.next() {
            guard field.number == 1, let message = field.bytes else { continue }
            messages += 1
            guard messages <= limit else {
                throw .tooManyMessages(count: messages, limit: limit)
            }
            var middle = FieldWalker(message)
            while let kind = try middle.next() {
                fields += 1
                guard let bytes = kind.bytes else { continue }
                var inner = FieldWalker(bytes)
                while try inner.next() != nil {
                    fields += 1
                    guard fields <= fieldsPerFrame else {
                        throw .tooManyMessages(count: fields, limit: fieldsPerFrame)
                    }
                }
            }
        }
    }
}

/// Walks over the fields of one protobuf message without looking into them.
///
/// Source: protobuf.dev, "Encoding": a field is a varint of number and type, then its value.
struct FieldWalker {
    /// One field.
    struct Field {
        var number: UInt64
        /// The value of a field that has a length.
        var bytes: ByteBufferView?
    }

    private let view: ByteBufferView
    private var position: Int

    init(_ view: ByteBufferView) {
        self.view = view
        position = view.startIndex
    }

    /// The next field; `nil` at the end.
    mutating func next() throws(WireError) -> Field? {
        guard position < view.endIndex else { return nil }
        let key = try varint()
        var field = Field(number: key >> 3)
        switch key & 7 {
        case 0: _ = try varint()
        case 1: try skip(8)
        case 5: try skip(4)
        case 2:
            let length = try varint()
            guard length <= UInt64(view.endIndex - position) else { throw .garbage }
            let begin = position
            position += Int(length)
            field.bytes = view[begin..<position]
        // Groups were given up before proto3.
        default: throw .garbage
        }
        guard field.number > 0 else { throw .garbage }
        return field
    }

    private mutating func skip(_ count: Int) throws(WireError) {
        guard view.endIndex - position >= count else { throw .garbage }
        position += count
    }

    private mutating func varint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < view.endIndex, shift < 70 {
            let byte = view[position]
            position += 1
            if shift < 64 { value |= UInt64(byte & 0x7F) << shift }
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .garbage
    }
}
