import CPluginABI
@preconcurrency import Glibc
import Synchronization

/// Parts of results that the host has lent to this helper, as long as the plugin holds them.
final class RemoteParts: Sendable {
    /// A part below this length is copied when a slice of it comes back, not looked for, in bytes.
    static let leastSearched = 1 << 10

    private struct State {
        var released: [UInt64] = []
        /// The long parts by address, ascending.
        var long: [(start: UInt, count: Int, id: UInt64)] = []
    }

    private let state = Mutex(State())

    /// Lends bytes of a message to the plugin: in place if they are shared, else a copy.
    func lend(
        id: UInt64, handle: Int64, _ bulk: IncomingBody.Bulk, channel: FrameChannel
    ) -> fan_blob {
        let part = RemotePart(id: id, bulk: bulk, channel: channel, parts: self)
        if part.bytes.count >= Self.leastSearched {
            let start = UInt(bitPattern: part.bytes.baseAddress)
            state.withLock { state in
                let place = Self.place(of: start, in: state.long)
                state.long.insert((start, part.bytes.count, id), at: place)
            }
        }
        return HostBlob.lend(part, bytes: part.bytes, handle: handle)
    }

    /// The part in whose memory these bytes lie.
    func part(holding bytes: UnsafeRawBufferPointer) -> (id: UInt64, offset: Int)? {
        guard bytes.count >= Self.leastSearched else { return nil }
        let start = UInt(bitPattern: bytes.baseAddress)
        return state.withLock { state in
            let place = Self.place(of: start + 1, in: state.long) - 1
            guard place >= 0 else { return nil }
            let part = state.long[place]
            let offset = Int(start - part.start)
            return offset + bytes.count <= part.count ? (part.id, offset) : nil
        }
    }

    /// The ids of those that were given back since the last call of this.
    func takeReleased() -> [UInt64] {
        state.withLock { state in
            defer { state.released = [] }
            return state.released
        }
    }

    fileprivate func release(_ part: RemotePart) {
        state.withLock { state in
            state.released.append(part.id)
            guard part.bytes.count >= Self.leastSearched else { return }
            let start = UInt(bitPattern: part.bytes.baseAddress)
            let place = Self.place(of: start, in: state.long)
            if place < state.long.count, state.long[place].start == start {
                state.long.remove(at: place)
            }
        }
    }

    private static func place(
        of start: UInt, in long: [(start: UInt, count: Int, id: UInt64)]
    ) -> Int {
        var low = 0
        var high = long.count
        while low < high {
            let middle = (low + high) / 2
            if long[middle].start < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// One part; it goes when the plugin has released it.
final class RemotePart: @unchecked Sendable {
    // Unchecked: constant until deinit.
    let id: UInt64
    let bytes: UnsafeRawBufferPointer
    private let shared: (start: UInt64, count: UInt64)?
    private let channel: FrameChannel
    private let parts: RemoteParts

    init(id: UInt64, bulk: IncomingBody.Bulk, channel: FrameChannel, parts: RemoteParts) {
        self.id = id
        self.channel = channel
        self.parts = parts
        shared = bulk.shared
        if bulk.shared != nil || bulk.bytes.isEmpty {
            bytes = bulk.bytes
        } else {
            let copy = UnsafeMutableRawBufferPointer.allocate(
                byteCount: bulk.bytes.count, alignment: 64)
            copy.copyMemory(from: bulk.bytes)
            bytes = UnsafeRawBufferPointer(copy)
        }
    }

    deinit {
        parts.release(self)
        if let shared {
            channel.giveBack(shared.start, shared.count)
        } else if !bytes.isEmpty {
            bytes.deallocate()
        }
    }
}

/// The sink of a strategy in a helper: what is put into it goes to the host with the answer.
final class SinkRecorder: HostSink {
    let parts = RemoteParts()
    private let channel: FrameChannel
    private var events: SinkEvent.Writer

    init(channel: FrameChannel) {
        self.channel = channel
        events = SinkEvent.Writer(body: channel.newBody())
    }

    /// What was put since the last call of this.
    func take() -> SinkEvent.Writer {
        defer { events = SinkEvent.Writer(body: channel.newBody()) }
        return events
    }

    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        events.subtask(id, spec: spec)
        write(parts)
        return fan_code(FAN_OK)
    }

    func withdraw(_ id: UInt64) -> fan_code {
        events.withdraw(id)
        return fan_code(FAN_OK)
    }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        events.output(json: json)
        write(parts)
        return fan_code(FAN_OK)
    }

    private func write(_ blobs: UnsafeMutableBufferPointer<fan_blob>) {
        events.body.number(UInt32(blobs.count))
        for index in blobs.indices { write(&blobs[index]) }
    }

    private func write(_ blob: inout fan_blob) {
        let kind = blob.kind
        let handle = blob.handle
        switch HostBlob.receive(&blob) {
        case .none: WirePart.none.write(to: &events.body)
        case .lent(let owner as RemotePart, let offset, let count):
            WirePart.lent(id: owner.id, offset: UInt64(offset), count: UInt64(count))
                .write(to: &events.body)
        case .bytes(let foreign):
            if let (id, offset) = parts.part(holding: foreign.bytes) {
                WirePart.lent(id: id, offset: UInt64(offset), count: UInt64(foreign.bytes.count))
                    .write(to: &events.body)
            } else {
                WirePart.write(foreign.bytes, handle: handle, to: &events.body)
            }
        case .file(let foreign, let descriptor, let offset, let count):
            withExtendedLifetime(foreign) {
                let bytes = readRange(of: descriptor, from: offset, count: count)
                bytes.withUnsafeBytes { WirePart.write($0, handle: 0, to: &events.body) }
            }
        case .items(let input, let from, let count):
            WirePart.items(input: Int64(input), from: UInt64(from), count: UInt64(count))
                .write(to: &events.body)
        case .result(let subtask, let part):
            WirePart.result(subtask: subtask, part: UInt64(part)).write(to: &events.body)
        case .structured(let foreign):
            WirePart(flattening: foreign, kind: kind).write(to: &events.body)
        case .lent, .unsupported, .invalid:
            WirePart.other(kind: kind).write(to: &events.body)
        }
    }
}

/// Bytes of an open file; what cannot be read is missing at the end.
func readRange(of descriptor: Int32, from offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = 0
        while filled < count, let start = buffer.baseAddress {
            let read = pread(descriptor, start + filled, count - filled, off_t(offset + filled))
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { break }
            filled += read
        }
    }
}
