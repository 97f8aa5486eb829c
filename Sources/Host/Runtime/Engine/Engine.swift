import FanfoldCore
import FanfoldJSON
import Synchronization

/// A worker that the engine starts on this machine.
package struct LocalWorkerPlan: Hashable, Sendable {
    /// What it is called in reports: `local-0`.
    package var name: String
    /// Thousandths of a core that it offers.
    package var milliCores: Int64
    /// Bytes of memory that it offers.
    package var memoryBytes: Int64

    /// A worker.
    package init(name: String, milliCores: Int64, memoryBytes: Int64) {
        self.name = name
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
    }
}

/// What the engine needs to know of the machine.
package struct EngineOptions: Sendable {
    /// The workers to start.
    package var workers: [LocalWorkerPlan]
    /// Where attempts get their working directories.
    package var scratchDirectory: String
    /// The executable that runs native functions.
    package var helperPath: String
    /// How long one call to a strategy may take, in nanoseconds.
    package var strategyCallNanoseconds: UInt64

    /// Options.
    package init(
        workers: [LocalWorkerPlan], scratchDirectory: String, helperPath: String,
        strategyCallNanoseconds: UInt64
    ) {
        self.workers = workers
        self.scratchDirectory = scratchDirectory
        self.helperPath = helperPath
        self.strategyCallNanoseconds = strategyCallNanoseconds
    }
}

/// How far a run is: what a progress bar shows.
package struct RunProgress: Sendable {
    /// One task.
    package struct TaskState: Sendable {
        /// The name in the pipeline.
        package var name: String
        /// The coordinator's numbers.
        package var numbers: TaskProgress
    }

    /// The tasks, in the order of the document.
    package var tasks: [TaskState] = []
    /// Slots in use on all workers.
    package var busySlots = 0
    /// Workers that are there.
    package var workers = 0
    /// Nanoseconds since the run began.
    package var elapsedNanoseconds: UInt64 = 0
}

/// What reaches the loop: from lanes, from workers, from outside.
enum EngineMessage: Sendable {
    case strategy(TaskID, StrategyNotice)
    case worker(WorkerID, WorkerNotice)
    case cancel(reason: String)
}

/// Runs one prepared pipeline on workers of this process.
///
/// One loop with the coordinator as a local value: messages become events in the order in which
/// they arrived, effects become calls to lanes and workers.
package final class Engine: Sendable {
    /// How often `progress` is renewed, in nanoseconds.
    static let progressNanoseconds: UInt64 = 100_000_000

    private let run: PreparedRun
    private let options: EngineOptions
    private let mailbox = Mailbox<EngineMessage>()
    private let published = Mutex(RunProgress())

    /// An engine for one run.
    package init(run: PreparedRun, options: EngineOptions) {
        self.run = run
        self.options = options
    }

    /// How far the run is; may be asked from any thread.
    package var progress: RunProgress { published.withLock { $0 } }

    /// Stops the run: what runs is ended, and `execute` returns.
    ///
    /// From any thread, more than once.
    package func cancel(reason: String) {
        mailbox.post(.cancel(reason: reason))
    }

    /// Runs the pipeline to its end on the calling thread, which it blocks.
    package func execute() -> RunReport {
        var loop = RunLoop(run: run, options: options, mailbox: mailbox)
        return loop.execute { progress in
            published.withLock { $0 = progress }
        }
    }
}
