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
    /// - Parameter fetched: the result if it did not come with the message.
    /// - Returns: `nil` if the message makes no sense: no outcome, an unknown format.
    init?(_ wire: WireAttemptEnd, fetched: Payload?) {
        let outcome: WorkResult.Outcome
        switch wire.outcome {
        case nil: return nil
        case .failure(let failed): outcome = .failure(WorkFailure(failed))
        case .success(let success):
            guard let format = DataFormat(rawValue: success.format) else { return nil }
            let payload: Payload
            switch success.payload {
            case .blob:
                guard let fetched else { return nil }
                payload = fetched
            case .inline(let bytes): payload = bytes.isEmpty ? .empty : Payload(Array(bytes))
            case nil: payload = .empty
            }
            outcome = .success(payload, format, items: Int(clamping: success.items))
        }
        var result = WorkResult(outcome)
        result.ranNanoseconds = wire.usage.ranNanoseconds
        result.cpuNanoseconds = wire.usage.cpuNanoseconds
        result.peakMemoryBytes = Int64(clamping: wire.usage.peakMemoryBytes)
        result.bytesIn = Int64(clamping: wire.usage.bytesIn)
        result.bytesOut = Int64(clamping: wire.usage.bytesOut)
        self.init(
            attempt: AttemptID(wire.attempt),
            slot: wire.hasSlot ? SlotID(wire: wire.slot) : nil,
            successor: wire.hasSuccessor ? AttemptID(wire.successor) : nil, result: result)
    }
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
