import FanfoldJSON

/// Splits a task into subtasks and folds their results back into one.
///
/// One value lives for one task.  It is a function of what it was told: no clock, no randomness
/// but ``TaskDescription/seed``, no input or output of its own.  The host keeps what it told a
/// strategy and may tell it again to a new value after a crash; the same calls must then lead to
/// the same answers.  Calls never overlap, and may come from any thread.
///
/// The order of calls: `init`, then `split`, `onResult`, `onFailure` and `onCapacity` in any
/// order, then `finish` once when `split` has answered ``SplitState/end`` and every subtask has
/// ended.  A task without items goes straight from `split` to `finish`.
public protocol Strategy: SendableMetatype {
    /// What the YAML says under `with:`, checked against the schema and with defaults filled in.
    associatedtype Configuration: Decodable

    /// Who the strategy is, and the JSON Schema of its configuration.
    static var component: ComponentDescription { get }

    /// Refuses a configuration that the schema allows and the strategy cannot use.
    ///
    /// Called when an instance is made, before there is any task.
    static func check(_ configuration: Configuration) throws(PluginError)

    /// Takes on a task.
    init(task: TaskDescription, configuration: Configuration) throws(PluginError)

    /// Hands out at most `want` subtasks, sized for what the strategy has learned so far.
    mutating func split(want: Int, into sink: any StrategySink) throws(PluginError) -> SplitState

    /// Learns from a result, keeps what it needs of it, adds or withdraws subtasks.
    /// Results come in order of arrival, each subtask's once.
    mutating func onResult(
        _ result: SubtaskResult, into sink: any StrategySink
    ) throws(PluginError)

    /// A subtask failed and the host's retries are used up, or it is not one to retry.
    mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict

    /// Workers came, went or changed.
    mutating func onCapacity(
        _ capacity: Capacity, into sink: any StrategySink
    ) throws(PluginError)

    /// Everything is in: puts the rest of the output.
    mutating func finish(into sink: any StrategySink) throws(PluginError)

    /// What the strategy would do with the task, and why.  Shown by `fanfold plan`.
    func explain() -> Explanation
}

extension Strategy {
    /// Takes what the schema allows.
    public static func check(_ configuration: Configuration) throws(PluginError) {}

    /// Goes on without the subtask.
    public mutating func onFailure(
        _ failure: SubtaskFailure, into sink: any StrategySink
    ) throws(PluginError) -> FailureVerdict { .skip }

    /// Takes no notice.
    public mutating func onCapacity(
        _ capacity: Capacity, into sink: any StrategySink
    ) throws(PluginError) {}

    /// Says no more than the summary of the component.
    public func explain() -> Explanation { Explanation(summary: Self.component.summary) }
}

/// The task that a strategy splits: lengths and shapes, never the bytes themselves.
public struct TaskDescription: Sendable {
    /// The name of the task in the pipeline.
    public var name: String
    /// The only source of randomness a strategy may use.
    public var seed: UInt64
    /// How many subtasks of the task's own needs run at a time with the workers there are now.
    public var slots: Int
    /// What the task runs, as in YAML; `nil` if only the configuration says so.
    public var run: JSON?
    /// The inputs, in order.
    public var inputs: [InputDescription]
    /// The workers there are when the task begins.
    public var workers: [WorkerDescription]
    /// The host: its log and its clock.
    ///
    /// Silent in the tests of a strategy.
    public var host: HostHandle

    /// Describes a task.
    public init(
        name: String, seed: UInt64 = 0, slots: Int = 1, run: JSON? = nil,
        inputs: [InputDescription] = [], workers: [WorkerDescription] = [],
        host: HostHandle = .silent
    ) {
        self.name = name
        self.seed = seed
        self.slots = slots
        self.run = run
        self.inputs = inputs
        self.workers = workers
        self.host = host
    }
}

/// One input of a task.
public struct InputDescription: Sendable {
    /// The name in the pipeline.
    public var name: String
    /// `json`, `jsonl`, `csv`, `lines`, `files`, `range` or `bytes`.
    public var format: String
    /// How many items it has: rows, lines, files, elements.
    ///
    /// A JSON value that is no array, and `bytes`, count as one item.
    public var items: Int
    /// Its size in bytes; for `files`, of all files together.
    public var bytes: Int
    /// The value, if the input is small JSON.
    public var value: JSON?

    /// Describes an input.
    public init(name: String, format: String, items: Int, bytes: Int = 0, value: JSON? = nil) {
        self.name = name
        self.format = format
        self.items = items
        self.bytes = bytes
        self.value = value
    }
}

/// A worker as a strategy sees it.
public struct WorkerDescription: Sendable, Hashable {
    /// The worker's id.
    public var id: String
    /// Cores, a fraction being allowed.
    public var cpus: Double
    /// Memory in bytes.
    public var memoryBytes: Int64
    /// Number of GPUs.
    public var gpus: Double
    /// Speed relative to the other workers, 1 being usual.
    public var speed: Double

    /// Describes a worker.
    public init(
        id: String, cpus: Double, memoryBytes: Int64, gpus: Double = 0, speed: Double = 1
    ) {
        self.id = id
        self.cpus = cpus
        self.memoryBytes = memoryBytes
        self.gpus = gpus
        self.speed = speed
    }
}

/// The workers there are now.
public struct Capacity: Sendable {
    /// How many subtasks of the task's own needs run at a time.
    public var slots: Int
    /// The workers.
    public var workers: [WorkerDescription]

    /// Describes the workers there are.
    public init(slots: Int, workers: [WorkerDescription]) {
        self.slots = slots
        self.workers = workers
    }
}

/// What `split` says about the subtasks it has not handed out.
public enum SplitState: Sendable, Hashable {
    /// There are more: ask again when they are wanted.
    case more
    /// There will be more, after a result that is not in yet.
    case wait
    /// There are no more.
    case end
}

/// What becomes of a subtask that failed for good.
public enum FailureVerdict: Sendable, Hashable {
    /// Try it once more.
    case retry
    /// The strategy has put other subtasks in its place.
    case replaced
    /// Go on without it; the task's failure policy decides whether that is good enough.
    case skip
    /// The task fails.
    case failTask
}

/// Where a strategy puts what it decides.
///
/// Valid during the call it was given to.
public protocol StrategySink: AnyObject {
    /// Hands out a subtask.
    func subtask(_ subtask: Subtask) throws(PluginError)
    /// A subtask is not needed any more; it is taken back or cancelled, and no result comes.
    func withdraw(_ id: UInt64) throws(PluginError)
    /// Appends to the result of the task.
    func output(_ output: Output) throws(PluginError)
}

/// One piece of a task: what is placed on a worker.
public struct Subtask {
    /// The strategy's choice; unique within the task, never used again.
    ///
    /// Counting from 0 costs the host least.
    public var id: UInt64
    /// What it runs and needs; empty for the task's own.
    ///
    /// See "What a spec may say" in `fanfold_plugin.h`.  Reuse one value: the host reads a spec
    /// once for all that share it.
    public var spec: SubtaskSpec
    /// What it is given.
    public var parts: [Part]

    /// A subtask.
    public init(id: UInt64, spec: SubtaskSpec = .empty, parts: [Part]) {
        self.id = id
        self.spec = spec
        self.parts = parts
    }
}

/// The text of a subtask's specification, written once and shared by many subtasks.
public struct SubtaskSpec: Sendable, Hashable {
    /// The JSON text; no bytes stand for `{}`.
    public let bytes: [UInt8]

    /// Says nothing: the task's own run and needs.
    public static let empty = SubtaskSpec(bytes: [])

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// A specification with these members.
    public init(_ json: JSON) {
        self.init(bytes: json.bytes)
    }
}

/// One piece of what a subtask is given, or of a result.
public enum Part {
    /// Bytes.
    case bytes([UInt8])
    /// A blob that the strategy kept, by reference.
    case blob(Blob)
    /// A slice of a blob that the strategy kept, by reference.
    case slice(of: Blob, from: Int, count: Int)
    /// Items `from ..< from + count` of an input, by reference.
    case items(input: Int, from: Int, count: Int)
    /// The first part of the result of another subtask, which runs first.
    case result(of: UInt64)
}

/// Why a subtask failed for good.
public struct SubtaskFailure: Sendable {
    /// The subtask.
    public var subtask: UInt64
    /// How many attempts were made.
    public var attempts: Int
    /// What went wrong in the last.
    public var error: PluginError

    /// A failure.
    public init(subtask: UInt64, attempts: Int, error: PluginError) {
        self.subtask = subtask
        self.attempts = attempts
        self.error = error
    }
}

/// A piece of the result of the task.
public struct Output {
    /// How the bytes are to be read: `json`, `jsonl`, `csv`, `lines` or `bytes`.
    ///
    /// The first output of a task decides.
    public var format: String
    /// The bytes, in order.
    public var parts: [Part]
    /// Shown to people beside the result.
    public var report: JSON?

    /// A piece of the result.
    public init(format: String, parts: [Part], report: JSON? = nil) {
        self.format = format
        self.parts = parts
        self.report = report
    }

    /// A JSON value as the result.
    public init(_ value: JSON, report: JSON? = nil) {
        self.init(format: "json", parts: [.bytes(value.bytes)], report: report)
    }
}

/// What a strategy would do with a task, and why.
public struct Explanation: Sendable {
    /// One sentence.
    public var summary: String
    /// The reasons, a sentence each.
    public var why: [String]
    /// How many subtasks there will be, if that is known before the run.
    public var subtasks: Int?
    /// The stages, if the strategy cuts in stages: objects with `name`, `layers`, `compute`,
    /// `memory`, `device`.
    public var stages: [JSON]

    /// An explanation.
    public init(
        summary: String, why: [String] = [], subtasks: Int? = nil, stages: [JSON] = []
    ) {
        self.summary = summary
        self.why = why
        self.subtasks = subtasks
        self.stages = stages
    }
}
