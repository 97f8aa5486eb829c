import FanfoldCore
import FanfoldRuntime

/// A record of the journal: a fact for the core, or a call to a strategy.
enum StateRecord {
    case engine(EngineRecord)
    /// A call to the strategy of a task, as bytes that ``CallCoding`` reads.
    case call(task: TaskID, bytes: [UInt8])
    /// The beginning of a call that does not fit one record.
    case callPart(task: TaskID, bytes: [UInt8])
    /// Nobody will ask for the calls of this task any more.
    case taskEnded(TaskID)

    /// Shape: one byte for the kind, then its values in order.
    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 48)
        switch self {
        case .engine(.event(let event, let moment)):
            writer.byte(1)
            writer.varint(moment.nanoseconds)
            writer.blob(event.encoded())
        case .engine(.run(let spec, let label, let moment)):
            writer.byte(2)
            writer.varint(moment.nanoseconds)
            writer.blob(label)
            writer.blob(Event.runSubmitted(spec).encoded())
        case .engine(.worker(let spec, let label, let moment)):
            writer.byte(3)
            writer.varint(moment.nanoseconds)
            writer.blob(label)
            writer.blob(Event.workerRegistered(spec).encoded())
        case .call(let task, let bytes):
            writer.byte(4)
            writer.varint(UInt64(task.index))
            writer.blob(bytes)
        case .taskEnded(let task):
            writer.byte(5)
            writer.varint(UInt64(task.index))
        case .callPart(let task, let bytes):
            writer.byte(6)
            writer.varint(UInt64(task.index))
            writer.blob(bytes)
        }
        return writer.bytes
    }

    init(_ bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        let kind = try reader.byte()
        switch kind {
        case 1:
            let moment = Tick(try reader.varint())
            self = .engine(.event(try Event(decoding: Array(try reader.blob())), at: moment))
        case 2:
            let moment = Tick(try reader.varint())
            let label = Array(try reader.blob())
            guard case .runSubmitted(let spec) = try Event(decoding: Array(try reader.blob()))
            else { throw CodingError(.contradiction("wanted a run"), at: 0) }
            self = .engine(.run(spec, label: label, at: moment))
        case 3:
            let moment = Tick(try reader.varint())
            let label = Array(try reader.blob())
            guard case .workerRegistered(let spec) = try Event(decoding: Array(try reader.blob()))
            else { throw CodingError(.contradiction("wanted a worker"), at: 0) }
            self = .engine(.worker(spec, label: label, at: moment))
        case 4:
            let task = TaskID(try reader.integer())
            self = .call(task: task, bytes: Array(try reader.blob()))
        case 5: self = .taskEnded(TaskID(try reader.integer()))
        case 6:
            let task = TaskID(try reader.integer())
            self = .callPart(task: task, bytes: Array(try reader.blob()))
        default: throw CodingError(.unknownCase(of: "record", UInt64(kind)), at: 0)
        }
        try reader.finish()
    }

    /// When it happened; `nil` for what has no moment.
    var moment: Tick? {
        switch self {
        case .engine(.event(_, let moment)), .engine(.run(_, _, let moment)),
            .engine(.worker(_, _, let moment)):
            moment
        case .call, .callPart, .taskEnded: nil
        }
    }
}
