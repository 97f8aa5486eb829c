import FanfoldCore
import FanfoldJSON

/// The loop of an engine: everything in here belongs to the thread that runs it.
///
/// Messages become events in the order in which they arrived.  What the coordinator orders
/// changes the books of the loop at once and goes out at the end of the turn, so that what a turn
/// decided can be made durable before anybody acts on it.
struct EngineLoop {
    let options: LoopOptions
    let mailbox: Mailbox<EngineMessage>
    let startedAt = monotonicNanoseconds()

    var coordinator = Coordinator()
    var runs: [LiveRun] = []
    /// Looked up only, never walked through.
    var runPlaces: [RunID: Int] = [:]
    var tasks: [TaskRuntime] = []
    /// By worker id.
    var workers: [WorkerEntry] = []
    /// Lanes of all tasks that began, to be waited for at the end.
    var lanes: [StrategyLane] = []
    var shapes: [ShapeKey: ShapeID] = [:]
    /// Results of the event that is being handled, until they are told or dropped.
    var arrived: [AttemptID: EndedAttempt] = [:]
    /// The name of the worker that these results came from.
    var arrivedFrom = ""
    /// What goes out at the end of the turn.
    var outgoing: [Outgoing] = []
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

    /// Nanoseconds since the loop was made.
    var now: Tick { Tick(monotonicNanoseconds() - startedAt) }

    /// Waits for messages, takes them in and sends out what follows.
    ///
    /// - Parameter deadline: when to come back without a message.
    mutating func turn(until deadline: Tick) {
        var next = deadline
        if let wakeAt { next = min(next, wakeAt) }
        if let due = nextRunDeadline() { next = min(next, due) }
        let messages = mailbox.takeAll(until: startedAt + next.nanoseconds)
        let moment = now
        for message in messages { receive(message, at: moment) }
        fireTimers(at: moment)
        sendOut()
    }

    /// Hands the calls and orders of the turn to strategies and workers.
    mutating func sendOut() {
        let turn = outgoing
        outgoing.removeAll(keepingCapacity: true)
        for order in turn { order.carryOut() }
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
        case .cancel(let run, let reason): cancel(run, reason: reason, at: now)
        case .strategy(let task, let notice): receive(notice, of: task, at: now)
        case .worker(let worker, .takenBack(let attempts)):
            handle(.attemptsTakenBack(worker, attempts), at: now)
        case .worker(let worker, .slotsReturned(let slots)):
            handle(.slotsReturned(worker, slots), at: now)
        case .worker(let worker, .ended(let ended)): receive(ended, from: worker, at: now)
        }
    }

    private mutating func receive(_ ended: [EndedAttempt], from worker: WorkerID, at now: Tick) {
        let name = workers[Int(worker.index)].port.name
        var reports: [AttemptReport] = []
        reports.reserveCapacity(ended.count)
        for attempt in ended {
            let task = Int(attempt.attempt.task.index)
            tasks[task].count(attempt, worker: name)
            arrived[attempt.attempt] = attempt
            reports.append(AttemptReport(attempt))
        }
        arrivedFrom = name
        handle(.attemptsEnded(worker, reports), at: now)
        arrived.removeAll(keepingCapacity: true)
    }

    private mutating func receive(_ notice: StrategyNotice, of task: TaskID, at now: Tick) {
        switch notice {
        case .began(let answer):
            _ = takeIn(answer, of: task, at: now)
            handle(.strategyBegan(task), at: now)
        case .split(let answer, let state):
            let added = takeIn(answer, of: task, at: now)
            handle(.strategySplit(task, added: added, state: state), at: now)
        case .replied(let kind, let answer):
            let added = takeIn(answer, of: task, at: now)
            let reply = StrategyReply(kind, added: added, withdrawn: answer.withdrawn)
            handle(.strategyReplied(task, reply), at: now)
            if kind == .results { tasks[Int(task.index)].answered() }
        case .finished(let output, let reports):
            tasks[Int(task.index)].output = output
            tasks[Int(task.index)].figures.reports += reports
            handle(.strategyFinished(task), at: now)
        case .failed(let failure): handle(.strategyFailed(task, failure), at: now)
        }
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
            } else {
                shape = ShapeID(UInt32(shapes.count))
                shapes[key] = shape
                handle(
                    .shapeDeclared(
                        shape, ShapeSpec(task: task, needs: spec.needs.map(ResourceRequest.init))),
                    at: now)
            }
            tasks[place].declare(spec, shape: shape)
        }
        return answer.added.map { tasks[place].add($0) }
    }

    mutating func handle(_ event: Event, at now: Tick) {
        let effects = coordinator.handle(event, at: now)
        for case .tellResults(let task, let attempts) in effects {
            keepResults(attempts, of: task)
        }
        for effect in effects { perform(effect, at: now) }
    }
}

/// What the loop needs to know beside its runs and workers.
struct LoopOptions: Sendable {
    /// How long one call to a strategy may take, in nanoseconds.
    var strategyCallNanoseconds: UInt64
}

/// A worker in the loop's books.
struct WorkerEntry: Sendable {
    var port: any WorkerPort
    /// What it has, for what strategies are told.
    var milliCores: Int64
    var memoryBytes: Int64
}
