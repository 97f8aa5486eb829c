import FanfoldCore
import FanfoldJSON

/// How a run ended, with its outputs and what it cost.
package struct RunReport: Sendable {
    /// One task.
    package struct TaskReport: Sendable {
        /// The name in the pipeline.
        package var name: String
        /// The strategy's id.
        package var strategy: String
        /// How it ended; `nil` if it never began.
        package var outcome: TaskOutcome?
        /// The coordinator's numbers.
        package var numbers: TaskProgress
        /// Wall time in nanoseconds, from its begin to its end.
        package var nanoseconds: UInt64
        let figures: TaskFigures
    }

    /// An output of the pipeline.
    package struct Output: Sendable {
        /// What the document says of it.
        package var declaration: OutputDeclaration
        /// Its items.
        package var data: Dataset
    }

    /// How it ended.
    package var outcome: RunOutcome
    /// The tasks, in the order of the document.
    package var tasks: [TaskReport]
    /// The outputs; none unless the run completed.
    package var outputs: [Output]
    /// Wall time in nanoseconds.
    package var nanoseconds: UInt64
    /// Names of the workers.
    package var workers: [String]
    /// Wall time of all attempts over the time of all slots: 1 is every core busy all the time.
    package var slotUse: Double

    /// Whether every task completed.
    package var isComplete: Bool { outcome == .completed }
}
