import CFanfoldSystem
@preconcurrency import Glibc

/// What a strategy was told, in order, so that a new instance can be told the same.
///
/// Short bytes are copied, long ones are kept by reference.  Beyond
/// ``IsolationLimits/replayBytes`` the copies go to a file without a name.
final class ReplayLog {
    /// One call, and a hash of what the strategy answered.
    private struct Entry {
        var start: Int
        var digest: Int
    }

    private let directory: String
    private var entries: [Entry] = []
    private var held: [(owner: AnyObject, bytes: UnsafeRawBufferPointer)] = []
    /// What is in memory: the bytes from `fileBytes` on.
    private var tail = WireWriter()
    private var file: Int32 = -1
    private var fileBytes = 0

    /// An empty log that spills to a file in this folder.
    init(directory: String) {
        self.directory = directory
    }

    deinit {
        if file >= 0 { close(file) }
    }

    /// How many calls there are.
    var count: Int { entries.count }

    /// Appends a call that was answered.
    func append(_ request: StrategyRequest, digest: Int) {
        entries.append(Entry(start: fileBytes + tail.count, digest: digest))
        tail.byte(request.call.rawValue)
        tail.number(request.task)
        tail.number(request.subtask)
        tail.number(request.number)
        tail.counted(request.document)
        tail.byte(request.failure == nil ? 0 : 1)
        if let failure = request.failure { tail.failure(failure) }
        tail.number(UInt32(request.parts.count))
        for part in request.parts { append(part) }
        if tail.count > IsolationLimits.replayBytes { spill() }
    }

    private func append(_ part: StrategyRequest.Part) {
        switch part {
        case .bytes(let id, let handle, .held(let owner, let bytes))
        where bytes.count > IsolationLimits.replayCopyBytes:
            tail.byte(3)
            tail.number(id)
            tail.number(handle)
            tail.number(UInt64(held.count))
            held.append((owner, bytes))
        case .bytes(let id, let handle, let bytes):
            tail.byte(1)
            tail.number(id)
            tail.number(handle)
            bytes.withBytes { tail.counted($0) }
        case .reference(let handle, let size):
            tail.byte(2)
            tail.number(handle)
            tail.number(size)
        }
    }

    /// A disk that is full leaves everything in memory.
    private func spill() {
        if file < 0 { file = fan_unnamed_file(directory) }
        guard file >= 0 else { return }
        let isWritten = tail.bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pwrite(
                    file, bytes.baseAddress.map { $0 + done }, bytes.count - done,
                    off_t(fileBytes + done))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
        guard isWritten else { return }
        fileBytes += tail.count
        tail.clear()
    }

    /// Hands every call to `body` again, in order, with the hash of its answer.
    func replay(
        _ body: (StrategyRequest, _ digest: Int) throws(HelperFailure) -> Void
    ) throws(HelperFailure) {
        for (index, entry) in entries.enumerated() {
            let end = index + 1 < entries.count ? entries[index + 1].start : fileBytes + tail.count
            let bytes = bytes(entry.start..<end)
            let outcome: Result<Void, HelperFailure> = bytes.withUnsafeBytes { bytes in
                do throws(HelperFailure) {
                    try body(request(bytes), entry.digest)
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try outcome.get()
        }
    }

    private func bytes(_ range: Range<Int>) -> [UInt8] {
        // A spill comes between two calls, so a call is on one side.
        guard range.lowerBound < fileBytes else {
            return Array(
                tail.bytes[(range.lowerBound - fileBytes)..<(range.upperBound - fileBytes)])
        }
        return readRange(of: file, from: range.lowerBound, count: range.count)
    }

    private func request(_ bytes: UnsafeRawBufferPointer) -> StrategyRequest {
        var reader = WireReader(bytes)
        do throws(WireFault) {
            guard let call = StrategyCall(rawValue: try reader.byte()) else {
                throw WireFault("an unknown call")
            }
            var request = StrategyRequest(call: call, task: try reader.number(UInt64.self))
            request.subtask = try reader.number(UInt64.self)
            request.number = try reader.number(UInt32.self)
            request.document = try reader.counted()
            request.failure = try reader.byte() == 0 ? nil : try reader.failure()
            for _ in 0..<(try reader.number(UInt32.self)) {
                request.parts.append(try part(&reader))
            }
            return request
        } catch {
            preconditionFailure("a replay log holds what was written to it: \(error)")
        }
    }

    private func part(_ reader: inout WireReader) throws(WireFault) -> StrategyRequest.Part {
        let tag = try reader.byte()
        if tag == 2 {
            return .reference(
                handle: try reader.number(Int64.self), size: try reader.number(UInt64.self))
        }
        let id = try reader.number(UInt64.self)
        let handle = try reader.number(Int64.self)
        guard tag == 3 else {
            return .bytes(id: id, handle: handle, .copied(Array(try reader.counted())))
        }
        let known = held[Int(try reader.number(UInt64.self))]
        return .bytes(id: id, handle: handle, .held(known.owner, known.bytes))
    }

    /// Forgets everything.
    func clear() {
        entries = []
        held = []
        tail.clear()
        fileBytes = 0
        if file >= 0 { close(file) }
        file = -1
    }
}
