import CPluginABI
import FanfoldJSON

extension PluginCall {
    /// Writes the call for a helper.
    func write(id: UInt64, to body: inout WireBody) {
        body.wire.byte(method.rawValue)
        body.number(id)
        body.number(module)
        body.number(subtask)
        body.number(nanoseconds ?? 0)
        body.bulk(document)
        body.number(UInt32(parts.count))
        for part in parts {
            body.wire.byte(part.form.rawValue)
            body.number(part.handle)
            withExtendedLifetime(part.owner) { body.bulk(part.bytes) }
        }
    }

    /// Reads it in the helper: long parts stay where they are until the call has ended.
    init(_ body: inout IncomingBody, id: inout UInt64) throws(WireFault) {
        guard let method = Method(rawValue: try body.wire.byte()) else {
            throw WireFault("an unknown call")
        }
        id = try body.wire.number(UInt64.self)
        let module = try body.wire.number(UInt64.self)
        let subtask = try body.wire.number(UInt64.self)
        let limit = try body.wire.number(UInt64.self)
        self.init(
            method, module: module, subtask: subtask, document: try body.copiedBulk(),
            nanoseconds: limit == 0 ? nil : limit)
        for _ in 0..<(try body.wire.count(each: 10)) {
            guard let form = Part.Form(rawValue: try body.wire.byte()) else {
                throw WireFault("a part of an unknown form")
            }
            let handle = try body.wire.number(Int64.self)
            let memory = BorrowedBulk(try body.bulk(), channel: body.channel)
            parts.append(Part(owner: memory, bytes: memory.bytes, handle: handle, form: form))
        }
    }
}

/// Bytes of a message that are kept: shared memory in place, or a copy.
final class BorrowedBulk: @unchecked Sendable {
    // Unchecked: constant until deinit.
    let bytes: UnsafeRawBufferPointer
    private let shared: (start: UInt64, count: UInt64)?
    private let channel: FrameChannel

    init(_ bulk: IncomingBody.Bulk, channel: FrameChannel) {
        self.channel = channel
        shared = bulk.shared
        if bulk.shared != nil || bulk.bytes.isEmpty {
            bytes = bulk.bytes
        } else {
            let copy = UnsafeMutableRawBufferPointer.allocate(
                byteCount: bulk.bytes.count, alignment: Arena.alignment)
            copy.copyMemory(from: bulk.bytes)
            bytes = UnsafeRawBufferPointer(copy)
        }
    }

    deinit {
        if let shared {
            channel.giveBack(shared.start, shared.count)
        } else if !bytes.isEmpty {
            bytes.deallocate()
        }
    }
}

extension PluginAnswer {
    /// Writes what a plugin gave; its memory is released by whoever holds the answer.
    func write(to body: inout WireBody) {
        body.bulk(document)
        body.number(UInt32(parts.count))
        for part in parts {
            switch part {
            case .bytes(let foreign):
                WirePart.write(foreign.bytes, handle: foreign.handle, to: &body)
            case .file(let foreign, let descriptor, let offset, let count):
                let bytes = withExtendedLifetime(foreign) {
                    readRange(of: descriptor, from: offset, count: count)
                }
                bytes.withUnsafeBytes { WirePart.write($0, handle: 0, to: &body) }
            case .items(let input, let from, let count):
                WirePart.items(input: Int64(input), from: UInt64(from), count: UInt64(count))
                    .write(to: &body)
            case .result(let subtask, let part):
                WirePart.result(subtask: subtask, part: UInt64(part)).write(to: &body)
            case .structured(let foreign):
                WirePart(flattening: foreign, kind: foreign.kind).write(to: &body)
            case .unsupported(let kind): WirePart.other(kind: kind).write(to: &body)
            case .none, .lent, .invalid: WirePart.none.write(to: &body)
            }
        }
    }

    /// Reads it in the host.
    init(_ body: inout IncomingBody) throws(WireFault) {
        self.init(document: try body.copiedBulk())
        guard document.count <= Int(FAN_MAX_SPEC_BYTES) else {
            throw WireFault("a document of \(document.count) bytes")
        }
        let count = try body.wire.count(each: 1)
        guard count <= Int(FAN_MAX_PARTS) else { throw WireFault("\(count) parts") }
        for _ in 0..<count {
            switch try WirePart(&body) {
            case .bytes(let handle, let bytes):
                var blob = HostBlob.own(bytes, handle: handle)
                parts.append(HostBlob.receive(&blob))
            case .structured(let kind, let bytes):
                var blob = try HostBlob.rebuilt(kind: kind, bytes)
                parts.append(HostBlob.receive(&blob))
            case .other(let kind): parts.append(.unsupported(kind: kind))
            default: parts.append(.none)
            }
        }
    }
}

extension HTTPServiceRequest {
    /// The document of `fanfold.http/1` that says the same.
    var json: JSON {
        var lines = JSONObject()
        for header in headers {
            let before = lines[header.name]?.arrayValue ?? []
            lines[header.name] = .array(before + [.string(header.value)])
        }
        var request = JSONObject()
        request["method"] = .string(method)
        request["url"] = .string(url)
        request["headers"] = .object(lines)
        if let timeoutMilliseconds {
            request["timeout_ms"] = .integer(Int64(timeoutMilliseconds))
        }
        if let signing {
            var sign = signing.options.objectValue ?? JSONObject()
            sign["with"] = .string(signing.scheme)
            sign["secret"] = .string(signing.secret)
            request["sign"] = .object(sign)
        }
        return .object(request)
    }
}
