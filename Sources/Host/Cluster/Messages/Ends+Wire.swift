import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire

/// The result of an attempt, as it travels: the bytes, or their name.
enum TravellingPayload {
    case inline([UInt8])
    case blob(BlobID, size: Int)
}

extension WireAttemptEnd {
    /// The end of an attempt for the coordinator.
    ///
    /// - Parameter payload: where the result is, if there is one.
    init(_ ended: EndedAttempt, payload: TravellingPayload?) {
        self.init()
        attempt = WireAttempt(ended.attempt)
        if let slot = ended.slot { self.slot = slot.wire }
        if let successor = ended.successor { self.successor = WireAttempt(successor) }
        usage = WireUsage(ended.result)
        switch ended.result.outcome {
        case .failure(let failure): self.failure = WireFailed(failure)
        case .success(_, let format, let items):
            var success = WireSuccess()
            success.format = format.rawValue
            success.items = UInt64(clamping: items)
            switch payload {
            case .inline(let bytes): success.inline = .init(bytes)
            case .blob(let id, let size): success.blob = WireBlobName(id, size: size)
            case nil: success.inline = .init()
            }
            self.success = success
        }
    }
}

extension WireUsage {
    init(_ result: WorkResult) {
        self.init()
        ranNanoseconds = result.ranNanoseconds
        cpuNanoseconds = result.cpuNanoseconds
        peakMemoryBytes = UInt64(clamping: result.peakMemoryBytes)
        peakGpuMemoryBytes = UInt64(clamping: result.peakDeviceMemoryBytes)
        bytesIn = UInt64(clamping: result.bytesIn)
        bytesOut = UInt64(clamping: result.bytesOut)
    }
}

extension WireBlobName {
    init(_ id: BlobID, size: Int) {
        self.init()
        sha256 = .init(id.bytes)
        self.size = UInt64(clamping: size)
    }
}

extension EndedAttempt {
    /// The end of an attempt as a worker told it.
    ///
    /// One that makes no sense is a failure: the attempt has ended, and nothing else would say so.
    ///
    /// - Parameter fetched: the result if it did not come with the message, or why it cannot be had.
    init(_ wire: WireAttemptEnd, fetched: Result<Payload, WorkFailure>?) {
        let outcome: WorkResult.Outcome
        switch wire.outcome {
        case nil: outcome = .failure(.senseless("neither a result nor a failure"))
        case .failure(let failed): outcome = .failure(WorkFailure(failed))
        case .success(let success): outcome = Self.outcome(success, fetched)
        }
        var result = WorkResult(outcome)
        result.ranNanoseconds = min(wire.usage.ranNanoseconds, BelievedUse.nanoseconds)
        result.cpuNanoseconds = min(wire.usage.cpuNanoseconds, BelievedUse.nanoseconds)
        result.peakMemoryBytes = Int64(min(wire.usage.peakMemoryBytes, BelievedUse.bytes))
        result.peakDeviceMemoryBytes = Int64(
            min(wire.usage.peakGpuMemoryBytes, BelievedUse.bytes))
        result.bytesIn = Int64(min(wire.usage.bytesIn, BelievedUse.bytes))
        result.bytesOut = Int64(min(wire.usage.bytesOut, BelievedUse.bytes))
        self.init(
            attempt: AttemptID(wire.attempt),
            slot: wire.hasSlot ? SlotID(wire: wire.slot) : nil,
            successor: wire.hasSuccessor ? AttemptID(wire.successor) : nil, result: result)
    }
}

extension EndedAttempt {
    private static func outcome(
        _ success: WireSuccess, _ fetched: Result<Payload, WorkFailure>?
    ) -> WorkResult.Outcome {
        guard let format = DataFormat(rawValue: success.format) else {
            return .failure(.senseless("a result of the format \"\(success.format.prefix(32))\""))
        }
        let items = Int(min(success.items, BelievedUse.items))
        switch success.payload {
        case .inline(let bytes):
            return .success(bytes.isEmpty ? .empty : Payload(Array(bytes)), format, items: items)
        case nil: return .success(.empty, format, items: items)
        case .blob:
            switch fetched {
            case .success(let payload): return .success(payload, format, items: items)
            case .failure(let failure): return .failure(failure)
            case nil: return .failure(.senseless("a result whose name is none"))
            }
        }
    }
}

extension WorkFailure {
    /// A worker said something that this coordinator cannot make sense of.
    fileprivate static func senseless(_ what: String) -> WorkFailure {
        WorkFailure(
            .outputInvalid,
            "its worker told of \(what); see which version of fanfold that worker is")
    }
}

/// The most that a worker is believed to have used for an attempt: what is summed up with what
/// others say, and told to strategies, stays a number that all of them can read.
enum BelievedUse {
    /// More than two years.
    static let nanoseconds: UInt64 = 1 << 56
    /// A petabyte.
    static let bytes: UInt64 = 1 << 50
    /// With as many subtasks as a task may have, the sum fits 63 bits.
    static let items: UInt64 = 1 << 34
}

extension WireFailed {
    init(_ failure: WorkFailure) {
        self.init()
        let told = Failure(failure)
        failureClass = UInt32(told.kind.rawValue)
        retry = UInt32(told.retry.rawValue)
        reason = told.reason
        message = failure.message
        stderrTail = .init(failure.stderrTail.utf8)
    }
}

extension WorkFailure {
    /// The reason says which kind it was; one that nobody knows is an output that is no good.
    init(_ wire: WireFailed) {
        let words = wire.reason.split(separator: ".", maxSplits: 1)
        let kind: Kind =
            switch words.first {
            case "exit": .exitCode(words.last.flatMap { Int32($0) } ?? 1)
            case "signal": .signal(words.last.flatMap { Int32($0) } ?? 9)
            case "timeout": .timeout
            case "cancelled": .cancelled
            case "input": .inputInvalid
            case "not-found": .notFound
            case "launch": .launch
            case "memory": .outOfMemory
            case "crash": .crash
            default: .outputInvalid
            }
        self.init(kind, wire.message, stderrTail: String(decoding: wire.stderrTail, as: UTF8.self))
    }
}
