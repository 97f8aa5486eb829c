import CPluginABI
import FanfoldData

/// What a strategy put into its sink during one call.
enum SinkEvent {
    case subtask(id: UInt64, spec: [UInt8], parts: [WirePart])
    case withdraw(UInt64)
    case output(json: [UInt8], parts: [WirePart])

    private enum Tag: UInt8 {
        case subtask = 1
        case withdraw
        case output
    }

    /// Reads one, as ``SinkEventWriter`` wrote it.
    init(_ body: inout IncomingBody) throws(WireFault) {
        switch Tag(rawValue: try body.wire.byte()) {
        case .subtask:
            self = .subtask(
                id: try body.wire.number(UInt64.self), spec: try Self.document(&body),
                parts: try Self.parts(&body))
        case .withdraw: self = .withdraw(try body.wire.number(UInt64.self))
        case .output: self = .output(json: try Self.document(&body), parts: try Self.parts(&body))
        case nil: throw WireFault("an unknown event of the sink")
        }
    }

    private static func document(_ body: inout IncomingBody) throws(WireFault) -> [UInt8] {
        let bytes = try body.copiedBulk()
        guard bytes.count <= Int(FAN_MAX_SPEC_BYTES) else {
            throw WireFault("a document of \(bytes.count) bytes")
        }
        return bytes
    }

    private static func parts(_ body: inout IncomingBody) throws(WireFault) -> [WirePart] {
        let count = try body.wire.count(each: 1)
        guard count <= Int(FAN_MAX_PARTS) else { throw WireFault("\(count) parts") }
        var parts: [WirePart] = []
        parts.reserveCapacity(count)
        for _ in 0..<count { parts.append(try WirePart(&body)) }
        return parts
    }

    /// Writes the events of one call one after another.
    struct Writer {
        private(set) var count: UInt32 = 0
        var body: WireBody

        mutating func subtask(_ id: UInt64, spec: UnsafeRawBufferPointer) {
            begin(.subtask)
            body.number(id)
            body.bulk(spec)
        }

        mutating func withdraw(_ id: UInt64) {
            begin(.withdraw)
            body.number(id)
        }

        mutating func output(json: UnsafeRawBufferPointer) {
            begin(.output)
            body.bulk(json)
        }

        private mutating func begin(_ tag: Tag) {
            count += 1
            body.wire.byte(tag.rawValue)
        }
    }
}

/// A part that a plugin put into the sink, as it crosses.
enum WirePart {
    case none
    /// Bytes of the plugin, copied.
    case bytes(handle: Int64, [UInt8])
    /// Bytes of ours, as the plugin was lent them.
    case lent(id: UInt64, offset: UInt64, count: UInt64)
    case items(input: Int64, from: UInt64, count: UInt64)
    case result(subtask: UInt64, part: UInt64)
    /// A tensor or a table, flattened.
    case structured(kind: UInt32, [UInt8])
    /// A kind that the host decides on: it refuses it as it would inside.
    case other(kind: UInt32)

    init(_ body: inout IncomingBody) throws(WireFault) {
        switch try body.wire.byte() {
        case 0: self = .none
        case 1:
            let handle = try body.wire.number(Int64.self)
            self = .bytes(handle: handle, try body.copiedBulk())
        case 2:
            self = .lent(
                id: try body.wire.number(UInt64.self),
                offset: try body.wire.number(UInt64.self),
                count: try body.wire.number(UInt64.self))
        case 3:
            self = .items(
                input: try body.wire.number(Int64.self),
                from: try body.wire.number(UInt64.self), count: try body.wire.number(UInt64.self))
        case 4:
            self = .result(
                subtask: try body.wire.number(UInt64.self),
                part: try body.wire.number(UInt64.self))
        case 5: self = .other(kind: try body.wire.number(UInt32.self))
        case 6:
            let kind = try body.wire.number(UInt32.self)
            self = .structured(kind: kind, try body.copiedBulk())
        case let tag: throw WireFault("a part of the unknown form \(tag)")
        }
    }

    /// A tensor or a table; one that cannot be flattened is left to the host to refuse.
    init(flattening foreign: ForeignBlob, kind: UInt32) {
        do throws(DataTransferError) {
            self = .structured(kind: kind, try foreign.flattened().bytes)
        } catch {
            self = .other(kind: kind)
        }
    }

    /// Writes bytes of the plugin.
    static func write(_ bytes: UnsafeRawBufferPointer, handle: Int64, to body: inout WireBody) {
        body.wire.byte(1)
        body.number(handle)
        body.bulk(bytes)
    }

    /// Writes a part that holds no bytes of the plugin's own.
    func write(to body: inout WireBody) {
        switch self {
        case .none: body.wire.byte(0)
        case .bytes(let handle, let bytes):
            bytes.withUnsafeBytes { Self.write($0, handle: handle, to: &body) }
        case .lent(let id, let offset, let count): Self.write(2, id, offset, count, to: &body)
        case .items(let input, let from, let count):
            Self.write(3, UInt64(bitPattern: input), from, count, to: &body)
        case .result(let subtask, let part):
            body.wire.byte(4)
            body.number(subtask)
            body.number(part)
        case .other(let kind):
            body.wire.byte(5)
            body.number(kind)
        case .structured(let kind, let bytes):
            body.wire.byte(6)
            body.number(kind)
            body.bulk(bytes)
        }
    }

    private static func write(
        _ tag: UInt8, _ first: UInt64, _ second: UInt64, _ third: UInt64, to body: inout WireBody
    ) {
        body.wire.byte(tag)
        body.number(first)
        body.number(second)
        body.number(third)
    }
}

extension SinkEvent {
    /// Feeds what the strategy decided.
    func hash(into hasher: inout Hasher) {
        switch self {
        case .subtask(let id, let spec, let parts):
            hasher.combine(0)
            hasher.combine(id)
            hasher.combine(spec)
            for part in parts { part.hash(into: &hasher) }
        case .withdraw(let id):
            hasher.combine(1)
            hasher.combine(id)
        case .output(let json, let parts):
            hasher.combine(2)
            hasher.combine(json)
            for part in parts { part.hash(into: &hasher) }
        }
    }
}

extension WirePart: Hashable {}
