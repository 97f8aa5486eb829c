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
    /// What subtasks may ask for by label: `key=value`.
    package var labels: [String] = []
    /// Its devices.
    package var devices: [DeviceVector] = []

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
    /// Where it is told what attempts used; `nil` forgets it.
    package var history: (any HistoryKeeper)?
    /// The queues that the run may be in.
    package var queues: [QueueSpec] = []

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
    case cancel(RunID, reason: String)
    /// Something that is to be done on the loop's thread.
    case work(@Sendable (inout EngineLoop, Tick) -> Void)
}

/// Runs one prepared pipeline on workers of this process.
package final class Engine: Sendable {
    /// How often `progress` is renewed, in nanoseconds.
    static let progressNanoseconds: UInt64 = 100_000_000

    private static let onlyRun = RunID(1)

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
        mailbox.post(.cancel(Self.onlyRun, reason: reason))
    }

    /// Runs the pipeline to its end on the calling thread, which it blocks.
    package func execute() -> RunReport {
        var loop = EngineLoop(
            options: LoopOptions(
                strategyCallNanoseconds: options.strategyCallNanoseconds, history: options.history),
            mailbox: mailbox)
        if !options.queues.isEmpty { loop.handle(.queuesConfigured(options.queues), at: loop.now) }
        startWorkers(in: &loop)
        loop.submit(Self.onlyRun, run, at: loop.now)
        loop.endTurn()
        var publishedAt: UInt64 = 0
        while loop.runs[0].outcome == nil {
            loop.turn(until: loop.now.advanced(byNanoseconds: Self.progressNanoseconds))
            let now = loop.now
            if now.nanoseconds - publishedAt >= Self.progressNanoseconds {
                publishedAt = now.nanoseconds
                publish(loop, at: now)
                loop.failUnplaceable(at: now)
                loop.endTurn()
            }
        }
        publish(loop, at: loop.now)
        for worker in loop.workers { worker.port.stop(reason: "the run has ended") }
        loop.closeLanes()
        run.executors.close()
        mailbox.close()
        return loop.report(of: loop.runs[0])
    }

    private func publish(_ loop: EngineLoop, at now: Tick) {
        let progress = loop.progress(of: loop.runs[0], at: now)
        published.withLock { $0 = progress }
    }

    private func startWorkers(in loop: inout EngineLoop) {
        let executor = ExecutorHost(
            scratchDirectory: options.scratchDirectory, helperPath: options.helperPath,
            executors: run.executors)
        for (index, plan) in options.workers.enumerated() {
            let id = WorkerID(UInt32(index))
            let worker = LocalWorker(id: id, name: plan.name, executor: executor) {
                [mailbox] id, notice in
                mailbox.post(.worker(id, notice))
            }
            loop.register(
                WorkerSpec(
                    id: id,
                    capacity: ResourceVector(
                        milliCores: plan.milliCores, memoryBytes: plan.memoryBytes)),
                WorkerEntry(
                    port: worker, milliCores: plan.milliCores, memoryBytes: plan.memoryBytes),
                at: loop.now)
        }
    }
}
