@testable import FanfoldCore

/// Makes events of every kind up, with small and with extreme numbers.
struct RandomEvents {
    var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    static let kinds = 30

    mutating func event(_ kind: Int) -> Event {
        switch kind {
        case 0: .runSubmitted(run())
        case 1: .runCancelled(RunID(number()), reason: text())
        case 2: .shapeDeclared(ShapeID(index()), shape())
        case 3: .workerRegistered(worker())
        case 4: .workerDraining(WorkerID(index()))
        case 5: .workerLost(WorkerID(index()), reason: text())
        case 6: .workerMeasured(WorkerID(index()), use())
        case 7: .strategyBegan(TaskID(index()))
        case 8: .strategySplit(TaskID(index()), added: subtasks(), state: splitState())
        case 9: .strategyReplied(TaskID(index()), reply())
        case 10: .strategyFinished(TaskID(index()))
        case 11: .strategyFailed(TaskID(index()), failure())
        case 12: .attemptsEnded(WorkerID(index()), several { $0.report() })
        case 13: .attemptsTakenBack(WorkerID(index()), several { $0.attempt() })
        case 14: .slotsReturned(WorkerID(index()), several { $0.slot() })
        case 15: .timeElapsed
        case 16: .workerSuspected(WorkerID(index()))
        case 17: .workerDoubted(WorkerID(index()))
        case 18: .workerTrusted(WorkerID(index()))
        case 19: .workerReattached(WorkerID(index()), inventory())
        case 20: .runForgotten(RunID(number()))
        case 21: .queuesConfigured(several { $0.queue() })
        case 22: .queuePaused(text(), coin())
        case 23: .supplyChanged(supply())
        case 24:
            coin()
                ? .runPaused(RunID(number()), coin())
                : .runTimed(RunID(number()), deadline: Tick(number()))
        case 25: .shapeAlternative(ShapeID(index()), or: ShapeID(index()))
        case 26: coin() ? .workerDrainCancelled(WorkerID(index())) : .runServed(outlook())
        case 27: .scalingRecorded(state: Array(text().utf8), several { $0.decision() })
        case 28: .widthsEstimated(RunID(number()), several { $0.width() })
        default: .shapeEscalated(ShapeID(index()), to: ShapeID(index()))
        }
    }

    mutating func several<Value>(_ make: (inout RandomEvents) -> Value) -> [Value] {
        (0..<random.upTo(4)).map { _ in make(&self) }
    }

    mutating func number() -> UInt64 {
        switch random.upTo(3) {
        case 0: random.upTo(3)
        case 1: random.upTo(100_000)
        case 2: random.next()
        default: [0, .max, 127, 128, 1 << 63][Int(random.upTo(4))]
        }
    }

    mutating func decision() -> ScalingDecision {
        let actions: [ScalingDecision.Action] = [
            .launch(number(), offering: text(), count: 3), .drain(text()), .cancelDrain(text()),
            .terminate(text()), .adopt(text()), .recommend(count: 2), .keep,
        ]
        let reasons: [ScalingDecision.Reason] = [
            .belowMinimum, .unmetDemand(slots: 4), .utilisation(0.9), .forecast(workers: 2),
            .lowUtilisation(0.1), .aboveMaximum, .demandReturned, .drained, .interrupted, .found,
            .orphan, .answerMissing, .endMissing, .budget, .cooldown(until: Tick(number())),
            .noOffering, .neverReady, .otherCurrency(found: text(), wanted: text()),
            .deadline(outlook()), .probe(outlook()),
            .expectedDemand(slots: 2, run: RunID(number()), task: text()),
        ]
        var decision = ScalingDecision(
            at: Tick(number()), pool: text(), action: actions[Int(random.upTo(6))],
            reason: reasons[Int(random.upTo(20))], inputs: .init())
        decision.inputs.workers = 3
        decision.inputs.microsPerHour = signed()
        decision.inputs.forecast = coin() ? 1.5 : nil
        decision.alternatives = several {
            .init(name: $0.text(), cost: 0.25, reason: $0.text())
        }
        return decision
    }

    mutating func outlook() -> RunOutlook {
        RunOutlook(
            run: RunID(number()), market: RunMarket.allCases[Int(random.upTo(4))], slots: 3,
            neededNanoseconds: number(), leftNanoseconds: number(), slackNanoseconds: number())
    }

    mutating func width() -> TaskWidth {
        var width = TaskWidth(task: TaskID(index()))
        width.fixed = coin() ? 3 : nil
        width.producer = coin() ? TaskID(index()) : nil
        width.perItem = coin() ? 0.25 : -1
        width.earlier = coin() ? 7 : nil
        width.nanoseconds = coin() ? number() : nil
        width.longestNanoseconds = coin() ? number() : nil
        return width
    }

    mutating func index() -> UInt32 { UInt32(truncatingIfNeeded: number()) }
    mutating func signed() -> Int64 { Int64(truncatingIfNeeded: number()) }
    mutating func coin() -> Bool { random.upTo(1) == 0 }
    mutating func text() -> String { ["", "a", "Fächer", "🪭 \u{0}", "x\ny"][Int(random.upTo(4))] }

    mutating func attempt() -> AttemptID {
        AttemptID(
            subtask: SubtaskID(task: TaskID(index()), index: index()),
            epoch: UInt16(truncatingIfNeeded: number()))
    }

    mutating func slot() -> SlotID { SlotID(index: index(), generation: index()) }

    mutating func failure() -> Failure {
        Failure(
            FailureClass.allCases[Int(random.upTo(UInt64(FailureClass.allCases.count - 1)))],
            retry: RetryAdvice.allCases[Int(random.upTo(3))], reason: text(), text())
    }

    mutating func report() -> AttemptReport {
        AttemptReport(
            attempt: attempt(), outcome: coin() ? .succeeded : .failed(failure()),
            slot: coin() ? slot() : nil, successor: coin() ? attempt() : nil,
            usage: AttemptUsage(
                ranNanoseconds: number(), cpuNanoseconds: number(), peakMemoryBytes: number(),
                peakDeviceMemoryBytes: coin() ? 0 : number(),
                bytesIn: number(), bytesOut: number(), items: number()))
    }

    mutating func inventory() -> WorkerInventory {
        WorkerInventory(
            session: number(), queued: several { $0.attempt() },
            running: several { RunningAttempt(attempt: $0.attempt(), slot: $0.slot()) })
    }

    mutating func use() -> MeasuredUse {
        MeasuredUse(milliCores: signed(), memoryBytes: signed())
    }

    mutating func request() -> ResourceRequest {
        ResourceRequest(
            milliCores: signed(), memoryBytes: signed(), devices: Int(signed()),
            deviceMilli: signed(), deviceMemoryBytes: signed(), labels: several { $0.text() })
    }

    mutating func worker() -> WorkerSpec {
        let devices = several { DeviceVector(milli: $0.signed(), memoryBytes: $0.signed()) }
        return WorkerSpec(
            id: WorkerID(index()),
            capacity: ResourceVector(
                milliCores: signed(), memoryBytes: signed(), devices: devices),
            labels: several { $0.text() })
    }

    mutating func shape() -> ShapeSpec {
        ShapeSpec(
            task: TaskID(index()), needs: coin() ? request() : nil,
            timeoutNanoseconds: coin() ? number() : nil, gang: coin() ? 1 : Int(signed()))
    }

    mutating func subtasks() -> [SubtaskSpec] {
        var subtasks: [SubtaskSpec] = []
        for _ in 0..<random.upTo(3) {
            let spec = SubtaskSpec(
                shape: ShapeID(index()), after: coin() ? several { $0.index() } : [],
                priority: coin() ? 0 : Float(signed()))
            subtasks += Array(repeating: spec, count: 1 + Int(random.upTo(200)))
        }
        return subtasks
    }

    mutating func splitState() -> SplitState {
        [SplitState.more, .wait, .end][Int(random.upTo(2))]
    }

    mutating func reply() -> StrategyReply {
        let verdicts: [FailureVerdict] = [.retry, .replaced, .skip, .failTask]
        let answers: [StrategyReply.Answer] = [
            .results, .capacity, .failure(index: index(), verdicts[Int(random.upTo(3))]),
        ]
        return StrategyReply(
            answers[Int(random.upTo(2))], added: subtasks(), withdrawn: several { $0.index() })
    }

    mutating func run() -> RunSpec {
        let policies: [FailurePolicy] = [.failFast, .bestEffort, .minimumSuccess(0.25)]
        let tasks = several { made in
            TaskSpec(
                id: TaskID(made.index()), name: made.text(),
                dependsOn: made.several { TaskID($0.index()) }, needs: made.request(),
                timeoutNanoseconds: made.coin() ? made.number() : nil,
                retry: RetryPolicy(
                    attempts: Int(made.signed()), baseNanoseconds: made.number(),
                    capNanoseconds: made.number()),
                failurePolicy: policies[Int(made.random.upTo(2))])
        }
        return RunSpec(
            id: RunID(number()), seed: number(), tasks: tasks,
            maximumConcurrency: coin() ? Int(signed()) : nil, queue: coin() ? text() : nil,
            priority: coin() ? Int(signed()) : 0)
    }

    mutating func supply() -> Supply {
        switch random.upTo(4) {
        case 0: .given
        case 4: .elastic
        case 1: .scalingUp(workers: Int(signed()), expected: Tick(number()))
        case 2: .unavailable(provider: text(), until: Tick(number()))
        default: .budgetExhausted(spentMicros: signed(), limitMicros: signed())
        }
    }

    mutating func queue() -> QueueSpec {
        QueueSpec(
            name: text(), weight: Int(signed()),
            quota: Quota(
                milliCores: coin() ? signed() : nil, memoryBytes: coin() ? signed() : nil,
                deviceMilli: coin() ? signed() : nil, borrowing: borrowing()))
    }

    private mutating func borrowing() -> Borrowing {
        switch random.upTo(2) {
        case 0: .nothing
        case 1: .anything
        default:
            .atMost(
                BorrowingLimit(
                    milliCores: coin() ? signed() : nil, memoryBytes: coin() ? signed() : nil,
                    deviceMilli: coin() ? signed() : nil))
        }
    }
}
