import CPluginABI
import FanfoldJSON

/// Takes a strategy through a whole task by a plan, and writes down what came of it.
final class StrategyRun {
    /// What the run does beside the usual.
    struct Plan {
        var items: Int
        /// Subtasks under way at most.
        var window = 4
        /// The order of results; `nil` is the order of subtasks.
        var shuffle: UInt64?
        /// Which subtask fails, by its place in the order of results.
        var failure: Failure?
        /// What is told about workers before the call with this number.
        var capacity: (Int) -> JSON? = { _ in nil }
        /// The workers that begin is told of.
        var workers = StrategyRun.twoWorkers
        /// After this many calls the instance is ended, and the calls are told again to a new one.
        var crashAt: Int?
        /// How long so many items run, in nanoseconds.
        var cost: (UInt64) -> Int64 = { _ in 1_000_000 }
        /// Whether it is known to take the task, so that a refusal is a fault.
        var mustBegin = false
        /// Asks to break up every subtask with items, once.
        var resplits = false
    }

    /// A subtask that does not end well.
    struct Failure {
        var place: Int
        var retry: UInt32
        var attempts: UInt32
        /// Whether it fails each time it is tried again.
        var isLasting = false
    }

    /// What a run gave.
    struct Record {
        /// Every call and its answer, in order.
        var transcript: [String] = []
        /// The result of the task.
        var output: [UInt8] = []
        /// All subtasks, in the order in which they were put.
        var subtasks: [ProbeSubtask] = []
        /// Those that were replaced or withdrawn.
        var dropped: Set<UInt64> = []
        /// What broke a rule of the graph, in order.
        var faults: [String] = []
        var isFailed = false
    }

    /// Calls of one run, at most.
    static let maximumCalls = 100_000
    /// Items of made-up data in one result, at most.
    private static let maximumItems = 200_000
    /// Tries of one subtask after which the strategy wants it for ever.
    static let maximumTries = 100

    private enum Told {
        case begin
        case split(UInt32)
        case result(UInt64, [UInt8], Int64, UInt64)
        case failure(UInt64, UInt32, UInt32)
        case capacity(JSON)
        case resplit(UInt64)
        case finish
    }

    private let context: CheckContext
    private let component: CheckedComponent
    private let configuration: JSON
    private let plan: Plan
    private var probe: StrategyProbe
    private(set) var record = Record()
    private var told: [Told] = []
    private var pending: [ProbeSubtask] = []
    private var payloads: [UInt64: [UInt8]] = [:]
    private var known: Set<UInt64> = []
    private var tries: [UInt64: UInt32] = [:]
    private var failing: UInt64?
    private var asked: Set<UInt64> = []

    init(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        _ plan: Plan
    ) throws {
        self.context = context
        self.component = component
        self.configuration = configuration
        self.plan = plan
        probe = try StrategyProbe(context, component, configuration)
    }

    /// The workers of a task that is told nothing else.
    static let twoWorkers = workers(2)

    /// Made-up workers, the second twice as fast as the first.
    static func workers(_ count: Int) -> [JSON] {
        (0..<count).map { number in
            [
                "id": .string("w\(number)"), "cpus": 1, "memory_bytes": 8_589_934_592, "gpus": 0,
                "speed": .number(Double(number % 2 + 1)),
            ]
        }
    }

    /// Whether this strategy knows `on_capacity`.
    var hearsOfCapacity: Bool { probe.hearsOfCapacity }
    /// Whether this strategy knows `resplit`.
    var canResplit: Bool { probe.canResplit }

    // MARK: The run

    /// Runs the task to its end.
    func run() throws -> Record {
        guard try tell(.begin) == 0 else {
            throw plan.mustBegin
                ? CheckStop.failed(
                    "with \(plan.workers.count) workers it does not take the task that it takes "
                        + "with two: \(probe.message)")
                : CheckStop.skipped(
                    "it does not take the task of this check: \(probe.message)")
        }
        defer { probe.end() }
        var random = SeededGenerator(seed: plan.shuffle ?? 0)
        var state = UInt32(FAN_SPLIT_MORE)
        var delivered = 0
        while told.count < Self.maximumCalls {
            if let news = plan.capacity(told.count) {
                try must(tell(.capacity(news)), "on_capacity")
            }
            if state != UInt32(FAN_SPLIT_END), pending.count < plan.window {
                let want = UInt32(plan.window)
                try must(tell(.split(want)), "split")
                state = try wellSplit(want)
            }
            if plan.resplits { try breakUp() }
            guard let place = next(&random) else {
                if state == UInt32(FAN_SPLIT_MORE) { continue }
                guard state == UInt32(FAN_SPLIT_END), pending.isEmpty else {
                    throw CheckStop.failed(
                        "it waits for ever: \(pending.count) subtasks are held up by others that "
                            + "do not come, and split says \(state)")
                }
                try must(tell(.finish), "finish")
                return record
            }
            let subtask = pending.remove(at: place)
            if try !end(subtask, delivered) { return record }
            delivered += 1
            if state == UInt32(FAN_SPLIT_WAIT) { state = UInt32(FAN_SPLIT_MORE) }
        }
        throw CheckStop.failed("the task does not end after \(Self.maximumCalls) calls")
    }

    private func wellSplit(_ want: UInt32) throws -> UInt32 {
        guard probe.sink.subtasks.count <= Int(want) else {
            throw CheckStop.failed(
                "split was asked for \(want) subtasks and put \(probe.sink.subtasks.count)")
        }
        guard probe.state <= UInt32(FAN_SPLIT_END) else {
            throw CheckStop.failed("split answers the state \(probe.state), which is none")
        }
        return probe.state
    }

    private func must(_ code: fan_code, _ call: String) throws {
        guard code == 0 else {
            throw CheckStop.failed("\(call) fails with code \(code): \(probe.message)")
        }
    }

    /// Gives a subtask its end, good or bad.
    ///
    /// Returns: Whether the task goes on.
    private func end(_ subtask: ProbeSubtask, _ delivered: Int) throws -> Bool {
        if let failure = plan.failure, failing == nil, failure.place == delivered {
            failing = subtask.id
            return try fail(subtask, failure)
        }
        if let failure = plan.failure, failure.isLasting, failing == subtask.id {
            return try fail(subtask, failure)
        }
        let payload = payload(of: subtask)
        payloads[subtask.id] = payload
        let items = subtask.slices.reduce(0) { $0 + $1.size }
        let code = try tell(.result(subtask.id, payload, plan.cost(items), items))
        guard code == 0 else {
            throw CheckStop.skipped(
                "it does not take the results of this check (a number a line): \(probe.message)")
        }
        return true
    }

    private func fail(_ subtask: ProbeSubtask, _ failure: Failure) throws -> Bool {
        tries[subtask.id, default: failure.attempts - 1] += 1
        let attempts = tries[subtask.id] ?? failure.attempts
        guard attempts < Self.maximumTries else {
            throw CheckStop.failed(
                "a subtask has failed \(attempts) times, and it wants it tried again each time")
        }
        try must(tell(.failure(subtask.id, failure.retry, attempts)), "on_failure")
        switch Int(probe.verdict) {
        case FAN_FAILED_RETRY: pending.append(subtask)
        case FAN_FAILED_REPLACED:
            guard !probe.sink.subtasks.isEmpty else {
                throw CheckStop.failed("on_failure says REPLACED and puts no subtask")
            }
            record.dropped.insert(subtask.id)
            payloads[subtask.id] = []
        case FAN_FAILED_SKIP: payloads[subtask.id] = []
        case FAN_FAILED_TASK:
            record.isFailed = true
            return false
        default:
            throw CheckStop.failed("on_failure answers \(probe.verdict), which is no verdict")
        }
        return true
    }

    private func breakUp() throws {
        for subtask in pending where !subtask.slices.isEmpty && asked.insert(subtask.id).inserted {
            let code = try tell(.resplit(subtask.id))
            guard code == 0 else {
                guard probe.sink.subtasks.isEmpty else {
                    throw CheckStop.failed("resplit fails with code \(code) and puts subtasks")
                }
                continue
            }
            guard !probe.sink.subtasks.isEmpty else { continue }
            try GraphRules.replaces(subtask, probe.sink.subtasks)
            for other in probe.sink.subtasks { asked.insert(other.id) }
            pending.removeAll { $0.id == subtask.id }
            payloads[subtask.id] = []
            record.dropped.insert(subtask.id)
        }
    }

    // MARK: Calls

    private func tell(_ call: Told) throws -> fan_code {
        if plan.crashAt == told.count { try replay() }
        told.append(call)
        let code = make(call)
        record.transcript.append(text(call) + " -> " + answer(call, code))
        for subtask in probe.sink.subtasks {
            if !known.insert(subtask.id).inserted {
                record.faults.append("the id \(subtask.id) is used a second time")
            }
        }
        record.subtasks += probe.sink.subtasks
        pending += probe.sink.subtasks
        for id in probe.sink.withdrawn {
            if payloads[id] != nil || !known.contains(id) {
                record.faults.append(
                    known.contains(id)
                        ? "it withdraws the subtask \(id), which has ended"
                        : "it withdraws the subtask \(id), which there is not")
            }
            pending.removeAll { $0.id == id }
            record.dropped.insert(id)
        }
        for output in probe.sink.outputs {
            for part in output.parts { record.output += bytes(of: part) }
        }
        return code
    }

    private func replay() throws {
        probe.end()
        probe = try StrategyProbe(context, component, configuration)
        for (index, call) in told.enumerated() {
            let again = text(call) + " -> " + answer(call, make(call))
            guard again == record.transcript[index] else {
                throw CheckStop.failed(
                    "told again, it answers differently: first "
                        + "\(record.transcript[index].prefix(200)); then \(again.prefix(200))")
            }
        }
    }

    private func make(_ call: Told) -> fan_code {
        switch call {
        case .begin: probe.begin(description)
        case .split(let want): probe.split(want)
        case .result(let id, let payload, let cost, let items):
            probe.result(id, payload, Self.facts(cost, items, worker: id % 2))
        case .failure(let id, let retry, let attempts): probe.failure(id, retry, attempts)
        case .capacity(let document): probe.capacity(document)
        case .resplit(let id): probe.resplit(id)
        case .finish: probe.finish()
        }
    }

    private func text(_ call: Told) -> String {
        switch call {
        case .begin: "begin"
        case .split(let want): "split \(want)"
        case .result(let id, _, _, _): "result \(id)"
        case .failure(let id, let retry, let attempts): "failure \(id) \(retry) \(attempts)"
        case .capacity(let document): "capacity of \(document["slots"]?.text ?? "?") slots"
        case .resplit(let id): "resplit \(id)"
        case .finish: "finish"
        }
    }

    private func answer(_ call: Told, _ code: fan_code) -> String {
        var parts = ["code \(code)"]
        if case .split = call { parts.append("state \(probe.state)") }
        if case .failure = call { parts.append("verdict \(probe.verdict)") }
        parts += probe.sink.subtasks.map(\.text)
        parts += probe.sink.withdrawn.map { "-\($0)" }
        parts += probe.sink.outputs.map { json, parts in
            "=" + String(decoding: json, as: UTF8.self) + parts.map(\.text).joined(separator: ",")
        }
        return parts.joined(separator: " ")
    }

    static func facts(_ cost: Int64, _ items: UInt64, worker: UInt64) -> [UInt8] {
        let facts: JSON = [
            "worker": .string("w\(worker)"), "attempt": 1, "queued_ns": 0,
            "ran_ns": .integer(cost), "bytes_in": .integer(Int64(clamping: items) &* 8),
            "bytes_out": 16, "items": .integer(Int64(clamping: items)),
        ]
        return facts.bytes
    }

    /// What begin is told.
    private var description: JSON {
        Self.description(
            items: plan.items, seed: context.seed, workers: plan.workers, slots: plan.workers.count)
    }

    static func description(items: Int, seed: UInt64, workers: [JSON], slots: Int) -> JSON {
        let input: JSON = [
            "name": "rows", "format": "lines", "items": .integer(Int64(items)),
            "bytes": .integer(Int64(items) * 8),
        ]
        return [
            "task": "check", "seed": .integer(Int64(seed & 0xFFFF_FFFF)),
            "slots": .integer(Int64(slots)),
            "run": ["command": ["cat"], "stdin": "lines", "stdout": "lines"],
            "inputs": [input], "workers": .array(workers),
            "com-example-unknown": ["a host of tomorrow": true],
        ]
    }

    // MARK: Made-up work

    private func next(_ random: inout SeededGenerator) -> Int? {
        guard plan.shuffle != nil else {
            return pending.indices.first { isReady(pending[$0]) }
        }
        let ready = pending.indices.filter { isReady(pending[$0]) }
        return ready.isEmpty ? nil : ready[Int(random.next() % UInt64(ready.count))]
    }

    private func isReady(_ subtask: ProbeSubtask) -> Bool {
        GraphRules.predecessors(subtask).allSatisfy { payloads[$0] != nil }
    }

    private func payload(of subtask: ProbeSubtask) -> [UInt8] {
        let bytes = subtask.parts.flatMap { self.bytes(of: $0) }
        return bytes.isEmpty && subtask.slices.isEmpty ? Array("\(subtask.id)\n".utf8) : bytes
    }

    private func bytes(of part: RecordedPart) -> [UInt8] {
        switch Int(part.kind) {
        case FAN_BLOB_ITEMS:
            return ItemLines.of(
                first: part.offset, count: min(part.size, UInt64(Self.maximumItems)))
        case FAN_BLOB_RESULT: return payloads[UInt64(bitPattern: part.handle)] ?? []
        default: return part.bytes
        }
    }
}

/// The made-up results of slices, which are the same in all runs of a check.
private enum ItemLines {
    private struct Slice: Hashable {
        var first: UInt64
        var count: UInt64
    }

    /// Slices that are kept, at most.
    private static let maximumSlices = 4_096
    // A check runs on one thread.
    private static nonisolated(unsafe) var known: [Slice: [UInt8]] = [:]

    /// A line with its number for each item.
    static func of(first: UInt64, count: UInt64) -> [UInt8] {
        let slice = Slice(first: first, count: count)
        if let lines = known[slice] { return lines }
        var lines: [UInt8] = []
        for number in 0..<count {
            lines += String(first &+ number).utf8
            lines.append(UInt8(ascii: "\n"))
        }
        if known.count >= maximumSlices { known.removeAll() }
        known[slice] = lines
        return lines
    }
}
