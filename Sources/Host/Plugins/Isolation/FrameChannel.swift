import CFanfoldSystem
@preconcurrency import Glibc

/// What a message is.
enum MessageKind: UInt8 {
    // From the host.
    /// What to load, and whether to describe or to make an instance.
    case hello = 1
    /// A call of an instance.
    case call
    /// The answer of a service.
    case served
    /// An asynchronous call is not wanted any more.
    case cancel
    /// What was loaded is not needed any more.
    case unload
    // From the helper.
    /// It is loaded, or why not.
    case ready = 64
    /// The answer to a call.
    case reply
    /// A log line.
    case log
    /// A service is asked for.
    case ask
    /// A figure.
    case metric
    /// Something before the end of an asynchronous call.
    case progress
    /// The end of an asynchronous call.
    case ended
}

/// Messages over one socket, and shared memory for what is long.
///
/// A message is one frame or more.  Each direction numbers its frames; a wrong number, kind or
/// length ends the channel.  One thread receives; any may send.
final class FrameChannel: @unchecked Sendable {
    // Unchecked: what sending touches is guarded by `sending`; the rest is the receiver's.

    /// Why nothing more comes.
    enum End: Error, Hashable {
        /// The other side closed its end, or ended.
        case closed
        /// It said something that it must not say.
        case fault(String)
        /// Nothing came within a tick.
        case tick
    }

    /// Bytes of the head of a frame: kind, whether more follows, two of padding, the length of the
    /// body, the number of the frame.
    static let headBytes = 16

    private let socket: Int32
    private let outgoing: Arena
    private let incoming: Arena
    private let sending: UnsafeMutablePointer<pthread_mutex_t>
    private var sentFrames: UInt64 = 0
    private var receivedFrames: UInt64 = 0
    private var freed: [(start: UInt64, count: UInt64)] = []
    private let buffer: UnsafeMutableRawBufferPointer
    private var message: [UInt8] = []
    private var messageKind: UInt8 = 0

    /// Takes over the socket.
    init(socket: Int32, outgoing: Arena, incoming: Arena) {
        self.socket = socket
        self.outgoing = outgoing
        self.incoming = incoming
        sending = .allocate(capacity: 1)
        pthread_mutex_init(sending, nil)
        buffer = .allocate(byteCount: IsolationLimits.frameBytes, alignment: 16)
    }

    deinit {
        close(socket)
        pthread_mutex_destroy(sending)
        sending.deallocate()
        buffer.deallocate()
    }

    // MARK: Sending

    /// Sends a message that `body` writes; every message begins with what the other side may use
    /// again.
    ///
    /// - Parameter onTick: called when the other side has read nothing for a tick; `false` gives up.
    func send(
        _ kind: MessageKind, onTick: () -> Bool = { true }, _ body: (inout WireBody) -> Void
    ) throws(End) {
        pthread_mutex_lock(sending)
        defer { pthread_mutex_unlock(sending) }
        var writer = WireBody(arena: outgoing)
        writer.number(UInt32(freed.count))
        for range in freed {
            writer.number(range.start)
            writer.number(range.count)
        }
        freed.removeAll(keepingCapacity: true)
        body(&writer)
        try transmit(kind, writer.wire.bytes, onTick)
    }

    private func transmit(
        _ kind: MessageKind, _ body: [UInt8], _ onTick: () -> Bool
    ) throws(End) {
        let room = IsolationLimits.frameBytes - Self.headBytes
        var start = 0
        repeat {
            let count = min(room, body.count - start)
            let isLast = start + count == body.count
            var head = (UInt64(0), sentFrames.littleEndian)
            head.0 =
                (UInt64(kind.rawValue) | (isLast ? 0 : 1 << 8) | UInt64(count) << 32).littleEndian
            while true {
                let error = body.withUnsafeBytes { bytes in
                    withUnsafePointer(to: head) { head in
                        fan_frame_send(
                            socket, head, Self.headBytes, bytes.baseAddress.map { $0 + start },
                            count, -1)
                    }
                }
                if error == 0 { break }
                guard error == EAGAIN || error == EWOULDBLOCK else { throw .closed }
                guard onTick() else { throw .tick }
            }
            sentFrames += 1
            start += count
        } while start < body.count
    }

    /// A part of a message that is written before the message is: only by the one thread that
    /// sends on this side.
    func newBody() -> WireBody { WireBody(arena: outgoing) }

    // MARK: Receiving

    /// Waits for a message and lets `body` read it; what it returns must not point into it.
    ///
    /// - Throws: `tick` when nothing came for a while: call again.
    func receive<R>(
        _ body: (MessageKind, inout IncomingBody) throws(WireFault) -> R
    ) throws(End) -> R {
        while true {
            let (isWhole, range) = try receiveFrame()
            guard isWhole else { continue }
            return try read(range, body)
        }
    }

    /// Returns: whether a message is complete, and where in the buffer it is if it was one frame.
    private func receiveFrame() throws(End) -> (Bool, Range<Int>?) {
        var descriptor: Int32 = -1
        guard let start = buffer.baseAddress else { throw .closed }
        let count = Int(fan_frame_receive(socket, start, buffer.count, &descriptor))
        if descriptor >= 0 { close(descriptor) }
        if count == 0 { throw .closed }
        if count < 0 {
            if count == -Int(EAGAIN) { throw .tick }
            throw count == -Int(EMSGSIZE) ? .fault("a frame is too long") : .closed
        }
        guard count >= Self.headBytes else { throw .fault("a frame of \(count) bytes") }
        let first = UInt64(littleEndian: buffer.loadUnaligned(as: UInt64.self))
        let number = UInt64(
            littleEndian: buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        let kind = UInt8(truncatingIfNeeded: first)
        let more = (first >> 8) & 0xFF
        guard number == receivedFrames else {
            throw .fault("frame \(receivedFrames) was due and \(number) came")
        }
        guard first >> 32 == UInt64(count - Self.headBytes), more <= 1, (first >> 16) & 0xFFFF == 0
        else { throw .fault("the head of a frame is wrong") }
        receivedFrames += 1
        if message.isEmpty { messageKind = kind }
        guard kind == messageKind else { throw .fault("a message changes its kind") }
        let body = Self.headBytes..<count
        if more == 0, message.isEmpty { return (true, body) }
        guard message.count + body.count <= IsolationLimits.messageBytes else {
            throw .fault("a message of more than \(IsolationLimits.messageBytes) bytes")
        }
        message.append(contentsOf: buffer[body])
        return (more == 0, nil)
    }

    private func read<R>(
        _ range: Range<Int>?, _ body: (MessageKind, inout IncomingBody) throws(WireFault) -> R
    ) throws(End) -> R {
        guard let kind = MessageKind(rawValue: messageKind) else {
            throw .fault("a message of the unknown kind \(messageKind)")
        }
        let whole = message
        if !whole.isEmpty { message = [] }
        let outcome: Result<R, WireFault> = whole.withUnsafeBytes { gathered in
            let bytes = range.map { UnsafeRawBufferPointer(rebasing: buffer[$0]) } ?? gathered
            var reader = IncomingBody(wire: WireReader(bytes), channel: self)
            do throws(WireFault) {
                try takeFreed(&reader.wire)
                return .success(try body(kind, &reader))
            } catch {
                return .failure(error)
            }
        }
        switch outcome {
        case .success(let value): return value
        case .failure(let fault): throw .fault("\(kind): \(fault)")
        }
    }

    private func takeFreed(_ wire: inout WireReader) throws(WireFault) {
        let count = try wire.count(each: 16)
        guard count > 0 else { return }
        pthread_mutex_lock(sending)
        defer { pthread_mutex_unlock(sending) }
        for _ in 0..<count {
            let start = try wire.number(UInt64.self)
            let size = try wire.number(UInt64.self)
            guard outgoing.view(start, size) != nil, outgoing.isTaken(start, size) else {
                throw WireFault("memory is given back that was not lent")
            }
            outgoing.release(Int(start), count: Int(size))
        }
    }

    /// Ends both directions, so that whoever receives here or there finds out.
    func shutDown() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    // MARK: Shared memory

    /// The bytes at a place of the other side's memory.
    func view(_ start: UInt64, _ count: UInt64) throws(WireFault) -> UnsafeRawBufferPointer {
        guard let view = incoming.view(start, count) else {
            throw WireFault("\(count) bytes at \(start) lie outside the shared memory")
        }
        return view
    }

    /// The other side may use this again; it is told with the next message.
    func giveBack(_ start: UInt64, _ count: UInt64) {
        pthread_mutex_lock(sending)
        freed.append((start, count))
        pthread_mutex_unlock(sending)
    }
}
