import CPluginABI
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// One call of an executor or a provider, whose end is counted.
final class CountedCall: @unchecked Sendable {
    // Unchecked: what changes is touched under the lock only.
    /// How long a call may take that ends by itself, in seconds.
    static let patience = 20

    private let lock = CallLock()
    private var lines: [String] = []
    private var ends: [Result<PluginAnswer, PluginFailure>] = []

    /// Who is told of it.
    var handler: PluginCallHandler {
        PluginCallHandler(
            progress: { [self] answer in lock.locked { lines.append("emit " + Self.text(answer)) }
            },
            done: { [self] result in lock.locked { ends.append(result) } })
    }

    /// How often it has ended.
    var endCount: Int { lock.locked { ends.count } }

    /// Waits for the end, which must come once.
    func end(_ name: String) throws -> Result<PluginAnswer, PluginFailure> {
        for _ in 0..<Self.patience * 2_000 where endCount == 0 { usleep(500) }
        let found = lock.locked { ends }
        guard let first = found.first else {
            throw CheckStop.failed("\(name) does not end within \(Self.patience) s")
        }
        guard found.count == 1 else {
            throw CheckStop.failed("\(name) ends \(found.count) times")
        }
        return first
    }

    /// What was told before the end, and the end.
    func transcript(_ name: String) throws -> [String] {
        let end = try end(name)
        return [name] + lock.locked { lines } + ["-> " + Self.text(end)]
    }

    static func text(_ result: Result<PluginAnswer, PluginFailure>) -> String {
        switch result {
        case .success(let answer): "done " + text(answer)
        case .failure(let failure):
            "failure \(failure.code) \(failure.retry) \(failure.reason) \(failure.message)"
        }
    }

    private static func text(_ answer: PluginAnswer) -> String {
        ([String(decoding: answer.document, as: UTF8.self)] + answer.parts.map(\.text))
            .joined(separator: " | ")
    }
}

/// A life of an executor or a provider: the calls that one host after another would make.
protocol CallLife: AnyObject {
    /// What the host does for the instance.
    var services: PluginServices { get }
    /// The calls, in order; an answer may lead to the next one.
    func calls(_ make: (String, PluginCall) throws -> CountedCall) throws
    /// What is loaded or done before the first call that may be disturbed.
    func prepare(_ instance: any PluginCalls) throws
    /// A call that takes a while and changes nothing that a second try would mind.
    var disturbed: (name: String, call: PluginCall) { get }
}

extension CallLife {
    /// Lives it.
    ///
    /// Returns: Every call and what came of it.
    func transcript(
        of instance: any PluginCalls, onCall: (Int) throws -> Void = { _ in }
    ) throws -> [String] {
        var lines: [String] = []
        var count = 0
        try calls { name, call in
            count += 1
            try onCall(count)
            let counted = CountedCall()
            _ = instance.start(call, counted.handler)
            lines += try counted.transcript(name)
            return counted
        }
        return lines
    }
}

/// `load` and `run` of what an executor's schema shows.
final class ExecutorLife: CallLife {
    private let example: ExampleRun
    private let module: UInt64 = 7

    init(_ component: CheckedComponent) throws {
        example = try ExampleRun(component)
    }

    var services: PluginServices { LifeServices(CallWorld()).services }

    private var load: PluginCall {
        PluginCall(.load, module: module, document: example.module.bytes)
    }

    private func run(
        _ subtask: UInt64, module: UInt64? = nil, spec: [UInt8]? = nil, inputs: [[UInt8]]? = nil
    ) -> PluginCall {
        PluginCall(
            .run, module: module ?? self.module, subtask: subtask,
            document: spec ?? example.spec.bytes,
            parts: (inputs ?? example.inputs).map { input in
                let owner = LentBytes(input)
                return PluginCall.Part(owner: owner, bytes: owner.bytes, handle: -1)
            },
            nanoseconds: HelperRig.callNanoseconds)
    }

    var disturbed: (name: String, call: PluginCall) { ("run", run(1)) }

    func calls(_ make: (String, PluginCall) throws -> CountedCall) throws {
        _ = try make("load", load)
        for number in 1...3 { _ = try make("run", run(UInt64(number))) }
        _ = try make("run of no inputs", run(4, inputs: []))
        _ = try make("run of empty inputs", run(5, inputs: example.inputs.map { _ in [] }))
        _ = try make("run of a spec that is no JSON", run(6, spec: Array("{\"a\":".utf8)))
        _ = try make("run of no module", run(7, module: 12_345))
        _ = try make("run", run(8))
    }

    func prepare(_ instance: any PluginCalls) throws {
        let loading = CountedCall()
        _ = instance.start(load, loading.handler)
        guard case .success = try loading.end("load") else {
            throw CheckStop.failed("load of its example fails")
        }
    }
}

/// The calls of a provider that rents from the fake cloud.
final class ProviderLife: CallLife {
    private static let offering = "here-a/small/on-demand"

    private let rig: ProviderRig
    private let host: LifeServices

    init(_ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON) throws {
        rig = ProviderRig(context, component, configuration)
        guard rig.isFake else {
            throw CheckStop.skipped(
                "its schema does not say \"x-fanfold-cloud\": \"\(FakeCloud.protocolName)\", and no "
                    + "other cloud can be simulated here")
        }
        host = LifeServices(rig.world, rig.cloud)
    }

    var services: PluginServices { host.services }

    /// Is called at each request, with its number from 1 on; from any thread.
    var onRequest: @Sendable (Int) -> Void {
        get { host.onRequest }
        set { host.onRequest = newValue }
    }

    /// The workers that cost something.
    var livingWorkers: Int { rig.cloud.living.count }

    var disturbed: (name: String, call: PluginCall) { ("launch", launch(1)) }

    private func launch(_ number: UInt64) -> PluginCall {
        call(
            .launch,
            ProviderDriver.request(rig.token(number), offerings: [Self.offering], max: 2))
    }

    private func call(_ method: PluginCall.Method, _ document: JSON) -> PluginCall {
        PluginCall(method, document: document.bytes, nanoseconds: HelperRig.callNanoseconds)
    }

    func calls(_ make: (String, PluginCall) throws -> CountedCall) throws {
        _ = try make("check", call(.check, [:]))
        _ = try make("offerings", call(.offerings, [:]))
        let launched = try make("launch", launch(1))
        _ = try make("launch again", launch(1))
        var ids: [JSON] = []
        if case .success(let answer) = try launched.end("launch") {
            let workers = (try? JSON(parsing: answer.document))?["workers"]?.arrayValue ?? []
            ids = workers.ids.map { .string($0) }
        }
        let query: JSON = ["ids": .array(ids)]
        _ = try make("describe", call(.describe, query))
        rig.world.pass(2 * FakeCloud.lag)
        _ = try make("describe later", call(.describe, query))
        _ = try make("terminate", call(.terminate, query))
        rig.world.pass(2 * FakeCloud.lag)
        _ = try make("describe at last", call(.describe, query))
        _ = try make("describe nonsense", call(.describe, ["ids": 7]))
    }

    func prepare(_ instance: any PluginCalls) throws {}
}
