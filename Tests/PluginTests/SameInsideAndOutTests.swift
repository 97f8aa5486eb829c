import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Testing

@testable import FanfoldPlugins

/// Writes down all that a strategy decides.
private final class TranscriptSink: HostSink {
    var lines: [String] = []
    var live: [UInt64] = []

    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        lines.append("subtask \(id) \(String(decoding: spec, as: UTF8.self)) \(take(parts))")
        live.append(id)
        return fan_code(FAN_OK)
    }

    func withdraw(_ id: UInt64) -> fan_code {
        lines.append("withdraw \(id)")
        live.removeAll { $0 == id }
        return fan_code(FAN_OK)
    }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        lines.append("output \(String(decoding: json, as: UTF8.self)) \(take(parts))")
        return fan_code(FAN_OK)
    }

    private func take(_ parts: UnsafeMutableBufferPointer<fan_blob>) -> String {
        parts.indices.map { index in
            let mark = parts[index].handle
            switch HostBlob.receive(&parts[index]) {
            case .lent(let owner as LentText, let offset, let count):
                return "\(mark):" + owner.text(offset, count)
            case .bytes(let foreign):
                return "\(mark):" + String(decoding: foreign.bytes, as: UTF8.self)
            case .items(let input, let from, let count): return "items \(input) \(from)+\(count)"
            case .result(let subtask, let part): return "result \(subtask).\(part)"
            case let other: return "\(other)"
            }
        }.joined(separator: " | ")
    }
}

/// Memory of the host that is lent to a strategy.
private final class LentText {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ text: String) {
        bytes = .allocate(byteCount: text.utf8.count, alignment: 8)
        bytes.copyBytes(from: text.utf8)
    }

    deinit { bytes.deallocate() }

    func text(_ offset: Int, _ count: Int) -> String {
        String(
            decoding: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]),
            as: UTF8.self)
    }
}

private struct Random: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 33) ^ state
    }
}

/// One life of a strategy, made up from a seed: the same calls whatever answers.
private struct Life {
    let seed: UInt64
    var crashes = false

    func transcript(of strategy: any StrategyCalls) -> [String] {
        var random = Random(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        let sink = TranscriptSink()
        do throws(PluginFailure) {
            try live(strategy, sink, &random)
        } catch {
            sink.lines.append("failure \(error.code) \(error.reason) \(error.message)")
        }
        strategy.end(task: 1)
        return sink.lines
    }

    private func live(
        _ strategy: any StrategyCalls, _ sink: TranscriptSink, _ random: inout Random
    ) throws(PluginFailure) {
        let items = Int.random(in: 0...40, using: &random)
        let spec = """
            {"task":"t","seed":\(seed),"slots":2,"run":{"command":["cat"]},"inputs":[{"name":"a",\
            "format":"json","items":\(items),"bytes":100}],"workers":[{"id":"w","cpus":2,\
            "memory_bytes":1000000,"gpus":0,"speed":1}]}
            """
        try strategy.begin(
            task: 1, spec: Array(spec.utf8), inputs: [HostBlob.reference(handle: 0, size: 100)])
        if strategy.canExplain { _ = try strategy.explain(task: 1, sink: sink) }
        var isOver = false
        for _ in 0..<300 {
            if !isOver {
                let state = try strategy.split(
                    task: 1, want: .random(in: 1...4, using: &random), sink: sink)
                sink.lines.append("state \(state)")
                isOver = state == .end
            }
            // Thrown in any case, so that the life is the same.
            let isBad = Int.random(in: 0..<10, using: &random) == 0
            if crashes, isBad { killHelper(of: strategy) }
            guard !sink.live.isEmpty else {
                if isOver { break }
                continue
            }
            let id = sink.live.remove(at: .random(in: 0..<sink.live.count, using: &random))
            try end(id, strategy, sink, &random)
        }
        try strategy.finish(task: 1, sink: sink)
    }

    private func end(
        _ id: UInt64, _ strategy: any StrategyCalls, _ sink: TranscriptSink, _ random: inout Random
    ) throws(PluginFailure) {
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
            let why = PluginFailure(code: 4, retry: .later, reason: "timeout", message: "too long")
            let verdict = try strategy.onFailure(
                task: 1, subtask: id, why: why, attempts: 1, sink: sink)
            sink.lines.append("verdict \(verdict)")
            if verdict == .retry { sink.live.append(id) }
        case 1:
            try strategy.onCapacity(
                task: 1, capacity: Array(#"{"slots":3,"workers":[]}"#.utf8), sink: sink)
            fallthrough
        default:
            // Short ones go with the message, long ones through shared memory.
            let count = [1, 7, 600, 4_000][Int.random(in: 0..<4, using: &random)]
            let text = (0..<count).map { "\($0 * 7 % 1_000)\n" }.joined()
            try tell(id, text, strategy, sink)
        }
    }

    private func tell(
        _ id: UInt64, _ text: String, _ strategy: any StrategyCalls, _ sink: TranscriptSink
    ) throws(PluginFailure) {
        let owner = LentText(text)
        var part = HostBlob.lend(owner, bytes: UnsafeRawBufferPointer(owner.bytes), handle: 4)
        let json = Array(#"{"worker":"w","attempt":1,"ran_ns":5000,"items":3}"#.utf8)
        let failure: PluginFailure? = json.withUnsafeBytes { json in
            withUnsafeMutablePointer(to: &part) { part in
                var message = fan_result()
                message.struct_size = UInt32(MemoryLayout<fan_result>.size)
                message.part_count = 1
                message.subtask = id
                message.json = fan_view(data: json.baseAddress, size: UInt64(json.count))
                message.parts = part
                do throws(PluginFailure) {
                    try strategy.onResult(task: 1, &message, sink: sink)
                    return nil
                } catch {
                    return error
                }
            }
        }
        if let failure { throw failure }
    }

    private func killHelper(of strategy: any StrategyCalls) {
        guard let process = (strategy as? IsolatedStrategy)?.processID else { return }
        kill(process, SIGKILL)
    }
}

@Suite(.timeLimit(.minutes(10))) struct SameInsideAndOutTests {
    /// How many lives of each plugin; `FANFOLD_SEEDS=1000` is what a release is tried with.
    static let seeds = getenv("FANFOLD_SEEDS").flatMap { UInt64(String(cString: $0)) } ?? 12

    @Test(arguments: [
        "data-parallel", "ensemble", "pipeline-parallel", "model-parallel", "function-parallel",
    ])
    func `a bundled strategy decides the same inside and in a helper, killed or not`(
        _ name: String
    ) throws {
        let rig = IsolationRig()
        let registry = PluginRegistry(
            searchPath: [builtProducts], cacheDirectory: rig.folder.path + "/cache",
            wellKnownSchemas: ["fanfold:run": ["type": "object"]], logger: rig.log.logger)
        let path = builtProducts + "/libfanfold-\(name).so"
        let inside = try registry.load(path: path)
        let outside = try registry.load(
            path: path,
            in: HelperSettings(
                helperPath: builtProducts + "/fanfold-helper",
                reportDirectory: rig.folder.path + "/crashes"))
        let component = try inside.component()
        let schema = try #require(component.schema)
        let examples = component.configSchema?["examples"]?.arrayValue ?? []
        let configurations = (examples.isEmpty ? [[:]] : examples).map {
            schema.fillingDefaults($0)
        }
        .filter { schema.validate($0).isEmpty }
        #expect(!configurations.isEmpty)
        var restarts = 0
        for seed in 1...Self.seeds {
            let json = configurations[Int(seed) % configurations.count]
            func transcript(_ plugin: LoadedPlugin, crashes: Bool = false) throws -> [String] {
                let strategy = try plugin.makeStrategy(
                    component, configuration: json, callNanoseconds: 60_000_000_000,
                    logger: rig.log.logger)
                defer {
                    restarts += (strategy as? IsolatedStrategy)?.restarts ?? 0
                    strategy.destroy()
                }
                return Life(seed: seed, crashes: crashes).transcript(of: strategy)
            }
            let wanted = try transcript(inside)
            #expect(wanted.count > 2, "\(wanted)")
            #expect(try transcript(outside) == wanted, "seed \(seed)")
            #expect(try transcript(outside, crashes: true) == wanted, "seed \(seed)")
        }
        #expect(restarts > 0, "helpers were killed")
    }
}
