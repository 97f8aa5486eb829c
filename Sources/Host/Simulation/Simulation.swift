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
    /// A worker's connection goes, some times: what is on its way either way is lost.
    package var droppedConnections: UInt64 = 0
    /// A worker is silent for a while: suspected, perhaps doubted, and trusted again.
    package var silences: UInt64 = 0
    /// The coordinator is killed, some times, and comes back from a snapshot and later events.
    package var restarts: UInt64 = 0
    /// After an event the coordinator is replaced by what its bytes say; changes nothing else.
    package var copies: UInt64 = 0
    /// The policies by which is placed; workers take turns if there are none.
    package var placement: PlacementSettings?
    /// A worker has GPUs, and a shape asks for parts of one.
    package var devices: UInt64 = 0
    /// Workers there are at first, at least.
    package var leastWorkers = 1
    /// Workers on which every attempt fails at once; they stay, and are the first ones.
    package var brokenWorkers = 0
    /// A strategy does not begin.
    package var failedBegins: UInt64 = 10
    /// A task's attempts have a time limit.
    package var timeouts: UInt64 = 500
    /// A worker does not listen when it is told to end what runs.
    package var deafWorkers: UInt64 = 50
    /// Tries of a subtask; drawn for each task if there is no number.
    package var attempts: Int?
    /// What strategies do.
    package var plans = StrategyPlan.allCases
    /// Runs, one after the other.
    package var runs = 1
    /// Queues, of which each run is in one; the usual one if there are none.
    package var queues: [QueueSpec] = []
    /// A run is so urgent that others' attempts are ended for it.
    package var urgentRuns: UInt64 = 0
    /// A queue is paused for a while, some times.
    package var pausedQueues: UInt64 = 0
    /// Events after which a run should have ended long ago.
    package var maximumEvents = 100_000

    /// The usual world.
    package init() {}

    /// A world in which connections go, workers fall silent and the coordinator is killed.
    package static var unreliable: SimulationOptions {
        var options = SimulationOptions()
        options.droppedConnections = 600
        options.silences = 300
        options.restarts = 300
        // Nothing is lost on a connection that stands.
        options.lostTakeBacks = 0
        return options
    }
}

/// What a simulated run showed.
package struct SimulationReport: Hashable, Sendable {
    /// Stands for all orders of the coordinator: equal for equal seeds, in every process.
    package var transcriptHash: UInt64
    /// Events that the coordinator was given.
    package var events: Int
    /// Rules that did not hold, a sentence each, in order; at most 20.
    package var problems: [String]
    /// How the first run ended; `nil` if it did not.
    package var outcome: RunOutcome?
    /// How each run ended.
    package var outcomes: [RunOutcome?] = []
    /// By task: the subtasks whose results its strategy was told, in order.
    package var results: [[UInt32]] = []
    /// Failures that a strategy was told of: why.
    package var failures: [String] = []
    /// Attempts that were ended for others.
    package var preemptions = 0
    /// Attempts that broken workers failed.
    package var brokenAttempts = 0
    /// Workers that were in quarantine at some time.
    package var quarantined: Set<WorkerID> = []
    /// The longest that a shape of a queue that was not paused had something ready and got no slot, in
    /// nanoseconds; 0 without queues.
    package var longestWait: UInt64 = 0
    /// The most that a queue was seen to hold beyond its quota, in thousandths of a core.
    package var mostBorrowed: Int64 = 0
}

/// The coordinator in a made-up world, with a clock of its own, that goes wrong wherever a real
/// one can: the same seed gives the same world.
package struct Simulation {
    enum Happening {
        case event(Event)
        case order(Int, Effect, session: UInt64)
        case report(Int, Event, session: UInt64)
        case acknowledged(Int, [AttemptID], session: UInt64)
        case linkGoes(Int)
        case linkIsMissed(Int, session: UInt64)
        case linkReturns(Int)
        case coordinatorDies
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
    /// What was seen on the way.
    var report = SimulationReport(transcriptHash: 0, events: 0, problems: [])
    var lostWorkers: Set<WorkerID> = []
    var registered: Set<WorkerID> = []
    var suspects: Set<WorkerID> = []
    /// What the disk of the coordinator has: a snapshot, and what happened after it.
    var snapshot: [UInt8] = []
    var journal: [(event: [UInt8], tick: Tick)] = []
    /// Decides when the coordinator is copied, apart from the world, which stays the same.
    var copying: SplitMix64
    /// By run.
    var runEnds: [[RunOutcome]] = []

    /// A world for this seed.
    package init(seed: UInt64, options: SimulationOptions = .init()) {
        self.seed = seed
        self.options = options
        self.random = SplitMix64(seed: seed)
        self.copying = SplitMix64(seed: seed &+ 1)
        self.snapshot = coordinator.encoded()
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
        report.transcriptHash = transcript.hash
        report.events = events
        report.problems = problems
        report.outcomes = runEnds.map(\.first)
        report.outcome = runEnds.first?.first
        report.results = told.map { $0.keys.sorted() }
        return report
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
        case .order(let worker, let effect, let session):
            if arrives(worker, session) { obey(worker, effect) }
        case .report(let worker, let event, let session):
            if arrives(worker, session) { hear(worker, event, session) }
        case .acknowledged(let worker, let attempts, let session):
            if arrives(worker, session) { forgetEnds(worker, attempts) }
        case .linkGoes(let worker): dropLink(worker, cut: random.upTo(2_000_000))
        case .linkIsMissed(let worker, let session): missLink(worker, session)
        case .linkReturns(let worker): returnLink(worker)
        case .coordinatorDies: restart()
        case .ends(let worker, let attempt, let failure): finish(worker, attempt, failure)
        case .workerDies(let worker): die(worker)
        case .workerDrains(let worker): deliver(.workerDraining(workers[worker].id))
        }
    }

    mutating func deliver(_ event: Event) {
        events += 1
        note(event)
        record(event)
        for effect in coordinator.handle(event, at: now) {
            transcript.mix(now.nanoseconds)
            transcript.mix(effect)
            carryOut(effect)
        }
        for violation in coordinator.violations() { problem(violation) }
        watch()
        copyCoordinator()
    }

    private mutating func note(_ event: Event) {
        switch event {
        case .workerLost(let worker, _):
            lostWorkers.insert(worker)
            suspects.remove(worker)
        case .workerRegistered(let spec): registered.insert(spec.id)
        case .workerSuspected(let worker), .workerDoubted(let worker):
            if registered.contains(worker), !lostWorkers.contains(worker) {
                suspects.insert(worker)
            }
        case .workerTrusted(let worker), .workerReattached(let worker, _):
            suspects.remove(worker)
        default: break
        }
    }

    private mutating func checkEnd() {
        for ends in runEnds where ends.count != 1 {
            problem("a run must end once, and ended \(ends.count) times")
        }
        for worker in coordinator.workerUsage() {
            let isDeaf = workers[Int(worker.worker.index)].isDeaf
            if !isDeaf, worker.free != worker.total || worker.queued > 0 {
                problem("worker \(worker.worker.index) must be whole when all is over")
            }
        }
        for worker in workers where worker.isAlive && !worker.isDeaf {
            if !worker.running.isEmpty || !worker.queued.isEmpty {
                problem("something is left on worker \(worker.id.index) when all is over")
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
