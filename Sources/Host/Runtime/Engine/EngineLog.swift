import FanfoldCore

/// Where an engine keeps what must outlive its process.
///
/// The loop calls it from its own thread only.
package protocol EngineLog: Sendable {
    /// Makes durable what a turn of the loop decided; returns when it is.
    ///
    /// A log that cannot write waits until it can: nothing may go out before.
    func commit(_ turn: EngineTurn)

    /// Hands the calls that a task's strategy was made, in order, to `body`.
    func calls(of task: TaskID, _ body: (StrategyCall) -> Void) throws(EngineLogFailure)
}

/// Why a log cannot be read.
package struct EngineLogFailure: Error, CustomStringConvertible {
    /// What was wanted, what was found, what to do.
    package var description: String

    /// A failure.
    package init(_ description: String) { self.description = description }
}

/// A fact that the core is rebuilt from.
package enum EngineRecord: Sendable {
    /// Something happened.
    case event(Event, at: Tick)
    /// A run was submitted; the label is what the shell prepares it from.
    case run(FanfoldCore.RunSpec, label: [UInt8], at: Tick)
    /// A worker registered; the label is what the shell knows it by.
    case worker(WorkerSpec, label: [UInt8], at: Tick)
}

/// What a turn of the loop decided.
package struct EngineTurn: Sendable {
    /// What happened, in order.
    package var records: [EngineRecord] = []
    /// Calls that are about to be made to strategies, in order.
    package var calls: [(task: TaskID, call: StrategyCall)] = []
    /// Tasks that ended: nobody will ask for their calls any more.
    package var endedTasks: [TaskID] = []
    /// Whether there is something to store that the loop does not know.
    package var isDemanded = false

    /// Whether there is nothing to keep.
    package var isEmpty: Bool {
        records.isEmpty && calls.isEmpty && endedTasks.isEmpty && !isDemanded
    }

    mutating func clear() {
        records.removeAll(keepingCapacity: true)
        calls.removeAll(keepingCapacity: true)
        endedTasks.removeAll(keepingCapacity: true)
        isDemanded = false
    }
}
