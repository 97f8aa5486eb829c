import CPluginABI
import FanfoldJSON
import Testing

@testable import FanfoldPlugins

/// Takes everything and keeps it.
private final class TakingSink: HostSink {
    var subtasks: [(id: UInt64, spec: String, parts: [ReceivedBlob])] = []
    var withdrawn: [UInt64] = []
    var outputs: [(json: String, parts: [ReceivedBlob])] = []
    var answer = fan_code(FAN_OK)

    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        guard answer == FAN_OK else { return answer }
        subtasks.append((id, String(decoding: spec, as: UTF8.self), take(parts)))
        return answer
    }

    func withdraw(_ id: UInt64) -> fan_code {
        withdrawn.append(id)
        return answer
    }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        guard answer == FAN_OK else { return answer }
        outputs.append((String(decoding: json, as: UTF8.self), take(parts)))
        return answer
    }

    private func take(_ parts: UnsafeMutableBufferPointer<fan_blob>) -> [ReceivedBlob] {
        parts.indices.map { HostBlob.receive(&parts[$0]) }
    }
}

private final class Owned {
    let bytes: UnsafeMutableRawBufferPointer
    let onEnd: () -> Void

    init(_ text: String, onEnd: @escaping () -> Void) {
        bytes = .allocate(byteCount: text.utf8.count, alignment: 1)
        bytes.copyBytes(from: text.utf8)
        self.onEnd = onEnd
    }

    deinit {
        bytes.deallocate()
        onEnd()
    }
}

@Suite struct InstanceTests {
    private let folder = TemporaryFolder()
    private let log = LogLines()

    private func instance(_ macros: [String: String] = [:]) throws -> StrategyInstance {
        let plugin = try registry(folder, log: log).load(
            path: CPlugin.build(in: folder, macros))
        return try StrategyInstance(
            plugin: plugin, component: plugin.component(), configuration: ["size": 4],
            logger: log.logger, now: { 77 })
    }

    private func failure(_ body: () throws -> Void) -> PluginFailure? {
        do {
            try body()
            return nil
        } catch {
            return error as? PluginFailure
        }
    }

    @Test func `subtasks reach the sink with their spec and parts`() throws {
        let instance = try instance([
            "SPLIT_BODY": """
            for (uint32_t k = 0; k < want; k++) { \
              fan_blob part = own("abc"); \
              fan_subtask s = {sizeof s, 1, 40 + k, {"{}", 2}, &part}; \
              fan_code code = sink->subtask(sink, &s); if (code) return code; } \
            sink->withdraw(sink, 9); *state = FAN_SPLIT_MORE; return FAN_OK;
            """
        ])
        let sink = TakingSink()
        try instance.begin(task: 1, spec: [], inputs: [])
        #expect(try instance.split(task: 1, want: 2, sink: sink) == .more)
        #expect(sink.subtasks.map(\.id) == [40, 41])
        #expect(sink.subtasks.map(\.spec) == ["{}", "{}"])
        guard case .bytes(let part) = sink.subtasks[0].parts[0] else {
            Issue.record("wanted bytes")
            return
        }
        #expect(String(decoding: part.bytes, as: UTF8.self) == "abc")
        #expect(sink.withdrawn == [9])
        sink.answer = fan_code(FAN_CANCELLED)
        let code = failure { _ = try instance.split(task: 1, want: 1, sink: sink) }?.code
        #expect(code == fan_code(FAN_CANCELLED))
        instance.destroy()
    }

    @Test func `what a strategy keeps of a result stays, the rest is released`() throws {
        let instance = try instance()
        var ended = 0
        let sink = TakingSink()
        do {
            let owned = Owned("row", onEnd: { ended += 1 })
            var parts = [HostBlob.lend(owned, bytes: UnsafeRawBufferPointer(owned.bytes))]
            try parts.withUnsafeMutableBufferPointer { parts in
                var result = fan_result()
                result.struct_size = UInt32(MemoryLayout<fan_result>.size)
                result.part_count = 1
                result.parts = parts.baseAddress
                try instance.onResult(task: 1, &result, sink: sink)
                sink.answer = fan_code(FAN_CANCELLED)
                parts[0] = HostBlob.lend(owned, bytes: UnsafeRawBufferPointer(owned.bytes))
                #expect(failure { try instance.onResult(task: 1, &result, sink: sink) } != nil)
                #expect(parts[0].release == nil)
            }
        }
        #expect(ended == 0)
        #expect(sink.outputs.count == 1)
        sink.outputs = []
        #expect(ended == 1)
    }

    @Test func `inputs are released when the task ends, or at once if it is refused`() throws {
        let instance = try instance()
        var ended = 0
        func input() -> fan_blob {
            let owned = Owned("in", onEnd: { ended += 1 })
            return HostBlob.lend(owned, bytes: UnsafeRawBufferPointer(owned.bytes))
        }
        let refused = failure {
            try instance.begin(task: 1, spec: Array("bad".utf8), inputs: [input()])
        }
        #expect(
            refused
                == PluginFailure(
                    code: fan_code(FAN_INVALID), retry: .renewed, reason: "bad", message: "no"))
        #expect(ended == 1)
        try instance.begin(task: 1, spec: [], inputs: [input()])
        #expect(ended == 1)
        instance.end(task: 1)
        instance.end(task: 1)
        #expect(ended == 2)
        try instance.begin(task: 2, spec: [], inputs: [input()])
        instance.destroy()
        #expect(ended == 3)
    }

    @Test func `the reason of a failure reaches the strategy`() throws {
        let instance = try instance()
        let late = PluginFailure(
            code: fan_code(FAN_DEADLINE), reason: String(repeating: "ä", count: 100), message: "m")
        let sink = TakingSink()
        #expect(
            try instance.onFailure(task: 1, subtask: 2, why: late, attempts: 3, sink: sink)
                == .retry)
        var raw = fan_error()
        late.write(to: &raw)
        let back = PluginFailure(code: raw.code, error: &raw)
        #expect(back.reason == String(repeating: "ä", count: 31))
    }

    @Test func `unknown numbers count as the documented default`() throws {
        let instance = try instance([
            "SPLIT_BODY": "*state = 99; return FAN_OK;",
            "FAILURE_BODY": "return FAN_OK;",
        ])
        let sink = TakingSink()
        #expect(try instance.split(task: 1, want: 1, sink: sink) == .wait)
        let why = PluginFailure(code: 1, reason: "r", message: "m")
        #expect(
            try instance.onFailure(task: 1, subtask: 2, why: why, attempts: 3, sink: sink)
                == .failTask)
    }

    @Test func `an error full of rubbish is still text`() throws {
        let instance = try instance([
            "SPLIT_BODY": """
            memset(err->reason, 'x', sizeof err->reason); \
            memset(err->message, 0xff, sizeof err->message); err->retry = 1000; return 1234;
            """
        ])
        let found = failure { _ = try instance.split(task: 1, want: 1, sink: TakingSink()) }
        #expect(found?.code == fan_code(FAN_UNKNOWN))
        #expect(found?.retry == .never)
        #expect(found?.reason == String(repeating: "x", count: 64))
        #expect(found?.message.unicodeScalars.allSatisfy { $0 == "\u{FFFD}" } == true)
    }

    @Test func `a failure without words has some of ours`() throws {
        let instance = try instance(["SPLIT_BODY": "return FAN_EXHAUSTED;"])
        let found = failure { _ = try instance.split(task: 1, want: 1, sink: TakingSink()) }
        #expect(found?.reason == "plugin.exhausted")
    }

    @Test func `lying lengths are refused before they are read`() throws {
        let cases: [(String, Int)] = [
            ("{sizeof s, 2, 1, {0, 0}, 0}", FAN_INVALID),
            ("{sizeof s, 65537, 1, {0, 0}, &part}", FAN_RANGE),
            ("{sizeof s, 0, 1, {0, 5}, 0}", FAN_INVALID),
            ("{sizeof s, 0, 1, {\"\", 1048577}, 0}", FAN_RANGE),
            ("{8, 0, 1, {0, 0}, 0}", FAN_INVALID),
        ]
        for (value, code) in cases {
            let sink = TakingSink()
            let instance = try instance([
                "SPLIT_BODY":
                    "fan_blob part = own(\"\"); fan_subtask s = \(value); return sink->subtask(sink, &s);"
            ])
            let found = failure { _ = try instance.split(task: 1, want: 1, sink: sink) }
            #expect(found?.code == fan_code(code), "\(value)")
            #expect(sink.subtasks.isEmpty)
        }
        #expect(log.text.contains("65537 parts, at most 65536"))
    }

    @Test func `a sink that is used after its call refuses`() throws {
        let instance = try instance([
            "CREATE_BODY": """
            if (kept) kept->withdraw(kept, 1); \
            *out = (fan_instance *)calloc(1, 64); return FAN_OK;
            """
        ])
        _ = try instance.split(task: 1, want: 1, sink: TakingSink())
        let plugin = try registry(folder, log: log).load(
            path: folder.path + "/libfanfold-echo.so")
        let second = try StrategyInstance(
            plugin: plugin, component: plugin.component(), configuration: [:],
            logger: log.logger)
        #expect(log.text.contains("sink->withdraw was used after the call"))
        second.destroy()
        instance.destroy()
    }

    @Test func `a create that fails says why`() throws {
        let found = failure {
            _ = try instance([
                "CREATE_BODY":
                    "return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, \"config./size\", \"too small\");"
            ])
        }
        #expect(found?.reason == "config./size")
        #expect(found?.message == "too small")
        let empty = failure { _ = try instance(["CREATE_BODY": "return FAN_OK;"]) }
        #expect(empty?.message.contains("made no instance") == true)
    }

    @Test func `interfaces that break the contract are refused`() throws {
        let none = failure { _ = try instance(["QUERY_BODY": "return NULL;"]) }
        #expect(none?.message.contains("knows no fanfold.strategy/1") == true)
        let null = failure { _ = try instance(["FINISH": "NULL"]) }
        #expect(null?.message.contains("fan_strategy.finish is NULL") == true)
        let short = failure { _ = try instance(["STRATEGY_SIZE": "16"]) }
        #expect(short?.message.contains("fan_strategy.struct_size is 16") == true)
    }

    @Test func `the host logs, tells the time, has no services and no operations`() throws {
        _ = try instance([
            "CREATE_BODY": """
            fan_view fields = {"{\\"rows\\":3}", 10}; \
            h->log(h, FAN_LOG_WARN, "hello", fields); \
            if (h->now(h) != 77 || h->service(h, "fanfold.http/1") || h->abi_minor) return FAN_INTERNAL; \
            if (h->cancelled(h, 5) != 1) return FAN_INTERNAL; \
            fan_blob part = own("x"); h->complete(h, 5, NULL, fields, &part, 1); \
            if (h->emit(h, 5, fields, NULL, 0) != FAN_PRECONDITION) return FAN_INTERNAL; \
            if (strcmp(h->name, "fanfold")) return FAN_INTERNAL; \
            *out = (fan_instance *)calloc(1, 64); return FAN_OK;
            """
        ])
        #expect(
            log.text.contains("warning plugin says component=fanfold.echo rows=3 text=hello"))
        #expect(log.text.contains("host->complete for operation 5, which does not exist"))
    }

    @Test func `optional functions are not missed`() throws {
        let instance = try instance()
        let sink = TakingSink()
        try instance.onCapacity(task: 1, capacity: [], sink: sink)
        #expect(try !instance.resplit(task: 1, subtask: 1, sink: sink))
        #expect(!instance.canExplain)
        #expect(try !instance.explain(task: 1, sink: sink))
        try instance.finish(task: 1, sink: sink)
    }
}
