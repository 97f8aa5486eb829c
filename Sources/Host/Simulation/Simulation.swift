import FanfoldCore
import HeapModule

/// How hostile a made-up world is: chances in thousandths.
package struct SimulationOptions: Hashable, Sendable {
    /// Workers there are at first, at most.
    package var workers = 5
    /// Tasks of the run, at most.
    package var tasks = 5
    /// Subtasks of a task, at most.
    package var subtasks = 40
    /// A report arrives twice.
    package var doubledReports: UInt64 = 100
    /// An attempt fails.
    package var failures: UInt64 = 80
    /// A worker does not hear that something is asked back.
    package var lostTakeBacks: UInt64 = 100
    /// A worker is lost at some time; another takes its place.
    package var lostWorkers: UInt64 = 400
    /// The run is cancelled at some time.
    package var cancelledRuns: UInt64 = 100
    /// Events after which a run should have ended long ago.
    package var maximumEvents = 100_000

    /// The usual world.
    package init() {}
}

/// What a simulated run showed.
package struct SimulationReport: Hashable, Sendable {
    /// Stands for all orders of the coordinator: equal for equal seeds, in every process.
    package var transcriptHash: UInt64
    /// Events that the coordinator was given.
    package var events: Int
    /// Rules that did not hold, a sentence each, in order; at most 20.
    package var problems: [String]
    /// How the run ended; `nil` if it did not.
    package var outcome: RunOutcome?
}

/// The coordinator in a made-up world, with a clock of its own, that goes wrong wherever a real
/// one can: the same seed gives the same world.
package struct Simulation {
    enum Happening {
        case event(Event)
        case order(Int, Effect)
        case ends(worker: Int, attempt: AttemptID, failure: Failure?)
        case workerDies(Int)
        case workerDrains(Int)
    }

    struct Entry: Comparable {
        var tick: Tick
        var sequence: Int
        var happening: Happening

        static func < (left: Entry, right: Entry) -> Bool {
            (left.tick, left.sequence) < (right.tick, right.sequence)
        }

        static func == (left: Entry, right: Entry) -> Bool { left.sequence == right.sequence }
    }

    let seed: UInt64
    let options: SimulationOptions
    var random: SplitMix64
    var coordinator = Coordinator()
    var now = Tick.zero
    var queue: Heap<Entry> = []
    var sequence = 0
    var transcript = Transcript()
    var events = 0
    var problems: [String] = []

    var workers: [SimulatedWorker] = []
    var strategies: [SimulatedStrategy] = []
    var shapeNeeds: [ResourceRequest] = []
    /// By task: how often each subtask was told, and what else must happen once.
    var told: [[UInt32: Int]] = []
    var begins: [Int] = []
    var ends: [Int] = []
    var taskEnds: [Int] = []
    var completed: Set<Int> = []
    var lostWorkers: Set<WorkerID> = []
    var runEnds: [RunOutcome] = []

    /// A world for this seed.
    package init(seed: UInt64, options: SimulationOptions = .init()) {
        self.seed = seed
        self.options = options
        self.random = SplitMix64(seed: seed)
    }

    /// Runs the world until nothing happens in it any more.
    package mutating func run() -> SimulationReport {
        build()
        while let entry = queue.popMin() {
            now = max(now, entry.tick)
            happen(entry.happening)
            if events > options.maximumEvents {
                problem("the run should have ended within \(options.maximumEvents) events")
                break
            }
            if problems.count >= 20 { break }
        }
        checkEnd()
        return SimulationReport(
            transcriptHash: transcript.hash, events: events, problems: problems,
            outcome: runEnds.first)
    }

    mutating func problem(_ text: String) {
        guard problems.count < 20 else { return }
        problems.append("seed \(seed), event \(events): \(text)")
    }

    mutating func schedule(_ happening: Happening, after nanoseconds: UInt64) {
        schedule(happening, at: now.advanced(byNanoseconds: nanoseconds))
    }

    mutating func schedule(_ happening: Happening, at tick: Tick) {
        sequence += 1
        queue.insert(Entry(tick: tick, sequence: sequence, happening: happening))
    }

    /// Whether something with this chance in thousandths happens.
    mutating func chance(_ thousandths: UInt64) -> Bool { random.upTo(999) < thousandths }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .event(let event): deliver(event)
        case .order(let worker, let effect): obey(worker, effect)
        case .ends(let worker, let attempt, let failure): finish(worker, attempt, failure)
        case .workerDies(let worker): die(worker)
        case .workerDrains(let worker): deliver(.workerDraining(workers[worker].id))
        }
    }

    private mutating func deliver(_ event: Event) {
        events += 1
        if case .workerLost(let worker, _) = event { lostWorkers.insert(worker) }
        for effect in coordinator.handle(event, at: now) {
            transcript.mix(now.nanoseconds)
            transcript.mix(effect)
            carryOut(effect)
        }
        for violation in coordinator.violations() { problem(violation) }
    }

    private mutating func checkEnd() {
        if runEnds.count != 1 { problem("a run must end once, and ended \(runEnds.count) times") }
        for worker in coordinator.workerUsage() {
            let isDeaf = workers[Int(worker.worker.index)].isDeaf
            if !isDeaf, worker.free != worker.total || worker.queued > 0 {
                problem("worker \(worker.worker.index) must be whole when all is over")
            }
        }
        for (task, progress) in coordinator.progress().enumerated() {
            if begins[task] != ends[task] {
                problem("task \(task) began \(begins[task]) times, ended \(ends[task]) times")
            }
            if taskEnds[task] != 1 { problem("task \(task) must end once") }
            if progress.running + progress.queued + progress.ready + progress.waiting > 0 {
                problem("task \(task): something is left when all is over")
            }
            if completed.contains(task), told[task].count != progress.succeeded {
                problem("task \(task): \(told[task].count) results were told")
            }
        }
    }
}
