import FanfoldJSON
import PluginKit
import Testing

/// A generator of pseudo-random numbers that is the same in every process.
///
/// Source: G. Steele et al., "SplitMix", 2014.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// An input of a test: its items, which are lines.
struct TestInput {
    var name: String
    var items: [String]
    var format = "lines"

    var description: InputDescription {
        InputDescription(
            name: name, format: format, items: items.count,
            bytes: items.reduce(0) { $0 + $1.utf8.count + 1 })
    }
}

/// What a subtask of a test is given.
struct Call {
    var id: UInt64
    var spec: JSON
    /// The text of every part.
    var parts: [String]

    /// The lines of the first part.
    var lines: [String] { (parts.first ?? "").split(separator: "\n").map(String.init) }
}

/// What a strategy was told, for telling it again.
enum Told {
    case split(Int)
    case result(SubtaskResult)
    case failure(SubtaskFailure)
    case capacity(Capacity)
    case finish
}

/// How a task of a test ended.
struct Played {
    var output: String
    var format: String?
    var report: JSON?
    var subtasks: [Call]
    var withdrawn: [UInt64]
    /// Why the task failed; `nil` if it completed.
    var failed: PluginError?
    /// Parts of the outputs that were given before `finish`.
    var streamed: Int
}

/// Notices whether a strategy kept a blob.
struct WeakBlob {
    weak var blob: Blob?
}

/// A sink that keeps what it is given, and minds that results are named only while they may be.
final class CheckingSink: StrategySink {
    var subtasks: [Subtask] = []
    var withdrawn: [UInt64] = []
    var outputs: [Output] = []
    var isNamed: (UInt64) -> Bool = { _ in true }

    func subtask(_ subtask: Subtask) {
        for case .result(let of) in subtask.parts {
            #expect(isNamed(of), "names result \(of), which it did not keep")
        }
        subtasks.append(subtask)
    }

    func withdraw(_ id: UInt64) {
        withdrawn.append(id)
    }

    func output(_ output: Output) {
        outputs.append(output)
    }
}

/// Plays the host for one task: runs subtasks with a closure, resolves references, and lets
/// results arrive in an order drawn from a seed.
final class Player<S: Strategy> {
    /// More events than this and the strategy is taken to hang.
    static var maximumEvents: Int { 200_000 }

    let task: TaskDescription
    let configuration: S.Configuration
    let inputs: [TestInput]
    var execute: (Call) throws -> String
    var seconds: (Call) -> Double = { _ in 0.01 }
    var fails: (Call) -> PluginError? = { _ in nil }
    var itemsOf: (String) -> Int = { $0.split(separator: "\n").count }

    private(set) var log: [(told: Told, answer: String)] = []
    private var pool: [UInt64: (subtask: Subtask, call: Call?)] = [:]
    private var order: [UInt64] = []
    private var results: [UInt64: String] = [:]
    private var kept: [UInt64: WeakBlob] = [:]
    private var sink = CheckingSink()
    private var seenSubtasks = 0
    private var seenWithdrawn = 0

    init(
        _ type: S.Type = S.self, run: JSON? = nil, configuration: S.Configuration,
        inputs: [TestInput], slots: Int = 3, seed: UInt64 = 1,
        execute: @escaping (Call) throws -> String
    ) {
        task = TaskDescription(
            name: "test", seed: seed, slots: slots, run: run,
            inputs: inputs.map(\.description),
            workers: (0..<slots).map {
                WorkerDescription(id: "w\($0)", cpus: 1, memoryBytes: 1 << 30)
            })
        self.configuration = configuration
        self.inputs = inputs
        self.execute = execute
    }

    /// Plays the task to its end; arrival order, worker and interleaving come from `arrival`.
    func play(arrival: UInt64 = 0) throws -> Played {
        var random = Seeded(state: arrival)
        var strategy = try S(task: task, configuration: configuration)
        var state = SplitState.more
        var calls: [Call] = []
        for _ in 0..<Self.maximumEvents {
            let ready = readyIDs()
            let maySplit = state != .end && pool.count < 4 * task.slots
            if ready.isEmpty, !maySplit {
                guard pool.isEmpty, state == .end else { return stuck(state, calls) }
                break
            }
            if maySplit, ready.isEmpty || Bool.random(using: &random) {
                let want = Int.random(in: 1...4, using: &random)
                let before = sink.subtasks.count
                state = try told(.split(want)) { sink throws(PluginError) in
                    try strategy.split(want: want, into: sink)
                }
                #expect(sink.subtasks.count - before <= want, "split gave more than was wanted")
                if state == .wait, pool.isEmpty { return stuck(state, calls) }
                continue
            }
            let id = ready[Int.random(in: 0..<ready.count, using: &random)]
            let call = call(id)
            calls.append(call)
            if let failed = try end(call, &strategy, &random) {
                return played(calls, failed: failed, streamed: sink.outputs.count)
            }
            if state == .wait { state = .more }
        }
        let streamed = sink.outputs.count
        do {
            try told(.finish) { sink throws(PluginError) in try strategy.finish(into: sink) }
        } catch {
            return played(calls, failed: error, streamed: streamed)
        }
        return played(calls, failed: nil, streamed: streamed)
    }

    /// Tells a new strategy everything again and compares every answer.
    func replay() throws {
        var strategy = try S(task: task, configuration: configuration)
        for (step, entry) in log.enumerated() {
            sink = CheckingSink()
            (seenSubtasks, seenWithdrawn) = (0, 0)
            let answer: String
            switch entry.told {
            case .split(let want): answer = "\(try strategy.split(want: want, into: sink))"
            case .result(let result):
                try strategy.onResult(result, into: sink)
                answer = ""
            case .failure(let failure):
                answer = "\(try strategy.onFailure(failure, into: sink))"
            case .capacity(let capacity):
                try strategy.onCapacity(capacity, into: sink)
                answer = ""
            case .finish:
                try strategy.finish(into: sink)
                answer = ""
            }
            #expect(answer + "|" + describe(sink, from: (0, 0, 0)) == entry.answer, "step \(step)")
        }
    }

    private func stuck(_ state: SplitState, _ calls: [Call]) -> Played {
        let error = PluginError(
            .deadline, reason: "test.hang", "it hangs: split said \(state), \(pool.count) wait")
        return played(calls, failed: error, streamed: sink.outputs.count)
    }

    private func readyIDs() -> [UInt64] {
        order.removeAll { pool[$0] == nil }
        return order.filter { id in
            guard let subtask = pool[id]?.subtask else { return false }
            let spec = (try? JSON(parsing: subtask.spec.bytes)) ?? .null
            let after = spec["after"]?.arrayValue?.compactMap(\.integerValue) ?? []
            return after.allSatisfy { results[UInt64($0)] != nil }
                && subtask.parts.allSatisfy { part in
                    if case .result(let of) = part { return results[of] != nil }
                    return true
                }
        }
    }

    private func call(_ id: UInt64) -> Call {
        guard let subtask = pool[id]?.subtask else { fatalError("no such subtask") }
        let spec =
            subtask.spec.bytes.isEmpty
            ? JSON.object(JSONObject()) : (try? JSON(parsing: subtask.spec.bytes)) ?? .null
        return Call(id: id, spec: spec, parts: subtask.parts.map(text))
    }

    func text(_ part: Part) -> String {
        switch part {
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .blob(let blob): String(decoding: blob.bytes, as: UTF8.self)
        case .slice(let blob, let from, let count):
            String(decoding: blob.bytes[from..<from + count], as: UTF8.self)
        case .items(let input, let from, let count):
            inputs[input].items[from..<from + count].map { $0 + "\n" }.joined()
        case .result(let id): results[id] ?? "missing result \(id)"
        }
    }

    /// Runs a subtask and tells the strategy; gives the reason if the task fails by it.
    private func end(
        _ call: Call, _ strategy: inout S, _ random: inout Seeded
    ) throws -> PluginError? {
        pool[call.id] = nil
        do {
            if let error = fails(call) {
                let failure = SubtaskFailure(subtask: call.id, attempts: 3, error: error)
                let verdict = try told(.failure(failure)) { sink throws(PluginError) in
                    try strategy.onFailure(failure, into: sink)
                }
                return verdict == .failTask ? error : nil
            }
            let output = try execute(call)
            results[call.id] = output
            let blob = Blob(Array(output.utf8))
            kept[call.id] = WeakBlob(blob: blob)
            let result = SubtaskResult(
                subtask: call.id, worker: "w\(Int.random(in: 0..<task.slots, using: &random))",
                ranNanoseconds: UInt64(seconds(call) * 1e9), items: itemsOf(output),
                parts: [blob])
            var copy = result
            copy.parts = [Blob(Array(output.utf8))]
            try told(.result(copy)) { sink throws(PluginError) in
                try strategy.onResult(result, into: sink)
            }
            return nil
        } catch let error as PluginError {
            return error
        }
    }

    @discardableResult
    private func told<R>(
        _ told: Told, _ body: (any StrategySink) throws(PluginError) -> R
    ) throws(PluginError) -> R {
        let before = (sink.subtasks.count, sink.withdrawn.count, sink.outputs.count)
        sink.isNamed = { [unowned self] id in results[id] == nil || kept[id]?.blob != nil }
        let answer = try body(sink)
        let shown = answer is Void ? "" : "\(answer)"
        log.append((told, shown + "|" + describe(sink, from: before)))
        for subtask in sink.subtasks[seenSubtasks...] {
            #expect(pool[subtask.id] == nil && results[subtask.id] == nil, "an id used twice")
            pool[subtask.id] = (subtask, nil)
            order.append(subtask.id)
        }
        seenSubtasks = sink.subtasks.count
        for id in sink.withdrawn[seenWithdrawn...] { pool[id] = nil }
        seenWithdrawn = sink.withdrawn.count
        return answer
    }

    private func describe(_ sink: CheckingSink, from: (Int, Int, Int)) -> String {
        let subtasks = sink.subtasks[from.0...].map { subtask in
            "\(subtask.id) \(String(decoding: subtask.spec.bytes, as: UTF8.self)) "
                + subtask.parts.map { part in
                    if case .result(let id) = part { return "result \(id)" }
                    return text(part)
                }.joined(separator: ",")
        }
        let outputs = sink.outputs[from.2...].map { output in
            "\(output.format) \(output.parts.map(text).joined()) \(output.report?.text ?? "")"
        }
        return "\(subtasks) \(sink.withdrawn[from.1...]) \(outputs)"
    }

    private func played(_ calls: [Call], failed: PluginError?, streamed: Int) -> Played {
        Played(
            output: sink.outputs.flatMap(\.parts).map(text).joined(),
            format: sink.outputs.first?.format, report: sink.outputs.compactMap(\.report).last,
            subtasks: calls, withdrawn: sink.withdrawn, failed: failed, streamed: streamed)
    }
}

/// A configuration as the host would give it.
func configured<C: Decodable>(_ text: String) throws -> C {
    try JSON(parsing: text).decode(C.self)
}

let lines: JSON = ["command": ["test"], "stdout": "lines"]
let json: JSON = ["command": ["test"], "stdout": "json"]
let jsonl: JSON = ["command": ["test"], "stdout": "jsonl"]
let csv: JSON = ["command": ["test"], "stdout": "csv"]
