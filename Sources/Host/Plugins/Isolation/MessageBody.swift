import FanfoldJSON

/// A message being written: numbers and texts, and bytes of any length.
struct WireBody {
    var wire = WireWriter()
    private let arena: Arena

    init(arena: Arena) {
        self.arena = arena
    }

    mutating func number<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) { wire.number(value) }

    mutating func text(_ value: String) { wire.text(value) }

    /// Bytes of any length: in the message, or in shared memory if they are long and it has room.
    mutating func bulk(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > IsolationLimits.inlineBytes, let start = arena.allocate(bytes.count)
        else {
            wire.byte(0)
            wire.counted(bytes)
            return
        }
        let target = UnsafeMutableRawBufferPointer(
            rebasing: arena.bytes[start..<start + bytes.count])
        target.copyMemory(from: bytes)
        wire.byte(1)
        wire.number(UInt64(start))
        wire.number(UInt64(bytes.count))
    }

    mutating func bulk(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { bulk($0) }
    }
}

/// A message being read.
struct IncomingBody {
    /// Bytes of any length, and where in shared memory they are if they are there.
    struct Bulk {
        var bytes: UnsafeRawBufferPointer
        var shared: (start: UInt64, count: UInt64)?
    }

    var wire: WireReader
    let channel: FrameChannel

    /// Bytes in place: valid until the message has been read, or given back if they are shared.
    mutating func bulk() throws(WireFault) -> Bulk {
        switch try wire.byte() {
        case 0: return Bulk(bytes: try wire.counted(), shared: nil)
        case 1:
            let start = try wire.number(UInt64.self)
            let count = try wire.number(UInt64.self)
            return Bulk(bytes: try channel.view(start, count), shared: (start, count))
        case let tag: throw WireFault("bytes of the unknown form \(tag)")
        }
    }

    /// A copy, the shared memory given back.
    mutating func copiedBulk() throws(WireFault) -> [UInt8] {
        let bulk = try bulk()
        defer { if let shared = bulk.shared { channel.giveBack(shared.start, shared.count) } }
        return Array(bulk.bytes)
    }

    /// A JSON document.
    mutating func json() throws(WireFault) -> JSON {
        let bytes = try copiedBulk()
        do throws(JSONParseError) {
            return try JSON(parsing: bytes)
        } catch {
            throw WireFault("what should be JSON is not: \(error)")
        }
    }
}
