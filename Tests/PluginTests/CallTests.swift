import CPluginABI
import FanfoldData
import FanfoldJSON
@preconcurrency import Glibc
import Synchronization
import Testing

@testable import FanfoldPlugins

/// Answers every request with its own URL.
private struct EchoHTTP: HTTPService {
    func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void
    ) {
        done(.success(HTTPServiceAnswer(status: 203, body: Array(request.url.utf8))))
    }
}

/// Keeps values in memory.
private final class MemoryStore: StoreService {
    let values = Mutex<[String: [UInt8]]>([:])

    func value(of key: String) throws(PluginFailure) -> [UInt8]? {
        values.withLock { $0[key] }
    }

    func set(_ value: [UInt8], for key: String) throws(PluginFailure) {
        values.withLock { $0[key] = value }
    }
}

private final class Bytes {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ count: Int) {
        bytes = .allocate(byteCount: count, alignment: 8)
        for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: index &* 31) }
    }

    deinit { bytes.deallocate() }
}

/// Where the instance under test lives.
enum Home: CaseIterable {
    case inside
    case helper
}

@Suite(.timeLimit(.minutes(2))) struct CallTests {
    private let rig = IsolationRig()

    private func calls(
        _ home: Home, _ component: String = "test.runs", configuration: JSON = [:],
        services: PluginServices = PluginServices()
    ) throws -> any PluginCalls {
        let plugin = try registry(rig.folder, log: rig.log).load(
            path: CCalls.build(in: rig.folder),
            in: home == .inside
                ? nil
                : HelperSettings(
                    helperPath: builtProducts + "/fanfold-helper",
                    reportDirectory: rig.folder.path + "/crashes"))
        return try plugin.makeCalls(
            plugin.component(named: component), configuration: configuration, services: services,
            logger: rig.log.logger)
    }

    private func run(
        _ calls: any PluginCalls, _ spec: String, parts: [PluginCall.Part] = [],
        nanoseconds: UInt64? = nil
    ) -> Result<PluginAnswer, PluginFailure> {
        do throws(PluginFailure) {
            return .success(
                try calls.wait(
                    for: PluginCall(
                        .run, module: 1, document: Array("{\"do\":\"\(spec)\"}".utf8),
                        parts: parts, nanoseconds: nanoseconds)))
        } catch {
            return .failure(error)
        }
    }

    private func text(_ result: Result<PluginAnswer, PluginFailure>) -> String {
        switch result {
        case .failure(let failure): "\(failure.code) \(failure.reason)"
        case .success(let answer):
            answer.parts.map { part in
                guard case .bytes(let foreign) = part else { return "\(part)" }
                return String(decoding: foreign.bytes, as: UTF8.self)
            }.joined(separator: "|")
        }
    }

    private func parts(
        _ flat: [FlatPart], _ form: PluginCall.Part.Form
    ) -> [PluginCall.Part] {
        flat.map { part in
            let memory = part.bytes.withUnsafeBytes { OwnedBytes(copying: $0) }
            return PluginCall.Part(owner: memory, bytes: memory.bytes, form: form)
        }
    }

    @Test(arguments: Home.allCases, ["shapes", "shapes take"])
    func `an executor is given tensors and tables, taken or not`(
        _ home: Home, _ spec: String
    ) throws {
        let calls = try calls(home)
        defer { calls.close() }
        for rows in [0, 3, 100_000] {
            let numbers = [Float](repeating: 0.5, count: rows * 2)
            let tensor = try Tensor(type: .float32, shape: [rows, 2], numbers: numbers)
            let npy = try Npy.bytes(of: tensor).withUnsafeBytes { OwnedBytes(copying: $0) }
            let flat = try FlatPart.npy(npy.bytes, owner: npy)
            #expect(
                text(run(calls, spec, parts: parts(flat, .tensor)))
                    == "232 \(rows) 2 sum \(rows); ")
        }
        let column = try ArrowTable(
            column: "n", Tensor(type: .int32, shape: [4], numbers: [3, 4, 5, 9] as [Int32]))
        let file = ArrowWriter.bytes(of: column, file: true)
            .withUnsafeBytes { OwnedBytes(copying: $0) }
        let flat = try FlatPart.arrow(file.bytes, owner: file)
        #expect(text(run(calls, spec, parts: parts(flat, .table))) == "+s 4 n 9; ")
    }

    @Test(arguments: Home.allCases)
    func `a part that is no tensor ends the call before the plugin sees it`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        let owner = Bytes(64)
        let part = PluginCall.Part(
            owner: owner, bytes: UnsafeRawBufferPointer(owner.bytes), form: .tensor)
        #expect(text(run(calls, "shapes", parts: [part])) == "3 input.form")
    }

    @Test func `a part is released once the call has ended, taken or not`() throws {
        let calls = try calls(.inside)
        for spec in ["shapes", "shapes take"] {
            weak var kept: OwnedBytes?
            do {
                let tensor = try Tensor(type: .float32, shape: [1], numbers: [1 as Float])
                let npy = try Npy.bytes(of: tensor).withUnsafeBytes { OwnedBytes(copying: $0) }
                let all = parts(try FlatPart.npy(npy.bytes, owner: npy), .tensor)
                kept = all[0].owner as? OwnedBytes
                #expect(kept != nil)
                _ = run(calls, spec, parts: all)
            }
            // The lane lets go of the last call before it takes the next.
            _ = run(calls, "loads")
            #expect(kept == nil, "\(spec)")
        }
        calls.close()
    }

    @Test(arguments: Home.allCases)
    func `a run gives back parts, short and long`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        for count in [0, 1, 5_000, 3 << 20] {
            let owner = Bytes(count)
            let part = PluginCall.Part(
                owner: owner, bytes: UnsafeRawBufferPointer(owner.bytes), handle: 5)
            let answer = try run(calls, "echo", parts: [part]).get()
            #expect(String(decoding: answer.document, as: UTF8.self) == #"{"do":"echo"}"#)
            guard case .bytes(let foreign) = try #require(answer.parts.first) else {
                Issue.record("wanted bytes")
                return
            }
            #expect(foreign.bytes.elementsEqual(owner.bytes))
            #expect(foreign.handle == 5)
        }
    }

    @Test(arguments: Home.allCases)
    func `a tensor of a plugin becomes an npy file, also from a helper`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        let answer = try run(calls, "tensor").get()
        guard case .structured(let tensor) = try #require(answer.parts.first),
            case .npy(let bytes) = try tensor.file()
        else {
            Issue.record("wanted a tensor")
            return
        }
        let numbers: [Float] = [1, 2, 3, 4, 5, 6]
        #expect(bytes.suffix(24).elementsEqual(numbers.withUnsafeBytes { Array($0) }))
        #expect(String(decoding: bytes.prefix(80), as: UTF8.self).contains("(2, 3)"))
    }

    @Test(arguments: Home.allCases)
    func `services answer on the lane, and are absent when withheld`(_ home: Home) throws {
        let poor = try calls(home)
        #expect(text(run(poor, "fetch")) == "no http")
        #expect(text(run(poor, "store")) == "no store")
        #expect(text(run(poor, "after")) == "later")
        #expect(text(run(poor, "spawn")) == "later")
        poor.close()
        let store = MemoryStore()
        let rich = try calls(home, services: PluginServices(http: EchoHTTP(), store: store))
        #expect(text(run(rich, "fetch")) == "203 http://example.test/x")
        #expect(text(run(rich, "store")) == "0 0 kept 5")
        #expect(store.values.withLock { $0 } == ["key": Array("kept".utf8)])
        rich.close()
    }

    @Test(arguments: Home.allCases)
    func `a failure keeps its code, retry class and reason`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        guard case .failure(let failure) = run(calls, "fail") else {
            Issue.record("it should have failed")
            return
        }
        #expect(failure.code == 8)
        #expect(failure.retry == .later)
        #expect(failure.reason == "full")
    }

    @Test(arguments: Home.allCases)
    func `a second completion is noticed and changes nothing`(_ home: Home) throws {
        let calls = try calls(home)
        #expect(text(run(calls, "double")) == "first")
        #expect(text(run(calls, "after")) == "later")
        calls.close()
        #expect(rig.log.text.contains("which does not exist"))
    }

    @Test(arguments: Home.allCases)
    func `progress comes before the end`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        let seen = Mutex<[String]>([])
        let over = Monitor(false)
        _ = calls.start(
            PluginCall(.run, module: 1, document: Array(#"{"do":"emit"}"#.utf8)),
            PluginCallHandler(
                progress: { answer in
                    seen.withLock { $0.append(String(decoding: answer.document, as: UTF8.self)) }
                },
                done: { _ in
                    seen.withLock { $0.append("end") }
                    over.withLock { $0 = true }
                    over.wake()
                }))
        _ = over.wait { $0 ? true : nil }
        #expect(seen.withLock { $0 } == [#"{"done":1}"#, "end"])
    }

    @Test(arguments: Home.allCases)
    func `a call that is cancelled is told so and ends`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        let over = Monitor<Result<PluginAnswer, PluginFailure>?>(nil)
        let id = calls.start(
            PluginCall(.run, module: 1, document: Array(#"{"do":"wait"}"#.utf8)),
            PluginCallHandler { result in
                over.withLock { $0 = result }
                over.wake()
            })
        calls.cancel(id)
        let result = try #require(over.wait { $0 })
        #expect(text(result) == "1 cancelled")
    }

    @Test(arguments: Home.allCases)
    func `a call that passes its deadline is cancelled`(_ home: Home) throws {
        let calls = try calls(home)
        defer { calls.close() }
        #expect(text(run(calls, "wait", nanoseconds: 20_000_000)) == "1 cancelled")
    }

    @Test(arguments: Home.allCases)
    func `a provider answers its five verbs`(_ home: Home) throws {
        let calls = try calls(home, "test.rents")
        defer { calls.close() }
        #expect(
            try calls.wait(for: PluginCall(.check)).document == Array(#"{"checks":[]}"#.utf8))
        for method in [PluginCall.Method.offerings, .launch, .describe, .terminate] {
            let query = Array("{\"verb\":\"\(method)\"}".utf8)
            #expect(try calls.wait(for: PluginCall(method, document: query)).document == query)
        }
        #expect(throws: PluginFailure.self) { try calls.wait(for: PluginCall(.run)) }
    }

    @Test(arguments: Home.allCases)
    func `an instance that create refuses is an error with its place`(_ home: Home) throws {
        do {
            _ = try calls(home, configuration: ["refuse": true])
            Issue.record("it should have been refused")
        } catch let failure as PluginFailure {
            #expect(failure.reason == "config./refuse")
        }
    }

    @Test(arguments: [("crash", "signal 6 (ABRT), in run"), ("exit", "exit code 9, in run")])
    func `a helper that ends takes its calls with it, and the next has another helper`(
        _ spec: String, _ said: String
    ) throws {
        let calls = try calls(.helper)
        defer { calls.close() }
        _ = try calls.wait(for: PluginCall(.load, module: 1))
        guard case .failure(let failure) = run(calls, spec) else {
            Issue.record("it should have failed")
            return
        }
        #expect(failure.code == 14)
        #expect(failure.reason == "plugin.crashed")
        #expect(failure.message.contains(said), "\(failure.message)")
        // What was loaded is loaded again, before anything runs.
        #expect(text(run(calls, "loads")) == "1")
        #expect((calls as? IsolatedCalls)?.restarts == 1)
    }

    @Test func `a call that hangs in its helper ends the helper`() throws {
        let calls = try calls(.helper)
        defer { calls.close() }
        guard case .failure(let failure) = run(calls, "hang", nanoseconds: 10_000_000) else {
            Issue.record("it should have failed")
            return
        }
        #expect(["plugin.hung", "plugin.crashed"].contains(failure.reason), "\(failure)")
    }

    @Test func `an executor that ends its helper again and again rests`() throws {
        let calls = try calls(.helper)
        defer { calls.close() }
        for _ in 0..<IsolationLimits.deathsInARow { _ = run(calls, "crash") }
        guard case .failure(let failure) = run(calls, "echo") else {
            Issue.record("it should have rested")
            return
        }
        #expect(failure.reason == "plugin.circuit-open")
        #expect(failure.retry == .later)
        #expect(failure.retryAfterMs > 0)
    }

    @Test func `calls from many threads are answered each with its own`() throws {
        let calls = try calls(.helper)
        defer { calls.close() }
        let wanted = 200
        let answers = Monitor([String]())
        for number in 0..<wanted {
            _ = calls.start(
                PluginCall(.run, module: 1, document: Array("{\"n\":\(number)}".utf8)),
                PluginCallHandler { result in
                    let text = (try? result.get()).map {
                        String(decoding: $0.document, as: UTF8.self)
                    }
                    answers.withLock { $0.append(text ?? "failed") }
                    answers.wake()
                })
        }
        let all = try #require(answers.wait { $0.count == wanted ? $0 : nil })
        #expect(Set(all) == Set((0..<wanted).map { "{\"n\":\($0)}" }))
    }
}
