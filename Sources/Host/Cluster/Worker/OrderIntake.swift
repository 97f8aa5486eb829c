import FanfoldBlobs
import FanfoldCore
import FanfoldJSON
import FanfoldRuntime
import FanfoldWire
import Synchronization

/// Orders on their way from a connection to the worker's slots: specifications are looked up, parts
/// that lie elsewhere are fetched first.
final class OrderIntake: Sendable {
    private struct Spec {
        var run: Result<FanfoldRuntime.RunSpec, WorkFailure>
        var taskName: String
        var directory: String
    }

    /// An order that waits for parts.
    private struct Waiting {
        var order: WorkOrder
        var missing: Int
    }

    private struct State {
        var session: WireSession?
        var specs: [UInt64: Spec] = [:]
        var waiting: [AttemptID: Waiting] = [:]
        /// Attempts that are here or were, so that an order which comes twice is one.
        var known: Set<AttemptID> = []
    }

    private let worker: LocalWorker
    private let store: BlobStore
    private let fetcher: BlobFetcher
    private let report: @Sendable ([EndedAttempt]) -> Void
    private let state = Mutex(State())

    init(
        worker: LocalWorker, store: BlobStore, fetcher: BlobFetcher,
        report: @escaping @Sendable ([EndedAttempt]) -> Void
    ) {
        self.worker = worker
        self.store = store
        self.fetcher = fetcher
        self.report = report
    }

    /// Another connection: specifications are defined again.
    func begin(over session: WireSession) {
        state.withLock { state in
            state.session = session
            state.specs = [:]
        }
    }

    /// What waits for parts: queued in the coordinator's eyes, or running in a slot of its own.
    var waiting: (queued: [AttemptID], running: [(AttemptID, SlotID)]) {
        state.withLock { state in
            var queued: [AttemptID] = []
            var running: [(AttemptID, SlotID)] = []
            for (attempt, waiting) in state.waiting {
                if let slot = waiting.order.assignment.slot {
                    running.append((attempt, slot))
                } else {
                    queued.append(attempt)
                }
            }
            return (queued.sorted(), running.sorted { $0.0 < $1.0 })
        }
    }

    /// An attempt has ended: an order for it would be a new one.
    func forget(_ attempts: [AttemptID]) {
        state.withLock { state in for attempt in attempts { state.known.remove(attempt) } }
    }

    func define(_ wire: WireDefine) {
        let run: Result<FanfoldRuntime.RunSpec, WorkFailure>
        do {
            run = .success(
                try FanfoldRuntime.RunSpec(json: try JSON(parsing: Array(wire.runSpecJson))))
        } catch {
            run = .failure(
                WorkFailure(.inputInvalid, "what to run makes no sense to this worker: \(error)"))
        }
        state.withLock {
            $0.specs[wire.spec] = Spec(
                run: run, taskName: wire.taskName, directory: wire.pipelineID)
        }
    }

    func start(_ wire: WireStart, from session: WireSession) {
        var ready: [WorkOrder] = []
        var fetches: [(AttemptID, [(Int, BlobReference, WireBlobPart)])] = []
        state.withLock { state in
            for assignment in wire.assignments {
                let attempt = AttemptID(assignment.attempt)
                guard let order = AssignmentOrder(assignment) else { continue }
                if case .promote(let slot) = order, var waiting = state.waiting[attempt] {
                    waiting.order.assignment.order = .start(slot)
                    state.waiting[attempt] = waiting
                    continue
                }
                let placed = Assignment(
                    attempt: attempt, shape: ShapeID(assignment.shape), order: order)
                if case .promote = order {
                    ready.append(WorkOrder(assignment: placed, work: .refuse("")))
                    continue
                }
                guard state.known.insert(attempt).inserted else { continue }
                let (work, missing) = self.work(assignment, attempt, state.specs[assignment.spec])
                let workOrder = WorkOrder(assignment: placed, work: work)
                if missing.isEmpty {
                    ready.append(workOrder)
                } else {
                    state.waiting[attempt] = Waiting(order: workOrder, missing: missing.count)
                    fetches.append((attempt, missing))
                }
            }
        }
        if !ready.isEmpty { worker.accept(ready) }
        for (attempt, missing) in fetches {
            for (index, blob, part) in missing { fetch(index, blob, part, attempt, session) }
        }
    }

    private func work(
        _ wire: WireAssignment, _ attempt: AttemptID, _ spec: Spec?
    ) -> (WorkOrder.Work, missing: [(Int, BlobReference, WireBlobPart)]) {
        if !wire.refuse.isEmpty { return (.refuse(wire.refuse), []) }
        guard let spec else { return (.refuse("nobody has said what to run"), []) }
        let run: FanfoldRuntime.RunSpec
        switch spec.run {
        case .success(let known): run = known
        case .failure(let failure): return (.refuse(failure.message), [])
        }
        var missing: [(Int, BlobReference, WireBlobPart)] = []
        var parts: [InputPart] = []
        do {
            for (index, part) in wire.parts.enumerated() {
                if case .blob(let blob) = part.source, let reference = BlobReference(blob.blob) {
                    missing.append((index, reference, blob))
                    parts.append(.payload(Payload.empty.whole, .bytes))
                } else {
                    parts.append(try InputPart(part))
                }
            }
        } catch {
            return (.refuse("a part of its input makes no sense: \(error)"), [])
        }
        let names = wire.parts.map(\.name)
        let item = WorkItem(
            run: run, parts: parts, names: names.contains("") || names.isEmpty ? nil : names,
            taskName: spec.taskName, subtask: UInt64(attempt.index), attempt: Int(attempt.epoch),
            pipelineDirectory: spec.directory)
        return (.run(item), missing)
    }

    private func fetch(
        _ index: Int, _ blob: BlobReference, _ part: WireBlobPart, _ attempt: AttemptID,
        _ session: WireSession
    ) {
        let source = SessionBlobs(session, name: "coordinator")
        fetcher.fetch(blob, from: [source], pinnedFor: nil) { [self] outcome in
            var received: InputPart?
            var why = ""
            do {
                _ = try outcome.get()
                let payload = try StoredResult.payload(blob.id, in: store)
                received = .payload(payload.whole, DataFormat(rawValue: part.format) ?? .bytes)
            } catch {
                why = "its input could not be fetched: \(error)"
            }
            arrived(received, why: why, index, attempt)
        }
    }

    private func arrived(_ part: InputPart?, why: String, _ index: Int, _ attempt: AttemptID) {
        let order = state.withLock { state -> WorkOrder? in
            guard var waiting = state.waiting[attempt] else { return nil }
            if let part, case .run(var item) = waiting.order.work {
                item.parts[index] = part
                waiting.order.work = .run(item)
            } else if part == nil {
                waiting.order.work = .refuse(why)
            }
            waiting.missing -= 1
            guard waiting.missing == 0 else {
                state.waiting[attempt] = waiting
                return nil
            }
            state.waiting[attempt] = nil
            return waiting.order
        }
        if let order { worker.accept([order]) }
    }

    func takeBack(_ attempts: [AttemptID]) -> [AttemptID] {
        state.withLock { state in
            attempts.filter { attempt in
                guard let waiting = state.waiting[attempt], waiting.order.assignment.slot == nil
                else { return false }
                state.waiting[attempt] = nil
                state.known.remove(attempt)
                return true
            }
        }
    }

    /// Ends what waits for parts; the others are the worker's.
    ///
    /// - Returns: those that did not wait here.
    func cancel(_ attempts: [AttemptID], reason: String) -> [AttemptID] {
        var others: [AttemptID] = []
        var ended: [EndedAttempt] = []
        state.withLock { state in
            for attempt in attempts {
                guard let waiting = state.waiting.removeValue(forKey: attempt) else {
                    others.append(attempt)
                    continue
                }
                ended.append(
                    EndedAttempt(
                        attempt: attempt, slot: waiting.order.assignment.slot, successor: nil,
                        result: WorkResult(.failure(WorkFailure(.cancelled, reason)))))
            }
        }
        if !ended.isEmpty { report(ended) }
        return others
    }
}

extension AssignmentOrder {
    /// `nil` if the message does not say.
    fileprivate init?(_ wire: WireAssignment) {
        switch wire.order {
        case .start(let slot): self = .start(SlotID(wire: slot))
        case .queue: self = .queue
        case .promote(let slot): self = .promote(SlotID(wire: slot))
        case nil: return nil
        }
    }
}

extension InputPart {
    /// A part that came within its message.
    fileprivate init(_ wire: WirePart) throws {
        guard case .inline(let inline) = wire.source,
            let format = DataFormat(rawValue: inline.format)
        else { throw WorkFailure(.inputInvalid, "a part has no content") }
        let bytes = Array(inline.bytes)
        let content: PortablePart.Content =
            switch format {
            case .range: .range(from: Int(String(decoding: bytes, as: UTF8.self)) ?? 0)
            case .files:
                .files(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
            default: .bytes(Payload(bytes).whole)
            }
        self = try PortablePart(
            format: format, count: Int(clamping: inline.items), content: content
        ).inputPart()
    }
}
