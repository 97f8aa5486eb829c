import CFanfoldSystem
@preconcurrency import Glibc

/// Takes what a child writes: in memory, and past a limit in a file without a name.
struct OutputCollector {
    /// What a read gave.
    enum Read {
        case data
        case end
        case tooMuch
        case failed(String)
    }

    private let limit: Int
    private let scratch: String
    private var buffer: UnsafeMutableRawPointer
    private var capacity: Int
    private var ownsBuffer = false
    private var held = 0
    private var file: Int32 = -1
    /// Bytes that were taken.
    private(set) var total = 0

    /// - Parameter buffer: memory that outlives the collector, for the first bytes.
    init(buffer: UnsafeMutableRawPointer, capacity: Int, limit: Int, scratch: String) {
        self.buffer = buffer
        self.capacity = capacity
        self.limit = limit
        self.scratch = scratch
    }

    /// Reads once from `descriptor`, which has something or has ended.
    mutating func read(from descriptor: Int32) -> Read {
        if held == capacity, let reason = makeRoom() { return .failed(reason) }
        let count = Glibc.read(descriptor, buffer + held, capacity - held)
        guard count > 0 else {
            if count < 0, errno == EINTR || errno == EAGAIN { return .data }
            return .end
        }
        held += count
        total += count
        return total > limit ? .tooMuch : .data
    }

    /// The bytes; afterwards the collector is empty.
    mutating func finish() throws(WorkFailure) -> Payload {
        defer { discard() }
        guard file >= 0 else {
            guard ownsBuffer else {
                return Payload(copying: UnsafeRawBufferPointer(start: buffer, count: held))
            }
            ownsBuffer = false
            return Payload(adopting: buffer, count: held)
        }
        if let reason = spill() { throw WorkFailure(.launch, reason) }
        do throws(DataError) {
            return try Payload.mapping(descriptor: file, path: "the output")
        } catch {
            throw WorkFailure(.launch, error.description)
        }
    }

    /// Gives up the memory and the file.
    mutating func discard() {
        if ownsBuffer { buffer.deallocate() }
        ownsBuffer = false
        if file >= 0 { close(file) }
        file = -1
    }

    /// - Returns: why there is no room, or `nil`.
    private mutating func makeRoom() -> String? {
        guard file < 0, capacity * 2 <= ExecutorLimits.heldOutputBytes else { return spill() }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity * 2, alignment: 16)
        larger.copyMemory(from: buffer, byteCount: held)
        if ownsBuffer { buffer.deallocate() }
        buffer = larger
        ownsBuffer = true
        capacity *= 2
        return nil
    }

    private mutating func spill() -> String? {
        if file < 0 { file = fan_unnamed_file(scratch) }
        guard file >= 0 else {
            return "output cannot be stored in \(scratch): \(systemMessage(errno))"
        }
        do throws(DataError) {
            try DataWriting.write(
                UnsafeRawBufferPointer(start: buffer, count: held), to: file, path: scratch)
        } catch {
            return "output cannot be stored: \(error)"
        }
        held = 0
        return nil
    }
}

/// The last bytes of a stream.
struct Tail {
    private var bytes: [UInt8] = []

    mutating func append(_ chunk: UnsafeRawBufferPointer) {
        let limit = ExecutorLimits.errorTailBytes
        bytes.append(contentsOf: chunk.suffix(limit))
        if bytes.count > 2 * limit { bytes.removeFirst(bytes.count - limit) }
    }

    /// The bytes as text, repaired where they are not UTF-8.
    var text: String {
        String(decoding: bytes.suffix(ExecutorLimits.errorTailBytes), as: UTF8.self)
    }
}
