import NIOCore
import NIOExtras

/// Cuts bytes into frames: four bytes of length, most significant first, then as many bytes.
///
/// A length is looked at before anything is kept for it.
final class LimitedFrameDecoder: ByteToMessageDecoder {
    typealias InboundOut = ByteBuffer

    /// Bytes of the length.
    static let lengthBytes = 4

    /// The most bytes a frame may have now.
    var limit: Int
    /// Whether a frame has begun and is not complete.
    private(set) var isInsideFrame = false

    private let decoder = LengthFieldBasedFrameDecoder(lengthFieldLength: .four)
    private var wantsLength = true

    init(limit: Int) { self.limit = limit }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        if wantsLength {
            guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else {
                isInsideFrame = buffer.readableBytes > 0
                return .needMoreData
            }
            guard length <= limit else {
                throw WireError.frameTooLong(bytes: Int(length), limit: limit)
            }
        }
        let state = try decoder.decode(context: context, buffer: &buffer)
        wantsLength = state == .continue
        isInsideFrame = !wantsLength
        return state
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        while try decode(context: context, buffer: &buffer) == .continue {}
        if isInsideFrame { throw WireError.truncated }
        return .needMoreData
    }
}
