extension Coordinator {
    /// Why a ready subtask of the shape has no slot.
    ///
    /// Complexity: O(workers and what runs on them); for people who ask.
    func capacityReason(_ shape: Int) -> WaitingReason {
        let request = classes[shapes[shape].resources].request
        let run = run(of: shape)
        if runs[run].isPaused { return .paused(queue: nil) }
        let queue = sharing.queues[runs[run].queue]
        if queue.isPaused { return .paused(queue: queue.spec.name) }
        let present = workers.filter { $0.phase == .active }
        let able = present.filter { $0.ledger.hasLabels(of: request) }
        if !present.isEmpty {
            // What the workers here cannot hold may be what others are asked for.
            if case .scalingUp(let workers, let expected) = sharing.supply,
                classes[shapes[shape].resources].totalSlots == 0
            {
                return .scalingUp(workers: workers, expected: expected)
            }
            guard !able.isEmpty else { return .noWorkerType(labels: request.labels) }
            if classes[shapes[shape].resources].totalSlots == 0 {
                return exceeded(request, able.map(\.ledger.total))
            }
            let possible = classes[shapes[shape].resources].totalSlots
            if possible < shapes[shape].gang {
                return .topologyUnsatisfiable(wanted: shapes[shape].gang, possible: possible)
            }
        }
        if let reason = quotaReason(shape, queue) { return reason }
        if runs[run].slots >= runs[run].maximumConcurrency {
            return .concurrencyLimit(runs[run].maximumConcurrency)
        }
        if case .budgetExhausted(let spent, let limit) = sharing.supply {
            return .budgetExhausted(spentMicros: spent, limitMicros: limit)
        }
        if present.isEmpty { return absence }
        if let evidence = infeasibility(ofRun: run) { return .deadlineInfeasible(evidence) }
        if let reason = onlyQuarantined(for: request) { return reason }
        if let suspect = onlySuspect(for: request) { return .suspect(suspect) }
        return fragments(of: request) ?? shortage(of: request)
    }

    /// Why there is no worker at all.
    private var absence: WaitingReason {
        switch sharing.supply {
        case .given, .elastic, .budgetExhausted: .noWorker
        case .scalingUp(let workers, let expected):
            .scalingUp(workers: workers, expected: expected)
        case .unavailable(let provider, let until): .providerUnavailable(provider, until: until)
        }
    }

    /// What keeps the shape back in its queue; `nil` if nothing does.
    func quotaReason(_ shape: Int, _ queue: QueueState) -> WaitingReason? {
        let amount = amount(of: shape)
        func evidence(
            _ dimension: ResourceDimension, _ limit: Int64, borrowed: Int64 = 0
        ) -> QuotaEvidence {
            QuotaEvidence(
                queue: queue.spec.name, dimension: dimension, wanted: amount.value(of: dimension),
                used: queue.use.value(of: dimension), limit: limit, mostBorrowed: borrowed)
        }
        if let (dimension, limit) = queue.spec.quota.exceeded(by: amount) {
            return .exceedsQuota(evidence(dimension, limit))
        }
        if let (dimension, limit) = queue.ceiling.exceeded(by: queue.use + amount) {
            let own = queue.spec.quota.limit(of: dimension) ?? limit
            return .waitingForQuota(evidence(dimension, own, borrowed: limit - own))
        }
        return nil
    }

    /// The quarantine that ends first of those of workers that could take the request, if no other
    /// worker that answers could.
    private func onlyQuarantined(for request: ResourceRequest) -> WaitingReason? {
        var first: (worker: WorkerID, quarantine: Quarantine)?
        for worker in workers.indices where couldEverRun(request, on: worker) {
            guard !workers[worker].isSuspect else { continue }
            let id = id(ofWorker: worker)
            guard let quarantine = quarantine(of: id) else { return nil }
            if let first, first.quarantine.until <= quarantine.until { continue }
            first = (id, quarantine)
        }
        return first.map {
            .nodeQuarantined($0.worker, $0.quarantine.reason, until: $0.quarantine.until)
        }
    }

    /// A suspected worker that could take the request, if no trusted one could.
    private func onlySuspect(for request: ResourceRequest) -> WorkerID? {
        var suspect: Int?
        for worker in workers.indices where couldEverRun(request, on: worker) {
            guard workers[worker].isSuspect else { return nil }
            suspect = suspect ?? worker
        }
        return suspect.map { id(ofWorker: $0) }
    }

    private func couldEverRun(_ request: ResourceRequest, on worker: Int) -> Bool {
        workers[worker].phase == .active && workers[worker].ledger.hasLabels(of: request)
            && Ledger.count(of: request, in: workers[worker].ledger.total) > 0
    }

    /// A worker of which enough is free but that it lies on devices in parts, if no other fits.
    private func fragments(of request: ResourceRequest) -> WaitingReason? {
        guard request.devices > 0 else { return nil }
        var best: FragmentEvidence?
        for worker in workers.indices where couldEverRun(request, on: worker) {
            let free = workers[worker].ledger.free
            let together = free.devices.reduce(0) { $0 + $1.milli }
            guard free.milliCores >= request.milliCores,
                free.memoryBytes >= request.memoryBytes,
                together >= Int64(request.devices) * request.deviceMilli
            else { continue }
            if workers[worker].ledger.fits(request) { return nil }
            let largest = free.devices.map(\.milli).max() ?? 0
            if best.map({ largest > $0.largest }) ?? true {
                best = FragmentEvidence(
                    worker: id(ofWorker: worker), wanted: request.deviceMilli, largest: largest,
                    together: together)
            }
        }
        return best.map { .fragmentedDevices($0) }
    }

    /// The worker that lacks least, and when something ends.
    private func shortage(of request: ResourceRequest) -> WaitingReason {
        var best: (evidence: CapacityEvidence, share: Double)?
        for worker in workers.indices
        where workers[worker].takesWork && couldEverRun(request, on: worker) {
            let ledger = workers[worker].ledger
            let (dimension, lacking, share) = Self.lack(of: request, on: ledger)
            if let best, share >= best.share { continue }
            best = (
                CapacityEvidence(
                    worker: id(ofWorker: worker), dimension: dimension, lacking: lacking,
                    isKept: workers[worker].heldFor != noIndex, expected: nil), share
            )
        }
        guard var evidence = best?.evidence else { return .noWorker }
        evidence.expected = expectedEnd(for: request)
        return .waitingForCapacity(evidence)
    }

    /// The first moment at which something that runs where the request could is expected to end.
    private func expectedEnd(for request: ResourceRequest) -> Tick? {
        var earliest: Tick?
        for worker in workers.indices where couldEverRun(request, on: worker) {
            for index in workers[worker].cells {
                let cell = cells[Int(index)]
                guard let mean = shapes[cell.shape].meanNanoseconds, cell.running.head != noIndex
                else { continue }
                let end = placements[cell.running.head].started.advanced(
                    byNanoseconds: UInt64(max(0, min(mean, 9e18))))
                earliest = min(earliest ?? end, end)
            }
        }
        return earliest.map { max(clock, $0) }
    }

    /// What is to be freed on a worker: the dimension, how much, and what share of the worker.
    private static func lack(
        of request: ResourceRequest, on ledger: Ledger
    ) -> (ResourceDimension, Int64, share: Double) {
        let wanted = ResourceAmount(request)
        let (free, total) = (ResourceAmount(ledger.free), ResourceAmount(ledger.total))
        var most: (ResourceDimension, Int64, share: Double) = (.cpu, 0, 0)
        for dimension in [ResourceDimension.cpu, .memory, .gpu] {
            let lacking = wanted.value(of: dimension) - free.value(of: dimension)
            let share = Double(lacking) / Double(max(1, total.value(of: dimension)))
            if lacking > 0, share > most.share { most = (dimension, lacking, share) }
        }
        return most
    }

    /// The first dimension in which a request is more than any worker has.
    private func exceeded(_ request: ResourceRequest, _ totals: [ResourceVector]) -> WaitingReason {
        let cores = totals.map(\.milliCores).max() ?? 0
        if request.milliCores > cores {
            return .exceedsMaximumWorker(.cpu, wanted: request.milliCores, largest: cores)
        }
        let memory = totals.map(\.memoryBytes).max() ?? 0
        if request.memoryBytes > memory {
            return .exceedsMaximumWorker(.memory, wanted: request.memoryBytes, largest: memory)
        }
        let devices = totals.map(\.devices.count).max() ?? 0
        if devices >= request.devices, request.topology != .any {
            let largest = totals.map { DeviceVector.largestGroup($0.devices, request.topology) }
            return .devicesApart(
                request.topology, wanted: request.devices, largest: largest.max() ?? 0)
        }
        return .exceedsMaximumWorker(
            .gpu, wanted: Int64(request.devices), largest: Int64(devices))
    }
}

extension ResourceAmount {
    /// What there is of a dimension; 0 of labels.
    func value(of dimension: ResourceDimension) -> Int64 {
        switch dimension {
        case .cpu: milliCores
        case .memory: memoryBytes
        case .gpu: deviceMilli
        case .label: 0
        }
    }
}
