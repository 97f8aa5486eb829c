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
    var subtasks: [RecordedSubtask] = []
    var withdrawn: [UInt64] = []
    var outputs: [(json: [UInt8], parts: [RecordedPart])] = []
    /// What was wrong with what was put.
    var faults: [String] = []
    /// What was put when no call was being made, or through the sink of an earlier one.
    private(set) var lateCalls: [String] = []
    /// What was put from another thread than the one that was called.
    private(set) var foreignCalls: [String] = []
    /// Answers FAN_CANCELLED from this many calls on, as a host that no longer wants the answer.
    var cancelsAfter: Int?
    /// How often it answered FAN_CANCELLED.
    private(set) var refusals = 0
    /// How often it was called.
    private(set) var calls = 0
    /// Whether each call of the plugin is given a sink of its own.
    var usesFreshTables = false
    /// Is called whenever the plugin puts something.
    var onCall: () -> Void = {}
    /// Whether what is handed over is kept until `releaseKept`.
    var keepsParts = false

    /// What a table points to: which call it was lent to.
    private final class Ticket {
        unowned let sink: RecordedSink
        init(_ sink: RecordedSink) { self.sink = sink }
    }

    private let placement: TablePlacement
    private var tickets: [(ticket: Ticket, table: UnsafeMutablePointer<fan_sink>)] = []
    private var isOpen = false
    private var thread = pthread_self()
    private var kept: [fan_blob] = []

    init(_ placement: TablePlacement = .plain) {
        self.placement = placement
    }

    /// Lends the sink to a call on this thread.
    func open() -> UnsafeMutablePointer<fan_sink> {
        isOpen = true
        thread = pthread_self()
        if let last = tickets.last, !usesFreshTables { return last.table }
        let ticket = Ticket(self)
        let table = placement.place(
            fan_sink(
                struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0,
                sink_data: Unmanaged.passUnretained(ticket).toOpaque(),
                subtask: { RecordedSink.of($0, "a subtask")?.take($1.pointee) ?? cancelled },
                withdraw: { RecordedSink.of($0, "a withdrawal")?.takeBack($1) ?? cancelled },
                output: { RecordedSink.of($0, "an output")?.takeOutput($1, $2, $3) ?? cancelled }))
        tickets.append((ticket, table))
        return table
    }

    /// Ends the loan.
    func close() {
        isOpen = false
    }

    /// The sink, unless the loan has ended.
    private static func of(_ table: UnsafePointer<fan_sink>, _ what: String) -> RecordedSink? {
        guard let data = table.pointee.sink_data else {
            preconditionFailure("a recorded sink carries its object")
        }
        let ticket = Unmanaged<Ticket>.fromOpaque(data).takeUnretainedValue()
        let sink = ticket.sink
        guard sink.isOpen, ticket === sink.tickets.last?.ticket else {
            sink.lateCalls.append(what)
            return nil
        }
        if pthread_equal(sink.thread, pthread_self()) == 0 { sink.foreignCalls.append(what) }
        sink.calls += 1
        sink.onCall()
        return sink
    }

    /// Forgets what was put in the last call.
    func clear() {
        subtasks.removeAll()
        withdrawn.removeAll()
        outputs.removeAll()
    }

    private var isCancelled: Bool {
        guard let cancelsAfter, calls > cancelsAfter else { return false }
        refusals += 1
        return true
    }

    private func take(_ subtask: fan_subtask) -> fan_code {
        guard !isCancelled else { return cancelled }
        subtasks.append(
            RecordedSubtask(
                id: subtask.id, spec: Self.bytes(subtask.spec),
                parts: takeParts(subtask.parts, subtask.part_count)))
        return fan_code(FAN_OK)
    }

    private func takeBack(_ id: UInt64) -> fan_code {
        guard !isCancelled else { return cancelled }
        withdrawn.append(id)
        return fan_code(FAN_OK)
    }

    private func takeOutput(
        _ json: fan_view, _ parts: UnsafeMutablePointer<fan_blob>?, _ count: UInt32
    ) -> fan_code {
        guard !isCancelled else { return cancelled }
        outputs.append((Self.bytes(json), takeParts(parts, count)))
        return fan_code(FAN_OK)
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
            let record = record(part)
            if keepsParts { kept.append(part) } else { release(part) }
            return record
        }
    }

    private func record(_ part: fan_blob) -> RecordedPart {
        guard part.kind == UInt32(FAN_BLOB_BYTES) else {
            return RecordedPart(
                kind: part.kind, handle: part.handle, offset: part.offset, size: part.size)
        }
        if let memory = ResultMemory.owner(of: part), memory.isGone {
            return RecordedPart(kind: part.kind, handle: 0, offset: 0, size: part.size)
        }
        return RecordedPart(
            kind: part.kind, handle: 0, offset: 0, size: part.size,
            bytes: Self.bytes(fan_view(data: part.data, size: part.size)))
    }

    private func release(_ part: fan_blob) {
        var moved = part
        guard let release = moved.release else { return }
        release(&moved)
        if moved.release != nil {
            faults.append("release left itself in the blob; it must set release = NULL")
        }
    }

    /// Releases what was kept, the last first.
    func releaseKept() {
        while let part = kept.popLast() { release(part) }
    }
}

private let cancelled = fan_code(FAN_CANCELLED)

/// The memory of one result, which counts how often it is given back.
final class ResultMemory {
    private let memory: UnsafeMutableRawPointer
    private let lender: InputLender
    private(set) var releases = 0

    init(_ bytes: [UInt8], _ lender: InputLender) {
        memory = lender.memory(bytes)
        self.lender = lender
    }

    deinit {
        lender.free(memory)
    }

    /// Whether it was given back and nobody can read it any more.
    var isGone: Bool { releases > 0 && lender is GuardedLender }

    /// A blob of the host; `handle` is what the host knows the memory by.
    func blob(kind: Int = FAN_BLOB_BYTES, count: Int, handle: Int64) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(kind)
        blob.flags = 1
        blob.data = UnsafeRawPointer(memory)
        blob.size = UInt64(count)
        blob.handle = handle
        blob.type = Self.mark
        blob.owner = Unmanaged.passUnretained(self).toOpaque()
        blob.release = { blob in
            guard let memory = ResultMemory.owner(of: blob.pointee) else { return }
            memory.releases += 1
            memory.lender.released(memory.memory)
            blob.pointee.release = nil
        }
        return blob
    }

    /// The memory that a blob is of; `nil` for a blob of somebody else.
    static func owner(of blob: fan_blob) -> ResultMemory? {
        guard blob.type == mark, let owner = blob.owner else { return nil }
        return Unmanaged<ResultMemory>.fromOpaque(owner).takeUnretainedValue()
    }

    /// What tells the blobs of this host from those of a plugin.
    private static nonisolated(unsafe) let mark = UnsafeRawPointer(
        MockHost.constant("fanfold plugin check"))
}
