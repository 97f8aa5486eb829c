import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// One life of a strategy that follows from a seed: the same calls wherever the instance lives and
/// whatever happens to it, as long as it answers the same.
final class StrategyLife {
    /// Rounds of one life, at most.
    private static let maximumRounds = 200
    /// Subtasks under way, at most.
    private static let window = 6
    /// How often something unusual is told: once in so many.
    private static let rareness = 12

    /// Is called before each call, with its number from 1 on.
    var onCall: (Int) throws -> Void = { _ in }
    /// How many calls were made.
    private(set) var count = 0

    private let strategy: any StrategyCalls
    private let seed: UInt64
    private let items: Int
    private let sink = LifeSink()
    private var random: SeededGenerator
    private var payloads: [UInt64: [UInt8]] = [:]
    private var loans = 0

    /// A life of a task with so many items.
    init(_ strategy: any StrategyCalls, seed: UInt64, items: Int) {
        self.strategy = strategy
        self.seed = seed
        self.items = items
        random = SeededGenerator(seed: seed)
    }

    /// Lives it, and ends the task.
    ///
    /// Returns: Every call, what it put, and its answer.
    func transcript() throws -> [String] {
        let spec = StrategyCall.description(items: items, seed: seed).bytes
        count = 1
        try onCall(count)
        do throws(PluginFailure) {
            try strategy.begin(
                task: 1, spec: spec, inputs: [HostBlob.reference(handle: 1, size: items * 8)])
        } catch {
            throw CheckStop.skipped("it does not take the task of this check: \(error.message)")
        }
        do {
            try live()
        } catch let failure as PluginFailure {
            sink.lines.append("failure \(failure.code) \(failure.reason) \(failure.message)")
        } catch {
            strategy.end(task: 1)
            throw error
        }
        strategy.end(task: 1)
        return sink.lines
    }

    private func live() throws {
        if strategy.canExplain {
            try call("explain") { "\(try strategy.explain(task: 1, sink: sink))" }
        }
        var isOver = false
        for _ in 0..<Self.maximumRounds {
            if !isOver, sink.live.count < Self.window {
                let want = UInt32.random(in: 1...4, using: &random)
                try call("split \(want)") {
                    let state = try strategy.split(task: 1, want: want, sink: sink)
                    isOver = state == .end
                    return "\(state)"
                }
            }
            let ready = sink.live.indices.filter { index in
                sink.live[index].waitsFor.allSatisfy { payloads[$0] != nil }
            }
            guard let place = ready.randomElement(using: &random) else {
                if isOver { break }
                continue
            }
            guard try end(sink.live.remove(at: place)) else { return }
        }
        try call("finish") {
            try strategy.finish(task: 1, sink: sink)
            return "done"
        }
    }

    /// Gives a subtask its end.
    ///
    /// Returns: Whether the task goes on.
    private func end(_ subtask: LifeSubtask) throws -> Bool {
        switch Int.random(in: 0..<Self.rareness, using: &random) {
        case 0: return try fail(subtask)
        case 1:
            try call("capacity") {
                try strategy.onCapacity(
                    task: 1, capacity: StrategyCall.capacityDescription.bytes, sink: sink)
                return "done"
            }
        default: break
        }
        let payload = subtask.payload(payloads)
        payloads[subtask.id] = payload
        try call("result \(subtask.id)") {
            try tell(subtask.id, payload)
            return "done"
        }
        return true
    }

    private func fail(_ subtask: LifeSubtask) throws -> Bool {
        let why = PluginFailure(code: 4, retry: .later, reason: "timeout", message: "too long")
        var verdict = StrategyInstance.Verdict.failTask
        try call("failure \(subtask.id)") {
            verdict = try strategy.onFailure(
                task: 1, subtask: subtask.id, why: why, attempts: 1, sink: sink)
            return "\(verdict)"
        }
        switch verdict {
        case .retry: sink.live.append(subtask)
        case .replaced, .skip: payloads[subtask.id] = []
        case .failTask: return false
        }
        return true
    }

    private func call(_ name: String, _ body: () throws -> String) throws {
        count += 1
        try onCall(count)
        sink.lines.append(name)
        sink.lines.append("-> " + (try body()))
    }

    private func tell(_ id: UInt64, _ payload: [UInt8]) throws(PluginFailure) {
        let owner = LentBytes(payload)
        loans += 1
        var part = HostBlob.lend(owner, bytes: owner.bytes, handle: Int64(loans))
        let facts = StrategyCall.resultFacts.bytes
        let outcome: Result<Void, PluginFailure> = facts.withUnsafeBytes { facts in
            withUnsafeMutablePointer(to: &part) { part in
                var result = fan_result()
                result.struct_size = UInt32(MemoryLayout<fan_result>.size)
                result.part_count = 1
                result.subtask = id
                result.json = fan_view(data: facts.baseAddress, size: UInt64(facts.count))
                result.parts = part
                do throws(PluginFailure) {
                    return .success(try strategy.onResult(task: 1, &result, sink: sink))
                } catch {
                    return .failure(error)
                }
            }
        }
        HostBlob.release(&part)
        try outcome.get()
    }
}

/// A subtask of a life.
struct LifeSubtask {
    /// Items of made-up data in one result, at most.
    private static let maximumItems = 1_000

    /// What its result is made of.
    private enum Piece {
        case bytes([UInt8])
        case items(from: Int, count: Int)
        case result(UInt64)
    }

    let id: UInt64
    /// The subtasks whose results it needs.
    let waitsFor: [UInt64]
    private let pieces: [Piece]

    init(id: UInt64, spec: [UInt8], parts: [ReceivedBlob]) {
        self.id = id
        pieces = parts.compactMap { part in
            switch part {
            case .items(_, let from, let count): .items(from: from, count: count)
            case .result(let subtask, _): .result(subtask)
            case .lent, .bytes: .bytes(part.content)
            default: nil
            }
        }
        let after = (try? JSON(parsing: spec))?["after"]?.arrayValue ?? []
        waitsFor =
            after.compactMap { $0.integerValue.map { UInt64(bitPattern: $0) } }
            + pieces.compactMap { if case .result(let id) = $0 { id } else { nil } }
    }

    /// A number a line for each of its items, and what its other parts hold.
    func payload(_ results: [UInt64: [UInt8]]) -> [UInt8] {
        guard !pieces.isEmpty else { return Array("\(id)\n".utf8) }
        return pieces.flatMap { piece -> [UInt8] in
            switch piece {
            case .bytes(let bytes): bytes
            case .items(let from, let count):
                (0..<min(count, Self.maximumItems)).flatMap { Array("\(from &+ $0)\n".utf8) }
            case .result(let id): results[id] ?? []
            }
        }
    }
}

/// Writes down what a strategy puts, without addresses.
private final class LifeSink: HostSink {
    var lines: [String] = []
    var live: [LifeSubtask] = []

    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        let parts = take(parts)
        lines.append("+\(id) \(String(decoding: spec, as: UTF8.self)) \(text(parts))")
        live.append(LifeSubtask(id: id, spec: Array(spec), parts: parts))
        return fan_code(FAN_OK)
    }

    func withdraw(_ id: UInt64) -> fan_code {
        lines.append("-\(id)")
        live.removeAll { $0.id == id }
        return fan_code(FAN_OK)
    }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        lines.append("= \(String(decoding: json, as: UTF8.self)) \(text(take(parts)))")
        return fan_code(FAN_OK)
    }

    private func take(_ parts: UnsafeMutableBufferPointer<fan_blob>) -> [ReceivedBlob] {
        parts.indices.map { HostBlob.receive(&parts[$0]) }
    }

    private func text(_ parts: [ReceivedBlob]) -> String {
        parts.map(\.text).joined(separator: " | ")
    }
}
