import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime

/// Calls to strategies as bytes: what a strategy is told again after a crash.
///
/// A result that lies in the blob store is named; any other is copied.
struct CallCoding {
    let blobs: BlobStore

    /// Shape: one byte for the call, then its values in order.
    func bytes(of call: StrategyCall) -> [UInt8] {
        var writer = ByteWriter(capacity: 64)
        switch call {
        case .begin(let spec):
            writer.byte(1)
            writer.blob(spec)
        case .split(let want):
            writer.byte(2)
            writer.varint(UInt64(clamping: want))
        case .results(let outcomes):
            writer.byte(3)
            writer.varint(UInt64(outcomes.count))
            for outcome in outcomes { write(outcome, to: &writer) }
        case .failure(let failure, let index, let attempts):
            writer.byte(4)
            writer.failure(failure)
            writer.varint(UInt64(index))
            writer.varint(UInt64(clamping: attempts))
        case .capacity(let text):
            writer.byte(5)
            writer.blob(text)
        case .finish: writer.byte(6)
        case .end: writer.byte(7)
        }
        return writer.bytes
    }

    private func write(_ outcome: SubtaskOutcome, to writer: inout ByteWriter) {
        writer.varint(UInt64(outcome.index))
        writer.string(outcome.worker)
        writer.varint(UInt64(outcome.attempt))
        writer.varint(UInt64(clamping: outcome.items))
        writer.varint(outcome.ranNanoseconds)
        writer.varint(UInt64(clamping: outcome.bytesIn))
        writer.varint(UInt64(clamping: outcome.bytesOut))
        writer.string(outcome.payload.format.rawValue)
        let slice = outcome.payload.slice
        if let held = slice.payload.lender as? StoredResult, slice.count == held.size {
            writer.byte(1)
            writer.raw(held.id.bytes)
        } else {
            writer.byte(0)
            slice.withBytes { writer.blob($0) }
        }
    }

    /// A call that ``bytes(of:)`` wrote.
    ///
    /// - Throws: what is wrong with the bytes, also a result that is not in the store.
    func call(from bytes: [UInt8]) throws -> StrategyCall {
        var reader = ByteReader(bytes)
        let kind = try reader.byte()
        let call: StrategyCall
        switch kind {
        case 1: call = .begin(spec: Array(try reader.blob()))
        case 2: call = .split(want: try reader.integer())
        case 3:
            var outcomes: [SubtaskOutcome] = []
            for _ in 0..<(try reader.count()) { outcomes.append(try outcome(&reader)) }
            call = .results(outcomes)
        case 4:
            let failure = try reader.failure()
            call = .failure(
                failure, index: try reader.integer(), attempts: try reader.integer())
        case 5: call = .capacity(Array(try reader.blob()))
        case 6: call = .finish
        case 7: call = .end
        default: throw CodingError(.unknownCase(of: "call", UInt64(kind)), at: 0)
        }
        try reader.finish()
        return call
    }

    private func outcome(_ reader: inout ByteReader) throws -> SubtaskOutcome {
        let index: UInt32 = try reader.integer()
        let worker = try reader.string()
        let attempt: UInt16 = try reader.integer()
        let items = Int(clamping: try reader.varint())
        let ran = try reader.varint()
        let bytesIn = Int64(clamping: try reader.varint())
        let bytesOut = Int64(clamping: try reader.varint())
        let name = try reader.string()
        guard let format = DataFormat(rawValue: name) else {
            throw CodingError(.contradiction("there is no format \(name)"), at: reader.offset)
        }
        let payload: Payload
        if try reader.bool() {
            guard let id = BlobID(bytes: Array(try reader.raw(BlobID.byteCount))) else {
                throw CodingError(.badNumber, at: reader.offset)
            }
            payload = try StoredResult.payload(id, in: blobs)
        } else {
            payload = Payload(Array(try reader.blob()))
        }
        return SubtaskOutcome(
            index: index, worker: worker, attempt: attempt,
            payload: LentPayload(payload.whole, format: format), items: items,
            ranNanoseconds: ran, bytesIn: bytesIn, bytesOut: bytesOut)
    }
}

/// A result in the blob store, mapped; it stays there as long as somebody holds it.
final class StoredResult: Sendable {
    /// Who pins results on a worker until the coordinator has them.
    static let owner = "results"
    private static let taskPrefix = "task-"

    /// Who pins the results of a task on the coordinator, until it has ended.
    static func owner(of task: TaskID) -> String { "\(taskPrefix)\(task.index)" }

    /// The task that an owner of pins stands for.
    static func task(ofOwner owner: String) -> TaskID? {
        guard owner.hasPrefix(taskPrefix) else { return nil }
        return UInt32(owner.dropFirst(taskPrefix.count)).map { TaskID($0) }
    }

    let id: BlobID
    private let mapping: BlobMapping

    var size: Int { mapping.bytes.count }

    private init(_ id: BlobID, in blobs: BlobStore) throws(BlobError) {
        self.id = id
        mapping = try blobs.map(id)
    }

    /// The bytes of a blob as a payload.
    static func payload(_ id: BlobID, in blobs: BlobStore) throws(BlobError) -> Payload {
        let held = try StoredResult(id, in: blobs)
        return Payload(lendingMapping: held.mapping.bytes, owner: held)
    }
}
