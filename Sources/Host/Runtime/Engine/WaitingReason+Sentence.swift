import FanfoldCore

extension DeviceTopology {
    /// How near to one another GPUs are, for a sentence.
    fileprivate var words: String {
        switch self {
        case .any: "of its own"
        case .node: "on one memory node"
        case .link: "linked to one another"
        }
    }
}

extension WaitingReason {
    /// The reason, for people: a sentence that goes on from "it waits".
    package var sentence: String {
        switch self {
        case .deactivated(let why): "for nothing any more: \(why)"
        case .misconfigured(let field, let problem): "for nothing any more: \(field): \(problem)"
        case .dependencyWaiting(let tasks): "for \(count(tasks.count, "task")) before it"
        case .subtasksWaiting(let count): "for \(self.count(count, "subtask")) before it"
        case .dependencyFailed: "for nothing any more: what it comes after did not succeed"
        case .backingOff: "before its next try"
        case .strategyAnswering: "for its strategy"
        case .gangWaiting(let missing, let size):
            "for \(missing) of the \(size) that are to run at the same time"
        case .topologyUnsatisfiable(let wanted, let possible):
            "because \(wanted) are to run at the same time, and all workers together, were they idle, "
                + "would run \(possible)"
        case .devicesApart(let topology, let wanted, let largest):
            "it needs \(count(wanted, "GPU")) \(topology.words), and no worker has more than \(largest); ask for "
                + "fewer, or leave `gpu-topology` out of `needs:`"
        case .paused(nil): "because its run is paused"
        case .paused(let queue?): "because queue \(queue) is paused"
        case .noWorker: "for a worker: there is none"
        case .noWorkerType(let labels):
            "for a worker labelled \(labels.joined(separator: ", ")); no worker is"
        case .exceedsMaximumWorker(let dimension, let wanted, let largest):
            "it needs \(amount(wanted, dimension)) and the largest worker has "
                + "\(amount(largest, dimension)); ask for less in `needs:`, or start fewer and "
                + "larger workers (--workers)"
        case .concurrencyLimit(let limit): "because the run may hold \(count(limit, "slot"))"
        default: capacitySentence
        }
    }

    private var capacitySentence: String {
        switch self {
        case .exceedsQuota(let quota):
            "for ever: it needs \(share(quota.wanted, quota.dimension)) and queue "
                + "\(quota.queue) may hold \(share(quota.limit, quota.dimension))"
        case .waitingForQuota(let quota):
            "for its quota: queue \(quota.queue) holds \(share(quota.used, quota.dimension)) of "
                + share(quota.limit, quota.dimension)
                + (quota.mostBorrowed > 0
                    ? " and the \(share(quota.mostBorrowed, quota.dimension)) that it may borrow"
                    : "")
        case .budgetExhausted(let spent, let limit):
            "because the budget allows no further worker: \(money(spent)) of \(money(limit)) is spent"
        case .waitingForSpot(let evidence):
            "for spot, which costs less: what is left of its run takes "
                + "\(seconds(evidence.neededNanoseconds)) on demand, its deadline is in "
                + "\(seconds(evidence.leftNanoseconds)), and workers on demand are taken in "
                + "\(seconds(evidence.slackNanoseconds)) at the latest"
        case .deadlineInfeasible(let evidence):
            "for nothing that could end in time: what is left of its run takes "
                + "\(seconds(evidence.neededNanoseconds)) with all workers, and its deadline is in "
                + seconds(evidence.leftNanoseconds)
        case .fragmentedDevices(let fragments):
            "for a GPU: worker \(fragments.worker.index) has "
                + "\(share(fragments.together, .gpu)) left in parts, the largest "
                + share(fragments.largest, .gpu)
        case .waitingForCapacity(let capacity):
            capacity.isKept
                ? "for something else to end: worker \(capacity.worker.index) is kept for a "
                    + "request that has waited longer"
                : "for something else to end"
        case .scalingUp(let workers, _): "for \(count(workers, "worker")) on the way"
        case .providerUnavailable(let provider, _): "for \(provider), which does not answer"
        case .nodeQuarantined(let worker, let reason, _):
            "for worker \(worker.index), which is in quarantine: \(reason.sentence)"
        case .suspect(let worker):
            "for worker \(worker.index), which has been silent for longer than usual"
        default: "behind others of its shape"
        }
    }

    /// What would have to be so for it to run: a sentence that goes on from "it would run if";
    /// `nil` where nobody can tell or nothing can be done.
    package var remedy: String? {
        switch self {
        case .dependencyWaiting: "these completed"
        case .subtasksWaiting: "these succeeded"
        case .paused(nil): "the run were resumed"
        case .paused(let queue?): "queue \(queue) were resumed"
        case .noWorker: "a worker joined"
        case .noWorkerType(let labels):
            "a worker had \(labels.joined(separator: ", "))"
        case .exceedsMaximumWorker(let dimension, let wanted, let largest):
            "it asked for at most \(amount(largest, dimension)), or a worker had "
                + amount(wanted, dimension)
        case .topologyUnsatisfiable(let wanted, let possible):
            "there were workers for \(wanted - possible) more at a time"
        case .devicesApart(let topology, let wanted, _):
            "a worker had \(count(wanted, "GPU")) \(topology.words)"
        case .exceedsQuota(let quota):
            "the quota of queue \(quota.queue) were "
                + "\(share(quota.wanted, quota.dimension)) or more"
        case .waitingForQuota(let quota):
            "queue \(quota.queue) gave back "
                + share(
                    quota.used + quota.wanted - quota.limit - quota.mostBorrowed, quota.dimension)
                + (quota.mostBorrowed > 0
                    ? ", or its quota or what it may borrow were so much more"
                    : ", or its quota were so much more")
        case .concurrencyLimit: "something of its run ended"
        case .budgetExhausted: "more might be spent"
        case .waitingForSpot: "spot were given out, or workers on demand had to be taken"
        case .deadlineInfeasible:
            "there were more workers; its run is cancelled at its deadline"
        case .fragmentedDevices(let fragments):
            "one of its devices had \(share(fragments.wanted, .gpu)) left"
        case .waitingForCapacity(let capacity) where capacity.lacking > 0:
            "\(share(capacity.lacking, capacity.dimension)) more were free on worker "
                + "\(capacity.worker.index)"
        case .nodeQuarantined(let worker, _, _):
            "somebody put the worker right and said so: fanfold pardon \(worker.index)"
        case .suspect: "the worker answered again"
        default: nil
        }
    }

    /// The reason for programs.
    package var code: String {
        switch self {
        case .deactivated: "deactivated"
        case .misconfigured: "misconfigured"
        case .dependencyWaiting: "dependency-waiting"
        case .subtasksWaiting: "subtasks-waiting"
        case .dependencyFailed: "dependency-failed"
        case .backingOff: "backing-off"
        case .strategyAnswering: "strategy-answering"
        case .gangWaiting: "gang-waiting"
        case .topologyUnsatisfiable, .devicesApart: "topology-unsatisfiable"
        case .paused: "paused"
        case .noWorker: "no-worker"
        case .noWorkerType: "no-worker-type"
        case .exceedsMaximumWorker: "exceeds-max-worker"
        case .exceedsQuota: "exceeds-quota"
        case .waitingForQuota: "waiting-for-quota"
        case .concurrencyLimit: "concurrency-limit"
        case .budgetExhausted: "budget-exhausted"
        case .waitingForSpot: "waiting-for-spot"
        case .deadlineInfeasible: "deadline-infeasible"
        case .fragmentedDevices: "fragmented-gpu"
        case .waitingForCapacity: "waiting-for-capacity"
        case .scalingUp: "scaling-up"
        case .providerUnavailable: "provider-unavailable"
        case .nodeQuarantined: "node-quarantined"
        case .suspect: "suspect"
        case .queued: "queued"
        }
    }

    private func count(_ number: Int, _ word: String) -> String {
        "\(number) \(word)\(number == 1 ? "" : "s")"
    }

    private func seconds(_ nanoseconds: UInt64) -> String {
        "\(Double(nanoseconds / 100_000_000) / 10) s"
    }

    private func money(_ micros: Int64) -> String {
        let cents = Double(micros) / 10_000
        return "\(Double(Int64(cents.rounded())) / 100)"
    }

    private func amount(_ value: Int64, _ dimension: ResourceDimension) -> String {
        dimension == .gpu ? count(Int(value), "GPU") : share(value, dimension)
    }

    /// An amount whose GPUs are in thousandths.
    private func share(_ value: Int64, _ dimension: ResourceDimension) -> String {
        switch dimension {
        case .cpu: thousandths(value, "core")
        case .memory: "\(value >> 20) MiB of memory"
        case .gpu: thousandths(value, "GPU")
        case .label: count(Int(value), "label")
        }
    }

    private func thousandths(_ value: Int64, _ word: String) -> String {
        guard value % 1000 == 0 else { return "\(Double(value) / 1000) \(word)s" }
        return count(Int(value / 1000), word)
    }
}

extension QuarantineReason {
    /// The reason, for people.
    package var sentence: String {
        switch self {
        case .severalShapes(let count):
            "\(count) kinds of subtasks failed on it that succeed elsewhere"
        case .failuresInARow(let count):
            "\(count) attempts in a row failed on it, of what succeeds elsewhere"
        }
    }

    /// The reason for programs.
    package var code: String {
        switch self {
        case .severalShapes: "several-kinds"
        case .failuresInARow: "failures-in-a-row"
        }
    }
}
