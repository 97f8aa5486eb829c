import FanfoldCore

/// What happened, for people.
extension ReplayNames {
    /// An event as a sentence.
    func sentence(_ event: Event) -> String {
        switch event {
        case .runSubmitted(let spec):
            "\(run(spec.id)) is submitted: \(spec.tasks.map(\.name).joined(separator: ", "))"
        case .runCancelled(let id, let reason): "\(run(id)) is cancelled: \(reason)"
        case .runForgotten(let id): "\(run(id)) is forgotten"
        case .runPaused(let id, let isPaused): "\(run(id)) \(isPaused ? "is paused" : "goes on")"
        case .runTimed(let id, let deadline):
            "\(run(id)) is to end by \(Self.seconds(deadline.nanoseconds))"
        case .runServed(let outlook): "\(run(outlook.run)): \(outlook.sentence)"
        case .attemptsEnded(let id, let reports):
            "\(worker(id)): " + reports.map(sentence).joined(separator: "; ")
        case .attemptsTakenBack(let id, let attempts):
            "\(worker(id)) gives back \(list(attempts))"
        case .slotsReturned(let id, let slots):
            "\(worker(id)) gives back \(Self.count(slots.count, "slot"))"
        case .timeElapsed: "it is time"
        case .shapeDeclared, .shapeEscalated, .shapeAlternative: shapes(event)
        case .strategyBegan, .strategySplit, .strategyReplied, .strategyFinished,
            .strategyFailed:
            strategy(event)
        case .queuesConfigured, .queuePaused, .placementConfigured, .policyAnswered,
            .policyFailed, .supplyChanged, .scalingRecorded:
            settings(event)
        case .widthsEstimated(let id, let widths):
            "it is estimated how many subtasks \(run(id)) will have: "
                + widths.map { task($0.task) }.joined(separator: ", ")
        case .workerRegistered, .workerDraining, .workerDrainCancelled, .workerLost,
            .workerSuspected, .workerDoubted, .workerTrusted, .workerPardoned, .workerMeasured,
            .workerReattached:
            workers(event)
        }
    }

    private func sentence(_ report: AttemptReport) -> String {
        let took = report.usage.ranNanoseconds
        let after = took > 0 ? " after \(Self.seconds(took))" : ""
        let next = report.successor.map { ", its slot goes on with \(attempt($0))" } ?? ""
        switch report.outcome {
        case .succeeded: return "\(attempt(report.attempt)) succeeded\(after)\(next)"
        case .failed(let failure):
            return "\(attempt(report.attempt)) failed\(after), \(Self.words(failure))\(next)"
        }
    }

    private func shapes(_ event: Event) -> String {
        switch event {
        case .shapeDeclared(let shape, let spec):
            "shape \(shape.index) of \(task(spec.task))"
                + (spec.needs.map { ": \(Self.words($0))" } ?? "")
        case .shapeEscalated(let shape, let larger):
            "what runs out of memory as shape \(shape.index) is tried again as \(larger.index)"
        case .shapeAlternative(let shape, let other):
            "shape \(other.index) will do where \(shape.index) finds no room"
        default: ""
        }
    }

    private func strategy(_ event: Event) -> String {
        switch event {
        case .strategyBegan(let id): "the strategy of \(task(id)) has begun"
        case .strategySplit(let id, let added, let state):
            "the strategy of \(task(id)) puts \(Self.count(added.count, "subtask"))"
                + Self.rest(state)
        case .strategyReplied(let id, let reply):
            "the strategy of \(task(id)) has taken in \(Self.words(reply.answer))"
                + (reply.added.isEmpty ? "" : ", and puts \(reply.added.count) more")
                + (reply.withdrawn.isEmpty ? "" : ", and withdraws \(reply.withdrawn.count)")
        case .strategyFinished(let id): "the output of \(task(id)) is complete"
        case .strategyFailed(let id, let failure):
            "the strategy of \(task(id)) failed, \(Self.words(failure))"
        default: ""
        }
    }

    private func workers(_ event: Event) -> String {
        switch event {
        case .workerRegistered(let spec):
            "\(worker(spec.id)) joins: \(Self.words(spec.capacity))"
        case .workerDraining(let id): "\(worker(id)) is to finish and go"
        case .workerDrainCancelled(let id): "\(worker(id)) is to stay"
        case .workerLost(let id, let reason): "\(worker(id)) is lost: \(reason)"
        case .workerSuspected(let id): "\(worker(id)) is silent for longer than usual"
        case .workerDoubted(let id): "\(worker(id)) is still silent"
        case .workerTrusted(let id): "\(worker(id)) is heard again"
        case .workerPardoned(let id): "\(worker(id)) is pardoned"
        case .workerMeasured(let id, _): "\(worker(id)) says what it uses"
        case .workerReattached(let id, let inventory):
            "\(worker(id)) is connected again: \(inventory.running.count) running, "
                + "\(inventory.queued.count) queued there"
        default: ""
        }
    }

    private func settings(_ event: Event) -> String {
        switch event {
        case .queuesConfigured(let specs):
            "the queues are \(specs.map(\.name).joined(separator: ", "))"
        case .queuePaused(let name, let isPaused):
            "queue \(name) \(isPaused ? "is paused" : "goes on")"
        case .placementConfigured(let settings):
            "placed by \(settings.plugin ?? settings.policy.rawValue)"
                + (settings.shadow.map { ", beside \(settings.shadowPlugin ?? $0.rawValue)" } ?? "")
        case .policyAnswered(let answer):
            "\(Self.words(answer.seat)) gives \(Self.count(answer.scores.count, "score"))"
        case .policyFailed(let seat, let fault, let isSetAside):
            "\(Self.words(seat)) gives none: \(fault.name)" + (isSetAside ? ", set aside" : "")
        case .supplyChanged: "it is known anew which workers may come"
        case .scalingRecorded(_, let decisions):
            decisions.isEmpty
                ? "the scaler goes on as it is"
                : decisions.map(\.sentence).joined(separator: "; ")
        default: ""
        }
    }

    // MARK: Words

    static func count(_ number: Int, _ word: String) -> String {
        "\(number) \(word)\(number == 1 ? "" : "s")"
    }

    static func seconds(_ nanoseconds: UInt64) -> String {
        let milli = nanoseconds / 1_000_000
        let rest = String(milli % 1_000)
        return "\(milli / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest + " s"
    }

    static func words(_ failure: Failure) -> String {
        "\(failure.kind): \(failure.message)"
    }

    private static func words(_ request: ResourceRequest) -> String {
        amounts(request.milliCores, request.memoryBytes, request.devices)
    }

    private static func words(_ vector: ResourceVector) -> String {
        amounts(vector.milliCores, vector.memoryBytes, vector.devices.count)
    }

    private static func amounts(_ milliCores: Int64, _ bytes: Int64, _ devices: Int) -> String {
        let memory = bytes > 0 ? ", \(bytes >> 20) MiB" : ""
        let graphics = devices > 0 ? ", \(count(devices, "GPU"))" : ""
        return "\(Double(milliCores) / 1_000) cores\(memory)\(graphics)"
    }

    private static func words(_ answer: StrategyReply.Answer) -> String {
        switch answer {
        case .results: "results"
        case .failure(let index, let verdict): "the failure of subtask \(index): \(verdict)"
        case .capacity: "which workers there are"
        }
    }

    private static func words(_ seat: PolicySeat) -> String {
        seat == .placing ? "the policy" : "the policy in the shadow"
    }

    private static func rest(_ state: SplitState) -> String {
        switch state {
        case .more: "; there are more"
        case .wait: "; more come after a result"
        case .end: "; these are all"
        }
    }
}
