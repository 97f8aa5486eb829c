import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Takes a strategy through a whole task, as a host would: asks for subtasks, gives made-up
/// results in an order that follows from a seed, writes down every answer.
final class StrategyDriver {
    /// What a run of a task gave.
    struct Record {
        /// Every call and its answer, in order.
        var transcript: [String] = []
        /// The result of the task.
        var output: [UInt8] = []
        /// All subtasks.
        var subtasks: [RecordedSubtask] = []
        /// Whether the strategy let the task fail.
        var isFailed = false
    }

    /// How often the strategy is asked at most before a run counts as endless.
    static let maximumCalls = 200_000
    /// How many items of made-up data a result holds at most.
    static let maximumItems = 200_000

    let items: Int
    /// The order of results; `nil` is the order of subtasks.
    var shuffleSeed: UInt64?
    /// Whether every call comes from another thread.
    var usesFreshThreads = false
    /// Fails the subtask that comes at this position, with this retry class.
    var failing: (position: Int, retry: UInt32, attempts: UInt32)?
    /// After this many calls the instance is ended, and the calls told again to a new one.
    var replayAfter: Int?
    /// The kind of the parts that results are made of.
    var resultKind = FAN_BLOB_BYTES
    /// What each result says about itself.
    var resultFacts = StrategyCall.resultFacts
    /// Is called before each call, with what it will be.
    var onTell: (String) -> Void = { _ in }

    /// Whether the phases are told by whoever made this driver.
    private let isSilent: Bool
    let host: MockHost
    let sink: RecordedSink
    let lender: InputLender
    let context: CheckContext
    private let component: CheckedComponent
    private let configuration: JSON
    let placements: TablePlacements
    private var instance: CheckedInstance?
    private(set) var pointer: OpaquePointer
    private(set) var table: UnsafePointer<fan_strategy>
    let error: LentError
    private var told: [StrategyCall] = []
    private var record = Record()
    private var pending: [RecordedSubtask] = []
    private var payloads: [UInt64: [UInt8]] = [:]
    var memories: [ResultMemory] = []
    private var hasBegun = false

    init(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON, items: Int,
        placements: TablePlacements = .plain, host: MockHost? = nil,
        lender: InputLender = InputLender(), isSilent: Bool = false
    ) throws {
        self.isSilent = isSilent
        self.context = context
        self.component = component
        self.configuration = configuration
        self.items = items
        self.placements = placements
        self.lender = lender
        self.host = host ?? MockHost(placements.host)
        error = LentError(placements.error)
        sink = RecordedSink(placements.sink)
        let instance = try context.instance(
            component, configuration, host: self.host, error: error, lender: lender,
            isSilent: isSilent)
        self.instance = instance
        pointer = instance.pointer
        table = try instance.strategy()
    }

    /// Begins the task; a task that the strategy does not take is no fault.
    func begin() throws {
        guard !hasBegun else { return }
        hasBegun = true
        if !isSilent { CheckTrace.phase("in a task of \(items) items") }
        let code = try perform(.begin)
        guard code == 0 else {
            hasBegun = false
            throw CheckStop.skipped(
                "it does not take the task of this check: \(error.message)")
        }
    }

    /// Runs the task to its end.
    func run() throws -> Record {
        try begin()
        defer { endTask() }
        var random = SeededGenerator(seed: shuffleSeed ?? 0)
        var state = UInt32(FAN_SPLIT_MORE)
        var delivered = 0
        for _ in 0..<Self.maximumCalls {
            if state != UInt32(FAN_SPLIT_END), pending.count < 4 {
                state = try split(want: 4)
            }
            guard let index = next(&random) else {
                if state == UInt32(FAN_SPLIT_MORE) { continue }
                guard state == UInt32(FAN_SPLIT_END), pending.isEmpty else {
                    throw CheckStop.failed(
                        "it waits for ever: \(pending.count) subtasks are held up by others that "
                            + "do not come, and split says \(state)")
                }
                try require(perform(.finish), "finish")
                return record
            }
            let subtask = pending.remove(at: index)
            if let failing, failing.position == delivered {
                if try !fail(subtask, failing.retry, failing.attempts) { return record }
            } else {
                try deliver(subtask)
            }
            delivered += 1
            if state == UInt32(FAN_SPLIT_WAIT) { state = UInt32(FAN_SPLIT_MORE) }
        }
        throw CheckStop.failed("the task does not end after \(Self.maximumCalls) calls")
    }

    /// One `split`; checked against what was wanted.
    func split(want: UInt32) throws -> UInt32 {
        let before = record.subtasks.count
        try require(perform(.split(want)), "split")
        guard record.subtasks.count - before <= Int(want) else {
            throw CheckStop.failed(
                "split was asked for \(want) subtasks and put "
                    + "\(record.subtasks.count - before)")
        }
        guard lastState <= UInt32(FAN_SPLIT_END) else {
            throw CheckStop.failed("split answers the state \(lastState), which is none")
        }
        return lastState
    }

    /// What has been handed out so far.
    var subtasks: [RecordedSubtask] { record.subtasks }

    /// Ends the task and the instance, and says what was not given back exactly once.
    func releaseFaults() -> [String] {
        sink.faults
            + memories.enumerated().filter { $1.releases != 1 }.map { index, memory in
                "the result \(index) was given back \(memory.releases) times instead of once"
            }
    }

    /// Ends the task, once.
    func endTask() {
        guard hasBegun else { return }
        onTell("end")
        if usesFreshThreads {
            CheckThread { [self] in table.pointee.end(pointer, 1) }.join()
        } else {
            table.pointee.end(pointer, 1)
        }
        hasBegun = false
        inputLoan?()
        inputLoan = nil
    }

    /// Destroys the instance.
    func destroy() {
        onTell("destroy")
        instance = nil
    }

    /// Forgets all that was recorded, for the next task on the same instance.
    func again() {
        endTask()
        told.removeAll()
        record = Record()
        pending.removeAll()
        payloads.removeAll()
        memories.removeAll()
    }

    /// What was wrong with a call whose sink said FAN_CANCELLED.
    private(set) var cancelFault: String?

    /// Whether a task that has ended is as unknown as one that never began.
    ///
    /// Returns: What is wrong.
    func afterEnd() -> String? {
        guard let instance else { return nil }
        var state: UInt32 = 0
        let code = table.pointee.split(instance.pointer, 1, 1, sink.open(), &state, nil)
        sink.close()
        return code == 0 ? "split of a task that has ended answers FAN_OK" : nil
    }

    /// One call, whatever comes of it.
    func tell(_ call: StrategyCall) -> fan_code {
        if case .begin = call { hasBegun = true }
        let code = execute(call).code
        if case .begin = call, code != 0 { hasBegun = false }
        return code
    }

    // MARK: Calls

    var lastState: UInt32 = 0
    var lastVerdict: UInt32 = 0
    /// Ends the loan of the inputs, which lasts until `end`.
    var inputLoan: (() -> Void)?

    private func require(_ code: fan_code, _ call: String) throws {
        guard code == 0 else {
            throw CheckStop.failed("\(call) fails with code \(code): \(error.message)")
        }
    }

    private func deliver(_ subtask: RecordedSubtask) throws {
        let payload = payload(of: subtask)
        payloads[subtask.id] = payload
        let code = try perform(.result(subtask.id, payload))
        guard code == 0 else {
            throw CheckStop.skipped(
                "it does not take the results of this check (a number a line): \(error.message)")
        }
    }

    /// Returns: Whether the task goes on.
    private func fail(
        _ subtask: RecordedSubtask, _ retry: UInt32, _ attempts: UInt32
    ) throws -> Bool {
        let before = record.subtasks.count
        try require(perform(.failure(subtask.id, retry, attempts)), "on_failure")
        switch Int(lastVerdict) {
        case FAN_FAILED_RETRY: pending.append(subtask)
        case FAN_FAILED_REPLACED:
            guard record.subtasks.count > before else {
                throw CheckStop.failed("on_failure says REPLACED and puts no subtask")
            }
        case FAN_FAILED_SKIP: payloads[subtask.id] = []
        case FAN_FAILED_TASK:
            record.isFailed = true
            return false
        default: throw CheckStop.failed("on_failure answers \(lastVerdict), which is no verdict")
        }
        return true
    }

    /// Performs a call and writes it down; replays when it is time to.
    private func perform(_ call: StrategyCall) throws -> fan_code {
        if replayAfter == told.count { try replay() }
        told.append(call)
        let (code, answer) = execute(call)
        record.transcript.append("\(call.text) -> \(answer)")
        record.subtasks += sink.subtasks
        pending += sink.subtasks
        for id in sink.withdrawn { pending.removeAll { $0.id == id } }
        for output in sink.outputs {
            for part in output.parts { record.output += bytes(of: part) }
        }
        if let fault = sink.faults.first { throw CheckStop.failed(fault) }
        return code
    }

    private func replay() throws {
        endTask()
        hasBegun = !told.isEmpty
        let instance = try context.instance(
            component, configuration, host: host, error: error, lender: lender)
        self.instance = instance
        pointer = instance.pointer
        table = try instance.strategy()
        for (index, call) in told.enumerated() {
            let answer = "\(call.text) -> \(execute(call).answer)"
            guard answer == record.transcript[index] else {
                throw CheckStop.failed(
                    "told again, it answers differently: first \(record.transcript[index]); "
                        + "then \(answer)")
            }
        }
    }

    private func execute(_ call: StrategyCall) -> (code: fan_code, answer: String) {
        onTell(call.text)
        let refusals = sink.refusals
        let once = { [self] in
            sink.clear()
            error.clear()
            return send(call)
        }
        let code = usesFreshThreads ? CheckThread(once).join() : once()
        judgeCancelled(call, code, sink.refusals - refusals)
        var answer = "code \(code)"
        if case .split = call { answer += " state \(lastState)" }
        if case .failure = call { answer += " verdict \(lastVerdict)" }
        for subtask in sink.subtasks {
            answer +=
                " +\(subtask.id)[" + subtask.parts.map(\.text).joined(separator: ",") + "]"
                + String(decoding: subtask.spec, as: UTF8.self)
        }
        for id in sink.withdrawn { answer += " -\(id)" }
        for output in sink.outputs {
            answer +=
                " =" + String(decoding: output.json, as: UTF8.self)
                + output.parts.map(\.text).joined(separator: ",")
        }
        return (code, answer)
    }

    private func judgeCancelled(_ call: StrategyCall, _ code: fan_code, _ refusals: Int) {
        guard refusals > 0, cancelFault == nil else { return }
        if code != fan_code(FAN_CANCELLED) {
            cancelFault =
                "in \(call.text) the sink said FAN_CANCELLED and the call answered \(code); pass "
                + "it on"
        } else if refusals > 1 {
            cancelFault =
                "in \(call.text) the sink said FAN_CANCELLED and \(refusals - 1) more were put; "
                + "return at once"
        }
    }

    // MARK: Made-up work

    /// The position of a subtask whose results it waits for are in.
    private func next(_ random: inout SeededGenerator) -> Int? {
        let ready = pending.indices.filter { index in
            waitsFor(pending[index]).allSatisfy { payloads[$0] != nil }
        }
        guard shuffleSeed != nil, !ready.isEmpty else { return ready.first }
        return ready[Int(random.next() % UInt64(ready.count))]
    }

    private func waitsFor(_ subtask: RecordedSubtask) -> [UInt64] {
        let after = (try? JSON(parsing: subtask.spec))?["after"]?.arrayValue ?? []
        return after.compactMap { $0.integerValue.map { UInt64(bitPattern: $0) } }
            + subtask.parts.filter { $0.kind == UInt32(FAN_BLOB_RESULT) }.map {
                UInt64(bitPattern: $0.handle)
            }
    }

    private func payload(of subtask: RecordedSubtask) -> [UInt8] {
        let bytes = subtask.parts.flatMap { self.bytes(of: $0) }
        let hasItems = subtask.parts.contains { $0.kind == UInt32(FAN_BLOB_ITEMS) }
        return bytes.isEmpty && !hasItems ? Array("\(subtask.id)\n".utf8) : bytes
    }

    private func bytes(of part: RecordedPart) -> [UInt8] {
        switch Int(part.kind) {
        case FAN_BLOB_ITEMS:
            let count = min(Int(clamping: part.size), Self.maximumItems)
            return (0..<count).flatMap { Array("\(Int(part.offset) + $0)\n".utf8) }
        case FAN_BLOB_RESULT: return payloads[UInt64(bitPattern: part.handle)] ?? []
        default: return part.bytes
        }
    }
}
