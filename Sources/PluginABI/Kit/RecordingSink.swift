/// A sink that keeps what it is given, for the unit tests of a strategy.
public final class RecordingSink: StrategySink {
    /// The subtasks, in order.
    public var subtasks: [Subtask] = []
    /// The subtasks withdrawn, in order.
    public var withdrawn: [UInt64] = []
    /// The outputs, in order.
    public var outputs: [Output] = []

    /// An empty sink.
    public init() {}

    /// Keeps the subtask.
    public func subtask(_ subtask: Subtask) {
        subtasks.append(subtask)
    }

    /// Keeps the id.
    public func withdraw(_ id: UInt64) {
        withdrawn.append(id)
    }

    /// Keeps the output.
    public func output(_ output: Output) {
        outputs.append(output)
    }
}
