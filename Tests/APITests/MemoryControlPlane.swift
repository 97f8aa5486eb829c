import Crypto
import FanfoldAPI
import FanfoldJSON
import Synchronization

/// A control plane without an engine: what a test puts in is what clients get.
actor MemoryControlPlane: ControlPlane {
    private(set) var calls = 0
    private(set) var submissions: [Submission] = []
    private var details: [UInt64: RunDetail] = [:]
    private var outputBytes: [UInt64: [String: [UInt8]]] = [:]
    private var tokens: [JoinTokenSummary] = []
    private var blobs: [String: (bytes: [UInt8], isComplete: Bool)] = [:]
    private var machines: [UInt64: WorkerDetail] = [:]
    private var revoked: [UInt64: WorkerDetail] = [:]
    private var pausedQueue = false
    private var missing: [String] = []
    /// What ``submit(_:)`` waits for, if a test wants it to.
    private var gate: AsyncStream<Void>?
    private var failure: ControlError?
    nonisolated let ring = EventRing(capacity: 64)

    init() {
        machines[1] = WorkerDetail(
            id: 1, name: "one", status: .active, address: "127.0.0.1", version: "0.1.0",
            total: .init(milliCores: 4_000, memoryBytes: 8 << 30),
            free: .init(milliCores: 3_000, memoryBytes: 7 << 30), labels: ["zone=a"],
            joined: .now(), heard: .now())
    }

    func setMissing(_ missing: [String]) { self.missing = missing }
    func setGate(_ gate: AsyncStream<Void>?) { self.gate = gate }
    func setFailure(_ failure: ControlError?) { self.failure = failure }
    func blobBytes(_ sha256: String) -> [UInt8]? { blobs[sha256]?.bytes }

    /// Leaves only the beginning of a file, as an upload that broke off.
    func breakOff(_ sha256: String, at count: Int) {
        blobs[sha256] = (Array(blobs[sha256]?.bytes.prefix(count) ?? []), false)
    }

    /// Lets a run end as a test wants it.
    func end(_ id: UInt64, _ status: RunStatus, output: [UInt8] = [], failed: Int = 0) {
        guard var detail = details[id] else { return }
        detail.summary.status = status
        detail.summary.ended = .now()
        detail.summary.succeeded = detail.summary.subtasks - failed
        detail.summary.failed = failed
        if detail.summary.orchestrated != nil {
            detail.summary.orchestrated = OrchestratedState(run: status, task: nil)
        }
        if status == .completed {
            detail.outputs = [
                OutputSummary(
                    name: "result", bytes: Int64(output.count), mediaType: "application/json")
            ]
            outputBytes[id] = ["result": output]
        }
        details[id] = detail
        ring.append(kind: "run.ended", time: .now(), run: id)
    }

    /// Lets a run's task begin.
    func start(_ id: UInt64, subtasks: Int) {
        guard var detail = details[id] else { return }
        detail.summary.status = .running
        detail.summary.started = .now()
        detail.summary.subtasks = subtasks
        detail.tasks[0].status = .running
        detail.tasks[0].put = subtasks
        detail.tasks[0].running = subtasks
        if detail.summary.orchestrated != nil {
            detail.summary.orchestrated = OrchestratedState(run: .running, task: detail.tasks[0])
        }
        details[id] = detail
    }

    func readiness() -> [String] { missing }

    func submit(_ submission: Submission) async throws(ControlError) -> RunDetail {
        calls += 1
        if let gate { for await _ in gate { break } }
        if let failure { throw failure }
        let text = String(decoding: submission.document, as: UTF8.self)
        guard text.contains("fanfold") else {
            throw ControlError(
                .invalid, "the pipeline is wrong",
                places: [.init(line: 1, column: 1, message: "wanted the key \"fanfold\"")])
        }
        for file in submission.files where blobs[file.sha256]?.isComplete != true {
            throw ControlError(.invalid, "\(file.path) was not uploaded")
        }
        submissions.append(submission)
        let id = UInt64(details.count + 1)
        let detail = RunDetail(
            summary: RunSummary(
                id: id, name: submission.name ?? "run", status: .pending,
                submitter: submission.submitter, submitted: .now(),
                orchestrated: submission.isOrchestrated ? .pending : nil),
            tasks: [TaskDetail(name: "task", strategy: "data-parallel", status: .waiting)])
        details[id] = detail
        ring.append(kind: "run.submitted", time: .now(), run: id)
        return detail
    }

    func runs(_ query: RunQuery) throws(ControlError) -> RunPage {
        calls += 1
        return query.page(of: details.values.map(\.summary))
    }

    func run(_ id: UInt64) throws(ControlError) -> RunDetail {
        calls += 1
        guard let detail = details[id] else {
            throw ControlError(.notFound, "there is no run \(id)")
        }
        return detail
    }

    func plan(_ submission: Submission) throws(ControlError) -> JSON {
        calls += 1
        let text = String(decoding: submission.document, as: UTF8.self)
        guard text.contains("fanfold") else {
            throw ControlError(.invalid, "the pipeline is wrong", places: [.init(message: "no")])
        }
        return ["fanfold_plan": 1, "pipeline": "run", "workers": [], "tasks": []]
    }

    func predictions(taskClass: String?, limit: Int) throws(ControlError) -> JSON {
        calls += 1
        let estimate: JSON = [
            "value": 1.5e9, "tier": "model", "covered": 19, "bounded": 20, "least": 1e9,
            "most": 2e9,
        ]
        return [
            "predictions": [
                [
                    "class": .string(taskClass ?? "demo/sort"), "attempts": .integer(Int64(limit)),
                    "memory_bytes": estimate,
                ]
            ]
        ]
    }

    func efficiency(run id: UInt64) throws(ControlError) -> JSON {
        calls += 1
        _ = try run(id)
        return ["run": .integer(Int64(id)), "tasks": []]
    }

    func scaling() throws(ControlError) -> JSON {
        calls += 1
        return [
            "mode": "act", "owner": "me", "evaluated": "2030-01-01T00:00:00Z", "workers": [],
            "pools": [
                [
                    "name": "a", "provider": "p", "min": 0, "max": 2, "workers": 0, "starting": 0,
                    "leaving": 0, "utilisation": 0.5, "per_hour": 1.5, "offerings": 1,
                    "problem": "sold out",
                ]
            ],
        ]
    }

    private static let decision: JSON = [
        "at": "2030-01-01T00:00:00Z", "pool": "a", "action": "keep", "what": "nothing",
        "why": "it rests",
        "inputs": [
            "workers": 0, "starting": 0, "leaving": 0, "utilisation": 0, "unmet_slots": 3,
            "per_hour": 0, "spent": 0,
        ],
        "alternatives": [["name": "b", "cost": 1.5, "why_not": "dearer"]],
    ]

    func scalingPlan() throws(ControlError) -> JSON {
        calls += 1
        return [
            "at": "2030-01-01T00:00:00Z", "workers": 0, "demand": [],
            "decisions": [Self.decision],
        ]
    }

    func scalingDecisions(limit: Int) throws(ControlError) -> JSON {
        calls += 1
        return ["decisions": .array(Array(repeating: Self.decision, count: min(limit, 2)))]
    }

    func cost() throws(ControlError) -> JSON {
        calls += 1
        return [
            "currency": "USD", "spent": 1.5, "per_hour": 0, "next_day": 0, "total_budget": 3,
            "left": 1.5, "pools": [],
        ]
    }

    func cancel(run id: UInt64, reason: String) throws(ControlError) -> RunDetail {
        let detail = try run(id)
        guard !detail.summary.status.hasEnded else { return detail }
        end(id, .cancelled)
        details[id]?.failure = FailureSummary(
            kind: "cancelled", reason: "cancelled", message: reason)
        return try run(id)
    }

    func retryFailed(
        run id: UInt64, submitter: String, isAdmin: Bool
    ) throws(ControlError) -> RunDetail {
        let detail = try run(id)
        guard detail.summary.status == .failed else {
            throw ControlError(
                .conflict, "wanted a run that failed, found \(detail.summary.status)")
        }
        var again = detail
        again.summary.id = UInt64(details.count + 1)
        again.summary.status = .pending
        again.summary.ended = nil
        again.summary.submitter = submitter
        details[again.summary.id] = again
        return again
    }

    func why(_ subject: RunSubject) throws(ControlError) -> Explanation {
        let detail = try run(subject.run)
        try known(subject.task, detail)
        return Explanation(
            status: detail.summary.status,
            reasons: [
                .init(
                    task: subject.task ?? "task", subtask: subject.subtask, code: "no-worker",
                    sentence: "there is no worker")
            ])
    }

    func outputs(run id: UInt64) throws(ControlError) -> [OutputSummary] { try run(id).outputs }

    func output(run id: UInt64, name: String) throws(ControlError) -> ByteStream {
        let detail = try run(id)
        guard detail.summary.status == .completed else {
            throw ControlError(.conflict, "the run has not completed")
        }
        guard let bytes = outputBytes[id]?[name] else {
            throw ControlError(.notFound, "there is no output \(name)")
        }
        let pieces = Pieces(bytes)
        return ByteStream(length: Int64(bytes.count), mediaType: "application/json") {
            () throws(ControlError) in await pieces.next()
        }
    }

    func subtasks(
        run id: UInt64, task: String, from first: UInt32, limit: Int
    ) throws(ControlError) -> SubtaskPage {
        let detail = try run(id)
        try known(task, detail)
        let count = detail.summary.subtasks
        let from = min(count, Int(first))
        return SubtaskPage(
            subtasks: (from..<min(count, from + limit)).map {
                SubtaskDetail(index: UInt32($0), status: .running, worker: 1, attempts: 1)
            }, total: count)
    }

    func attempts(
        run id: UInt64, task: String, from first: Int, limit: Int
    ) throws(ControlError) -> AttemptPage {
        let detail = try run(id)
        try known(task, detail)
        let count = detail.summary.succeeded
        let from = min(count, first)
        return AttemptPage(
            attempts: (from..<min(count, from + limit)).map {
                AttemptDetail(
                    subtask: UInt32($0), attempt: 1, worker: "one",
                    started: detail.summary.submitted, ended: detail.summary.submitted)
            }, total: count)
    }

    func logs(_ query: LogQuery) throws(ControlError) -> [LogTail] {
        try known(query.subject.task, try run(query.subject.run))
        return [LogTail(task: "task", subtask: 0, attempt: 1, worker: 1, text: "no such luck\n")]
    }

    func followLogs(_ query: LogQuery) throws(ControlError) -> LogStream {
        let logs = try logs(query)
        let isTold = Mutex(false)
        return LogStream { () throws(ControlError) in
            isTold.withLock { isTold in
                defer { isTold = true }
                return isTold ? nil : logs
            }
        }
    }

    private func known(_ task: String?, _ detail: RunDetail) throws(ControlError) {
        guard let task, !detail.tasks.contains(where: { $0.name == task }) else { return }
        throw ControlError(.notFound, "there is no task \(task)")
    }

    func workers() throws(ControlError) -> [WorkerDetail] {
        calls += 1
        return machines.values.sorted { $0.id < $1.id }
    }

    func worker(_ id: UInt64) throws(ControlError) -> WorkerDetail {
        calls += 1
        guard let worker = machines[id] else {
            throw ControlError(.notFound, "there is no worker \(id)")
        }
        return worker
    }

    func describe(worker id: UInt64) throws(ControlError) -> WorkerAccount {
        var account = WorkerAccount(try worker(id))
        account.isConnected = true
        account.trust = .trusted
        account.suspicion = 0.25
        var attempt = WorkerAccount.Attempt(
            run: 7, task: "train", subtask: 3, attempt: 2, status: .running)
        attempt.since = account.worker.joined
        attempt.reserved = ResourceAmounts(
            milliCores: 1_500, memoryBytes: 1 << 30, milliGPUs: 1_000)
        attempt.gpus = [0]
        attempt.fraction = 0.5
        account.attempts = [attempt]
        account.attemptCount = 300
        account.failuresInARow = 2
        account.blamedFor = [.init(run: 7, task: "train")]
        account.kept = WorkerAccount.Kept(
            place: .init(run: 8, task: "large"), slots: 1, until: account.worker.heard,
            isPreemptive: false)
        account.rental = WorkerAccount.Rental(
            name: "i-1", pool: "gpus", provider: "aws", offering: "p4d", phase: "active",
            since: Timestamp(milliseconds: 1_893_456_000_000), perHour: 32.5)
        return account
    }

    func drain(worker id: UInt64) throws(ControlError) -> WorkerDetail {
        var worker = try worker(id)
        worker.status = .draining
        machines[id] = worker
        return worker
    }

    func pardon(worker id: UInt64) throws(ControlError) -> WorkerDetail {
        var worker = try worker(id)
        worker.quarantine = nil
        if worker.status == .quarantined { worker.status = .active }
        machines[id] = worker
        return worker
    }

    /// Puts a worker in quarantine, as the engine does.
    func quarantine(_ id: UInt64, _ detail: QuarantineDetail) {
        machines[id]?.status = .quarantined
        machines[id]?.quarantine = detail
    }

    func pause(run id: UInt64, _ isPaused: Bool) throws(ControlError) -> RunDetail {
        let detail = try run(id)
        if !detail.summary.status.hasEnded { details[id]?.summary.isPaused = isPaused }
        return try run(id)
    }

    func queues() throws(ControlError) -> [QueueDetail] {
        calls += 1
        var queue = QueueDetail(
            name: "default", weight: 3,
            quota: QueueQuota(
                milliCores: 8_000, memoryBytes: 1 << 30, mayBorrow: true,
                mostBorrowed: QueueBorrowing(milliCores: 2_000)),
            maximumPriority: 9)
        queue.used = ResourceAmounts(milliCores: 9_000, memoryBytes: 1 << 20)
        queue.borrowed = ResourceAmounts(milliCores: 1_000, memoryBytes: 0)
        queue.share = 0.25
        queue.runs = details.count
        queue.isPaused = pausedQueue
        queue.users = ["alice"]
        return [queue]
    }

    func queue(_ name: String) throws(ControlError) -> QueueDetail {
        guard let queue = try queues().first(where: { $0.name == name }) else {
            throw ControlError(.notFound, "there is no queue \(name); there are default")
        }
        return queue
    }

    func pause(queue name: String, _ isPaused: Bool) throws(ControlError) -> QueueDetail {
        _ = try queue(name)
        pausedQueue = isPaused
        return try queue(name)
    }

    func lostWorkers() throws(ControlError) -> [WorkerDetail] { Array(revoked.values) }

    func revoke(worker id: UInt64) throws(ControlError) -> WorkerDetail {
        if let known = revoked[id] { return known }
        var worker = try worker(id)
        worker.status = .revoked
        machines[id] = nil
        revoked[id] = worker
        return worker
    }

    func createJoinToken(_ request: JoinTokenRequest) throws(ControlError) -> NewJoinToken {
        calls += 1
        let now = Timestamp.now()
        let summary = JoinTokenSummary(
            id: "j\(tokens.count + 1)", created: now,
            expires: now.advanced(bySeconds: request.lifetimeSeconds),
            remainingUses: request.maximumUses, labels: request.labels)
        tokens.append(summary)
        return NewJoinToken(summary: summary, secret: "ffj_secret")
    }

    func joinTokens() throws(ControlError) -> [JoinTokenSummary] {
        calls += 1
        return tokens
    }

    func revokeJoinToken(id: String) throws(ControlError) {
        calls += 1
        guard let index = tokens.firstIndex(where: { $0.id == id }) else {
            throw ControlError(.notFound, "there is no join token \(id)")
        }
        tokens.remove(at: index)
    }

    func resources() throws(ControlError) -> ResourceTotals {
        calls += 1
        var totals = ResourceTotals(
            workers: 1, total: .init(milliCores: 4_000, memoryBytes: 8 << 30),
            free: .init(milliCores: 3_000, memoryBytes: 7 << 30))
        totals.utilisation = UtilisationDetail(
            cpu: 0.25, memory: 0.125, gpu: nil, overall: 0.1875, efficiency: nil)
        return totals
    }

    func blob(_ sha256: String) throws(ControlError) -> BlobStatus {
        calls += 1
        let blob = blobs[sha256]
        return BlobStatus(
            offset: Int64(blob?.bytes.count ?? 0), isComplete: blob?.isComplete ?? false)
    }

    func writeBlob(
        _ sha256: String, at offset: Int64, _ bytes: [UInt8]
    ) throws(ControlError) -> BlobStatus {
        let known = try blob(sha256)
        guard known.offset == offset, !known.isComplete else {
            throw ControlError(.conflict, "wanted offset \(known.offset), found \(offset)")
        }
        blobs[sha256, default: ([], false)].bytes += bytes
        return try blob(sha256)
    }

    func finishBlob(_ sha256: String) throws(ControlError) -> BlobStatus {
        calls += 1
        let bytes = blobs[sha256]?.bytes ?? []
        guard TokenSecret.hexadecimal(SHA256.hash(data: bytes)) == sha256 else {
            blobs[sha256] = nil
            throw ControlError(.checksumMismatch, "the bytes have another sum; send them again")
        }
        blobs[sha256] = (bytes, true)
        return try blob(sha256)
    }

    nonisolated func events(
        after: UInt64?, limit: Int, wait: Duration
    ) async throws(ControlError) -> EventBatch {
        await ring.batch(after: after, limit: limit, wait: wait)
    }

    func metrics() throws(ControlError) -> String {
        calls += 1
        return "# TYPE fanfold_runs gauge\nfanfold_runs \(details.count)\n"
    }
}

/// Bytes, a few at a time.
private actor Pieces {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func next() -> [UInt8]? {
        guard !rest.isEmpty else { return nil }
        defer { rest = rest.dropFirst(7) }
        return Array(rest.prefix(7))
    }
}
