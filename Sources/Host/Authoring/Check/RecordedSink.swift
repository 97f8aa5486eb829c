import CPluginABI
@preconcurrency import Glibc

/// A part that a strategy handed over, as the checks look at it.
struct RecordedPart: Equatable {
    var kind: UInt32
    var handle: Int64
    var offset: UInt64
    var size: UInt64
    var bytes: [UInt8] = []

    /// What the transcript says; addresses and handles of memory are left out.
    var text: String {
        switch Int(kind) {
        case FAN_BLOB_BYTES: "bytes " + String(decoding: bytes, as: UTF8.self)
        default: "kind \(kind) of \(handle) from \(offset) size \(size)"
        }
    }
}

/// A subtask that a strategy handed out.
struct RecordedSubtask {
    var id: UInt64
    var spec: [UInt8]
    var parts: [RecordedPart]
}

/// The host's side of a sink: keeps what is put, and releases what is handed over.
final class RecordedSink {
    private(set) var table: UnsafeMutablePointer<fan_sink>
    var subtasks: [RecordedSubtask] = []
    var withdrawn: [UInt64] = []
    var outputs: [(json: [UInt8], parts: [RecordedPart])] = []
    /// What was wrong with what was put.
    var faults: [String] = []
    /// Answers FAN_CANCELLED to everything, as a host that no longer wants the answer.
    var isCancelled = false

    init(_ placement: TablePlacement = .plain) {
        table = placement.place(
            fan_sink(
                struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0, sink_data: nil,
                subtask: { RecordedSink.of($0).take($1.pointee) },
                withdraw: { sink, id in
                    RecordedSink.of(sink).withdrawn.append(id)
                    return RecordedSink.of(sink).answer
                },
                output: { RecordedSink.of($0).takeOutput($1, $2, $3) }))
        table.pointee.sink_data = Unmanaged.passUnretained(self).toOpaque()
    }

    private static func of(_ sink: UnsafePointer<fan_sink>) -> RecordedSink {
        guard let data = sink.pointee.sink_data else {
            preconditionFailure("a recorded sink carries its object")
        }
        return Unmanaged<RecordedSink>.fromOpaque(data).takeUnretainedValue()
    }

    private var answer: fan_code { isCancelled ? fan_code(FAN_CANCELLED) : fan_code(FAN_OK) }

    /// Forgets what was put in the last call.
    func clear() {
        subtasks.removeAll()
        withdrawn.removeAll()
        outputs.removeAll()
    }

    private func take(_ subtask: fan_subtask) -> fan_code {
        guard !isCancelled else { return answer }
        subtasks.append(
            RecordedSubtask(
                id: subtask.id, spec: Self.bytes(subtask.spec),
                parts: takeParts(subtask.parts, subtask.part_count)))
        return answer
    }

    private func takeOutput(
        _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        guard !isCancelled else { return answer }
        outputs.append((Self.bytes(json), takeParts(parts, count)))
        return answer
    }

    private static func bytes(_ view: fan_view) -> [UInt8] {
        Array(
            UnsafeRawBufferPointer(start: view.data, count: view.data == nil ? 0 : Int(view.size)))
    }

    /// Copies what parts say, then releases them as their owner.
    ///
    /// The struct is moved first: an owner may keep it anywhere.
    private func takeParts(
        _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> [RecordedPart] {
        guard count <= FAN_MAX_PARTS, parts != nil || count == 0 else {
            faults.append("\(count) parts are more than allowed, or have no address")
            return []
        }
        return UnsafeMutableBufferPointer(start: parts, count: Int(count)).map { part in
            var moved = part
            var record = RecordedPart(
                kind: part.kind, handle: part.handle, offset: part.offset, size: part.size)
            if part.kind == UInt32(FAN_BLOB_BYTES) {
                let view = fan_view(data: part.data, size: part.size)
                record = RecordedPart(
                    kind: part.kind, handle: 0, offset: 0, size: part.size,
                    bytes: Self.bytes(view))
            }
            if let release = moved.release {
                release(&moved)
                if moved.release != nil {
                    faults.append("release left itself in the blob; it must set release = NULL")
                }
            }
            return record
        }
    }
}

/// The memory of one result, which counts how often it is given back.
final class ResultMemory {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var releases = 0

    init(_ bytes: [UInt8]) {
        memory = .allocate(byteCount: max(1, bytes.count), alignment: 1)
        memory.copyBytes(from: bytes)
    }

    deinit {
        memory.deallocate()
    }

    /// A blob of the host; `handle` is what the host knows the memory by.
    func blob(count: Int, handle: Int64) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_BYTES)
        blob.flags = 1
        blob.data = UnsafeRawPointer(memory.baseAddress)
        blob.size = UInt64(count)
        blob.handle = handle
        blob.owner = Unmanaged.passUnretained(self).toOpaque()
        blob.release = { blob in
            guard let owner = blob.pointee.owner else { return }
            Unmanaged<ResultMemory>.fromOpaque(owner).takeUnretainedValue().releases += 1
            blob.pointee.release = nil
        }
        return blob
    }
}
