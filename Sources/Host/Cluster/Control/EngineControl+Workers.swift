import FanfoldAPI
import FanfoldCore
import FanfoldRuntime
import Synchronization

extension EngineControl {
    func workers() async throws(ControlError) -> [WorkerDetail] {
        let all = await ask { [hub] (view: RunBooks.View) in
            view.loop.workerUsage().map { Self.detail($0, hub, view) }
        }
        guard let all else { throw silent }
        return all
    }

    func worker(_ id: UInt64) async throws(ControlError) -> WorkerDetail {
        guard let found = try await workers().first(where: { $0.id == id }) else {
            throw ControlError(.notFound, "there is no worker \(id)")
        }
        return found
    }

    func drain(worker id: UInt64) async throws(ControlError) -> WorkerDetail {
        let before = try await worker(id)
        let isDone = await settle { [hub] loop, now in
            hub.drain(WorkerID(UInt32(before.id)), in: &loop, at: now)
        }
        guard isDone else { throw silent }
        // One that had nothing to finish may be gone already.
        var gone = before
        gone.status = .draining
        return try await workers().first { $0.id == id } ?? gone
    }

    func lostWorkers() async throws(ControlError) -> [WorkerDetail] {
        let all = await ask { [hub] (view: RunBooks.View) in
            hub.lost(besides: Set(view.loop.workerUsage().map(\.worker)))
        }
        guard let all else { throw silent }
        return all
    }

    func revoke(worker id: UInt64) async throws(ControlError) -> WorkerDetail {
        let found = Mutex(false)
        let isDone = await settle { [hub, journal] loop, now in
            guard let entry = hub.revoke(WorkerID(UInt32(clamping: id)), in: &loop, at: now) else {
                return
            }
            found.withLock { $0 = true }
            journal.change(.putToken(entry))
        }
        guard isDone else { throw silent }
        let detail = await ask { [hub] _ in hub.goneDetail(WorkerID(UInt32(clamping: id))) }
        guard found.withLock({ $0 }), let detail = detail ?? nil else {
            throw ControlError(.notFound, "there is no worker \(id)")
        }
        return detail
    }

    func resources() async throws(ControlError) -> ResourceTotals {
        let all = try await workers().filter { $0.status == .active }
        func sum(_ path: KeyPath<WorkerDetail, ResourceAmounts>) -> ResourceAmounts {
            all.reduce(ResourceAmounts(milliCores: 0, memoryBytes: 0)) { sum, worker in
                let amounts = worker[keyPath: path]
                return ResourceAmounts(
                    milliCores: sum.milliCores + amounts.milliCores,
                    memoryBytes: sum.memoryBytes + amounts.memoryBytes,
                    milliGPUs: sum.milliGPUs + amounts.milliGPUs)
            }
        }
        var totals = ResourceTotals(
            workers: all.count, total: sum(\.total), free: sum(\.free))
        let active = Set(all.map(\.id))
        let pool = await ask { [hub] (view: RunBooks.View) in
            let usage = view.loop.workerUsage().filter { active.contains(UInt64($0.worker.index)) }
            return PoolUtilisation(
                usage.map { usage in
                    var usage = usage
                    usage.measured = hub.measured(usage.worker).map {
                        MeasuredUse(milliCores: $0.milliCores, memoryBytes: $0.memoryBytes)
                    }
                    return usage
                })
        }
        guard let pool else { throw silent }
        totals.utilisation = UtilisationDetail(
            cpu: pool.cpu, memory: pool.memory, gpu: pool.gpu, overall: pool.overall,
            efficiency: pool.efficiency)
        let measured = all.compactMap(\.measured)
        if !measured.isEmpty {
            totals.measured = measured.reduce(ResourceAmounts(milliCores: 0, memoryBytes: 0)) {
                ResourceAmounts(
                    milliCores: $0.milliCores + $1.milliCores,
                    memoryBytes: $0.memoryBytes + $1.memoryBytes)
            }
        }
        return totals
    }

    func createJoinToken(
        _ request: JoinTokenRequest
    ) async throws(ControlError) -> NewJoinToken {
        let made = try tokens.make(request, now: .now())
        let isDone = await settle { [journal, tokens] _, _ in
            if let entry = tokens.entry(made.summary.id) { journal.change(.putToken(entry)) }
        }
        guard isDone else { throw silent }
        return made
    }

    func joinTokens() async throws(ControlError) -> [JoinTokenSummary] {
        tokens.summaries(now: .now())
    }

    func revokeJoinToken(id: String) async throws(ControlError) {
        guard tokens.revoke(id) else {
            throw ControlError(.notFound, "there is no join token \(id)")
        }
        let isDone = await settle { [journal] _, _ in journal.change(.removeToken(id: id)) }
        guard isDone else { throw silent }
    }

    func metrics() async throws(ControlError) -> String {
        let all = try await workers()
        guard let totals = await ask({ [books] view in books.totals(view) }) else {
            throw silent
        }
        var text = MetricsLines()
        text.gauge("fanfold_workers", "Workers by status.") {
            WorkerStatus.allCases.map { status in
                ("status=\"\(status.rawValue)\"", all.filter { $0.status == status }.count)
            }
        }
        text.gauge("fanfold_runs", "Runs by status.") {
            RunStatus.allCases.map { status in
                ("status=\"\(status.rawValue)\"", totals.runs[status] ?? 0)
            }
        }
        text.gauge("fanfold_subtasks_succeeded", "Subtasks of all runs that succeeded.") {
            [("", totals.succeeded)]
        }
        text.gauge("fanfold_subtasks_running", "Attempts that run now.") {
            [("", all.reduce(0) { $0 + $1.running })]
        }
        let progress = hub.progress.totals
        text.gauge("fanfold_progress_attempts", "Attempts that tell how far they are.") {
            [("", progress.attempts)]
        }
        text.gauge("fanfold_progress_percent", "The mean of what they tell.") {
            [("", Int(progress.sum * 100 / Double(max(1, progress.attempts))))]
        }
        try await addPlacements(to: &text)
        try await addBlobBytes(to: &text)
        return text.text
    }

    /// What the policies chose, and where one in the shadow would have done otherwise.
    private func addPlacements(to text: inout MetricsLines) async throws(ControlError) {
        let policyDesk = policyDesk
        guard
            let (counts, asked) = await ask({ view in
                (view.loop.placementCounts, policyDesk.counts)
            })
        else { throw silent }
        if !asked.isEmpty { add(asked, counts, to: &text) }
        text.counter("fanfold_placements_total", "Slots on workers that the policy chose.") {
            [("", Int(clamping: counts.chosen))]
        }
        text.counter(
            "fanfold_placements_shadow_total",
            "Those that the policy in the shadow was asked about, by whether it agreed."
        ) {
            [
                ("agrees=\"true\"", Int(clamping: counts.compared - counts.differed)),
                ("agrees=\"false\"", Int(clamping: counts.differed)),
            ]
        }
    }

    /// What became of questions to policies that are plugins.
    private func add(
        _ asked: [(name: String, counts: PolicyDesk.Counts)], _ counts: PlacementCounts,
        to text: inout MetricsLines
    ) {
        text.counter("fanfold_policy_answers_total", "Answers of policies that are plugins.") {
            asked.map { ("policy=\"\($0.name)\"", Int(clamping: $0.counts.answers)) }
        }
        text.counter(
            "fanfold_policy_misses_total", "Questions without an answer that counts, by why."
        ) {
            asked.flatMap { name, counts in
                PolicyFault.allCases.filter { $0 != .unanswered }.map { fault in
                    (
                        "policy=\"\(name)\",why=\"\(fault.name)\"",
                        Int(clamping: counts.misses[Int(fault.rawValue)])
                    )
                }
            }
        }
        text.counter(
            "fanfold_policy_outcomes_total",
            "Attempts that ended, by whether a policy was told or they were dropped."
        ) {
            asked.flatMap { name, counts in
                [("told", counts.told), ("dropped", counts.dropped)].map { what, count in
                    ("policy=\"\(name)\",what=\"\(what)\"", Int(clamping: count))
                }
            }
        }
        text.counter("fanfold_policy_set_aside_total", "How often a policy was set aside.") {
            asked.map { ("policy=\"\($0.name)\"", Int(clamping: $0.counts.setAside)) }
        }
        text.counter(
            "fanfold_policy_placements_total",
            "Slots by who chose: a plugin, or the policy that is built in, by why."
        ) {
            [("by=\"plugin\"", Int(clamping: counts.byPlugin))]
                + PolicyFault.allCases.map { fault in
                    (
                        "by=\"fallback\",why=\"\(fault.name)\"",
                        Int(clamping: counts.fallbacks[Int(fault.rawValue)])
                    )
                }
        }
    }

    /// Who sent blobs: whether the coordinator is in the way of what workers give each other.
    private func addBlobBytes(to text: inout MetricsLines) async throws(ControlError) {
        let hub = hub
        let all = await engine.ask { loop, _ in
            loop.workerUsage().map { ($0.worker.index, hub.peerBytes($0.worker)) }
        }
        guard let all else { throw silent }
        let own = Int(clamping: hub.blobBytesSent)
        text.counter("fanfold_blob_bytes_sent_total", "Bytes of blobs sent to workers, by whom.") {
            [("by=\"coordinator\"", own)]
                + all.map { worker, bytes in
                    ("by=\"worker\",worker=\"\(worker)\"", Int(clamping: bytes.sent))
                }
        }
        text.counter(
            "fanfold_blob_bytes_fetched_total", "Bytes of blobs that workers had from workers."
        ) {
            all.map { worker, bytes in
                ("worker=\"\(worker)\"", Int(clamping: bytes.fetched))
            }
        }
    }
}

/// Figures in Prometheus' text format.
private struct MetricsLines {
    var text = ""

    mutating func gauge(
        _ name: String, _ help: String, _ values: () -> [(labels: String, value: Int)]
    ) {
        add(name, help, "gauge", values)
    }

    mutating func counter(
        _ name: String, _ help: String, _ values: () -> [(labels: String, value: Int)]
    ) {
        add(name, help, "counter", values)
    }

    private mutating func add(
        _ name: String, _ help: String, _ type: String,
        _ values: () -> [(labels: String, value: Int)]
    ) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for (labels, value) in values() {
            text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
        }
    }
}

extension WorkerHub {
    /// Workers that are not among those, the last first.
    func lost(besides here: Set<WorkerID>) -> [WorkerDetail] {
        allWorkers.reversed().lazy.filter { !here.contains($0) }
            .prefix(APILimits.lostWorkers).compactMap { goneDetail($0) }
    }

    /// A worker that is gone; `nil` if there never was one.
    func goneDetail(_ worker: WorkerID) -> WorkerDetail? {
        guard let label = label(of: worker) else { return nil }
        let nothing = ResourceAmounts(milliCores: 0, memoryBytes: 0)
        var detail = WorkerDetail(
            id: UInt64(worker.index), name: label.name,
            status: isRevoked(worker) ? .revoked : .lost, version: label.build, total: nothing,
            free: nothing, labels: label.labels, joined: Timestamp(milliseconds: label.joined),
            heard: Timestamp(milliseconds: heard(worker) ?? label.joined))
        detail.processor = label.description
        return detail
    }

    /// A worker as clients see it; on the loop's thread.
    func detail(_ usage: WorkerUsage) -> WorkerDetail {
        let label = label(of: usage.worker)
        let status: WorkerStatus =
            switch usage.phase {
            case .active: isConnected(usage.worker) ? .active : .unknown
            case .suspect: .unknown
            case .quarantined: .quarantined
            case .draining: .draining
            case .lost: .lost
            }
        var detail = WorkerDetail(
            id: UInt64(usage.worker.index), name: label?.name ?? "", status: status,
            version: label?.build ?? "", total: ResourceAmounts(usage.total),
            free: ResourceAmounts(usage.free), running: usage.slots, queued: usage.queued,
            joined: Timestamp(milliseconds: label?.joined ?? 0),
            heard: Timestamp(milliseconds: heard(usage.worker) ?? label?.joined ?? 0))
        detail.processor = label?.description
        detail.address = address(of: usage.worker)
        detail.labels = label?.labels ?? []
        detail.gpus = (label?.gpus ?? []).map { gpu in
            var detail = GPUDetail(name: gpu.name, uuid: gpu.uuid, memoryBytes: gpu.memoryBytes)
            if gpu.place.node > 0 { detail.memoryNode = Int(gpu.place.node) - 1 }
            if gpu.place.link > 0 { detail.linkGroup = Int(gpu.place.link) }
            return detail
        }
        for (place, free) in usage.free.devices.prefix(detail.gpus.count).enumerated() {
            detail.gpus[place].freeMilli = free.milli
            detail.gpus[place].freeMemoryBytes = free.memoryBytes
        }
        if let measured = measured(usage.worker) {
            detail.measured = ResourceAmounts(
                milliCores: measured.milliCores, memoryBytes: measured.memoryBytes)
            detail.freeDiskBytes = measured.freeDiskBytes
            if measured.graphics.count == detail.gpus.count {
                for (place, use) in measured.graphics.enumerated() {
                    detail.gpus[place].usedMemoryBytes = use.memoryBytes
                    detail.gpus[place].busyPercent = use.percent
                }
            }
        }
        return detail
    }
}

extension ResourceAmounts {
    init(_ vector: ResourceVector) {
        self.init(
            milliCores: vector.milliCores, memoryBytes: vector.memoryBytes,
            milliGPUs: vector.devices.reduce(0) { $0 + $1.milli })
    }
}

extension QuarantineDetail {
    init(_ quarantine: Quarantine, now: Tick) {
        self.init(
            code: quarantine.reason.code, sentence: quarantine.reason.sentence,
            since: quarantine.since.map { Timestamp($0, now: now) },
            until: Timestamp(quarantine.until, now: now))
    }
}
