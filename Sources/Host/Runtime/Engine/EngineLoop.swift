import FanfoldCore
import FanfoldJSON

/// The loop of an engine: everything in here belongs to the thread that runs it.
///
/// Messages become events in the order in which they arrived.  What the coordinator orders
/// changes the books of the loop at once and goes out at the end of the turn, so that what a turn
/// decided can be made durable before anybody acts on it.
package struct EngineLoop {
    let options: LoopOptions
    let mailbox: Mailbox<EngineMessage>
    /// What the monotonic clock said at tick 0.
    var origin = monotonicNanoseconds()

    var coordinator = Coordinator()
    /// All runs there were, in the order in which they came.
    package internal(set) var runs: [LiveRun] = []
    /// Looked up only, never walked through.
    var runPlaces: [RunID: Int] = [:]
    var tasks: [TaskRuntime] = []
    /// By worker id.
    var workers: [WorkerEntry] = []
    /// Lanes of tasks that began and have not ended.
    var lanes: [TaskID: StrategyLane] = [:]
    /// Lanes of tasks that ended, to be waited for or dropped.
    var endedLanes: [StrategyLane] = []
    /// Places of runs that have a deadline and have not ended.
    var timedRuns: [Int] = []
    /// Runs that ended and that nobody has been told of.
    var endedRuns: [RunID] = []
    var shapes: [ShapeKey: ShapeID] = [:]
    var shapeCount = 0
    /// Results of the event that is being handled, until they are told or dropped.
    var arrived: [AttemptID: EndedAttempt] = [:]
    /// The name of the worker that these results came from.
    var arrivedFrom = ""
    /// What goes out at the end of the turn.
    var outgoing: [Outgoing] = []
    /// What the turn has decided and is not durable yet; stays empty without a log.
    var turn = EngineTurn()
    /// Whether events come out of the log: nothing goes out, and nothing is written.
    var isReplaying = false
    /// Messages that came while strategies were rebuilt.
    var held: [EngineMessage] = []
    var wakeAt: Tick?

    /// What makes two specifications the same shape.
    struct ShapeKey: Hashable {
        var task: TaskID
        var text: [UInt8]
    }

    init(options: LoopOptions, mailbox: Mailbox<EngineMessage>) {
        self.options = options
        self.mailbox = mailbox
    }

    /// Nanoseconds since the loop was made, those of earlier processes included.
    package var now: Tick { Tick(monotonicNanoseconds() &- origin) }

    /// Waits for messages, takes them in and sends out what follows.
    ///
    /// - Parameters:
    ///   - deadline: when to come back without a message.
    ///   - woke: told the moment of the turn before anything is taken in.
    mutating func turn(until deadline: Tick, woke: (Tick) -> Void = { _ in }) {
        var next = deadline
        if let wakeAt { next = min(next, wakeAt) }
        if let due = nextRunDeadline() { next = min(next, due) }
        let messages =
            held.isEmpty ? mailbox.takeAll(until: origin &+ next.nanoseconds) : held
        held = []
        let moment = now
        woke(moment)
        for message in messages { receive(message, at: moment) }
        fireTimers(at: moment)
        endTurn()
    }

    /// Makes durable what was decided, then hands calls and orders to strategies and workers.
    mutating func endTurn() {
        if let log = options.log, !turn.isEmpty {
            log.commit(turn)
            turn.clear()
        }
        for order in outgoing { order.carryOut() }
        outgoing.removeAll(keepingCapacity: true)
    }

    private mutating func fireTimers(at now: Tick) {
        if let wakeAt, wakeAt <= now {
            self.wakeAt = nil
            handle(.timeElapsed, at: now)
        }
        passRunDeadlines(at: now)
    }

    private mutating func receive(_ message: EngineMessage, at now: Tick) {
        switch message {
        case .work(let body): body(&self, now)
        case .cancel(let run, let reason): cancel(run, reason: reason, at: now)
        case .strategy(let task, let notice): receive(notice, of: task, at: now)
        case .worker(let worker, .takenBack(let attempts)):
            handle(.attemptsTakenBack(worker, attempts), at: now)
        case .worker(let worker, .slotsReturned(let slots)):
            handle(.slotsReturned(worker, slots), at: now)
        case .worker(let worker, .ended(let ended)): receive(ended, from: worker, at: now)
        }
    }

    /// Takes in attempts that ended on a worker, in order; those of tasks that nobody knows are no
    /// attempts of ours.
    package mutating func receive(
        _ ended: [EndedAttempt], from worker: WorkerID, at now: Tick
    ) {
        arrivedFrom = workers[Int(worker.index)].port.name
        var reports: [AttemptReport] = []
        reports.reserveCapacity(ended.count)
        for attempt in ended where attempt.attempt.task.index < UInt32(tasks.count) {
            let report = AttemptReport(attempt)
            arrived[attempt.attempt] = attempt
            reports.append(report)
            var tail = ""
            if case .failure(let failure) = attempt.result.outcome { tail = failure.stderrTail }
            tasks[Int(attempt.attempt.task.index)].count(
                report, worker: arrivedFrom, stderrTail: tail, at: now)
            remember(report, of: Int(attempt.attempt.task.index))
            options.outcomes?.keep { coordinator.outcome(of: report, on: worker) }
        }
        makeRoom(for: reports, at: now)
        handle(.attemptsEnded(worker, reports), at: now)
        arrived.removeAll(keepingCapacity: true)
    }

    mutating func receive(_ notice: StrategyNotice, of task: TaskID, at now: Tick) {
        let place = Int(task.index)
        if case .failed(let failure) = notice {
            return handle(.strategyFailed(task, failure), at: now)
        }
        // What the coordinator has had from an earlier process only fills the books.
        let isKnown = tasks[place].answersToSkip > 0
        if isKnown { tasks[place].answersToSkip -= 1 }
        var event: Event
        switch notice {
        case .failed: return
        case .began(let answer):
            _ = takeIn(answer, of: task, at: now)
            event = .strategyBegan(task)
        case .split(let answer, let state):
            let added = takeIn(answer, of: task, at: now)
            event = .strategySplit(task, added: added, state: state)
        case .replied(let kind, let answer):
            let added = takeIn(answer, of: task, at: now)
            event = .strategyReplied(
                task, StrategyReply(kind, added: added, withdrawn: answer.withdrawn))
        case .finished(let output, let reports):
            tasks[place].output = output
            tasks[place].figures.reports += reports
            event = .strategyFinished(task)
        }
        if !isKnown {
            tasks[place].answersHad += 1
            handle(event, at: now)
        }
        if case .replied(.results, _) = notice { tasks[place].answered() }
    }

    /// Takes over what a strategy put; the subtasks in the coordinator's words.
    private mutating func takeIn(
        _ answer: StrategyAnswer, of task: TaskID, at now: Tick
    ) -> [FanfoldCore.SubtaskSpec] {
        let place = Int(task.index)
        for spec in answer.declared {
            let key = ShapeKey(task: task, text: spec.shapeKey)
            let shape: ShapeID
            if let known = shapes[key] {
                shape = known
            } else if let known = tasks[place].knownShapes.popFirst() {
                shape = known
                shapes[key] = shape
            } else {
                shape = ShapeID(UInt32(shapeCount))
                shapes[key] = shape
                let needs = spec.needs ?? tasks[place].plan?.needs
                handle(
                    .shapeDeclared(
                        shape,
                        ShapeSpec(
                            task: task, needs: spec.needs.map(ResourceRequest.init),
                            gang: needs?.gang ?? 1)),
                    at: now)
                declareAlternatives(of: shape, needs: needs, task: task, at: now)
            }
            tasks[place].declare(spec, shape: shape)
        }
        return answer.added.map { tasks[place].add($0) }
    }

    /// Takes in an event, which is in the log before anything that follows from it goes out.
    package mutating func handle(_ event: Event, at now: Tick) {
        if options.log != nil, !isReplaying { turn.records.append(.event(event, at: now)) }
        if let outcomes = options.outcomes, case .workerLost(let worker, _) = event, !isReplaying {
            for outcome in coordinator.outcomes(ofLosing: worker) { outcomes.keep { outcome } }
        }
        take(event, at: now)
    }

    /// Hands an event that is in the log already, or is about to be, to the coordinator.
    mutating func take(_ event: Event, at now: Tick) {
        if case .shapeDeclared(_, let shape) = event {
            shapeCount += 1
            if isReplaying {
                tasks[Int(shape.task.index)].knownShapes.append(ShapeID(UInt32(shapeCount - 1)))
            }
        }
        if isReplaying { passOver(event) }
        if case .runForgotten(let run) = event { forget(run) }
        let effects = coordinator.handle(event, at: now)
        if isReplaying { return replay(effects, at: now) }
        for case .tellResults(let task, let attempts) in effects {
            keepResults(attempts, of: task)
        }
        for effect in effects { perform(effect, at: now) }
    }
}

/// What the loop needs to know beside its runs and workers.
package struct LoopOptions: Sendable {
    /// How long one call to a strategy may take, in nanoseconds.
    package var strategyCallNanoseconds: UInt64
    /// Where what was decided is made durable; `nil` keeps it in memory.
    package var log: (any EngineLog)?
    /// Where outputs of tasks are kept; `nil` leaves them in memory.
    package var keepOutput: OutputKeeper?
    /// Where it is told what attempts used; `nil` forgets it.
    package var history: (any HistoryKeeper)?
    /// Where it is told how what was placed turned out; `nil` if no policy is to know.
    package var outcomes: PolicyOutcomes?

    /// Options; everything in memory unless said.
    package init(
        strategyCallNanoseconds: UInt64, log: (any EngineLog)? = nil,
        keepOutput: OutputKeeper? = nil, history: (any HistoryKeeper)? = nil,
        outcomes: PolicyOutcomes? = nil
    ) {
        self.history = history
        self.outcomes = outcomes
        self.strategyCallNanoseconds = strategyCallNanoseconds
        self.log = log
        self.keepOutput = keepOutput
    }
}

/// A worker in the loop's books.
package struct WorkerEntry: Sendable {
    /// Where its orders go.
    package var port: any WorkerPort
    /// What it has, for what strategies are told: thousandths of a core.
    package var milliCores: Int64
    /// Bytes of memory.
    package var memoryBytes: Int64
    /// What the shell knows it by after a crash.
    package var label: [UInt8]

    /// A worker.
    package init(
        port: any WorkerPort, milliCores: Int64, memoryBytes: Int64, label: [UInt8] = []
    ) {
        self.port = port
        self.label = label
        self.milliCores = milliCores
        self.memoryBytes = memoryBytes
    }
}
