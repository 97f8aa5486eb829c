import CPluginABI
import FanfoldJSON

/// What an executor's schema shows under `"x-fanfold-example-run"`: a run and what comes out of it.
struct ExampleRun {
    static let keyword = "x-fanfold-example-run"

    /// What `load` is told.
    var module: JSON
    /// What `run` is told, beside the inputs.
    var spec: JSON
    var inputs: [[UInt8]]
    var outputs: [[UInt8]]

    /// Reads `{"module":{…},"spec":{…},"inputs":[…],"outputs":[…]}`; an input or output is a text, or
    /// `{"hex":"00ff"}`.
    init(_ component: CheckedComponent) throws {
        guard let json = component.descriptor.configSchema?[Self.keyword] else {
            throw CheckStop.skipped(
                "the schema of \(component.descriptor.id) has no \"\(Self.keyword)\"")
        }
        module = json["module"] ?? [:]
        spec = json["spec"] ?? [:]
        inputs = try Self.texts(json, "inputs")
        outputs = try Self.texts(json, "outputs")
    }

    private static func texts(_ json: JSON, _ key: String) throws -> [[UInt8]] {
        try (json[key]?.arrayValue ?? []).map { value in
            if let text = value.stringValue { return Array(text.utf8) }
            let digits = Array((value["hex"]?.stringValue ?? "x").utf8)
            let pairs = stride(from: 0, to: digits.count - 1, by: 2).map {
                UInt8(String(decoding: digits[$0...($0 + 1)], as: UTF8.self), radix: 16)
            }
            let bytes = pairs.compactMap { $0 }
            guard digits.count % 2 == 0, bytes.count == digits.count / 2 else {
                throw CheckStop.failed(
                    "\"\(keyword)\": \"\(key)\" wants texts or {\"hex\":\"00ff\"}, found "
                        + value.text)
            }
            return bytes
        }
    }
}

/// An executor in a world of its own.
struct ExecutorRig {
    let component: CheckedComponent
    let world = CallWorld()
    let calls: CallDriver
    let table: UnsafePointer<fan_executor>

    init(_ component: CheckedComponent, _ configuration: JSON) throws {
        self.component = component
        calls = try CallDriver(component, configuration, world, FakeCloud(world))
        table = try calls.table("fanfold.executor/1", as: fan_executor.self)
    }

    /// Every executor with its example.
    static func each(
        _ context: CheckContext, _ body: (CheckedComponent, JSON, ExampleRun) throws -> Void
    ) throws -> CheckOutcome {
        let executors = try context.loaded().components.filter { $0.descriptor.kind == .executor }
        guard !executors.isEmpty else { throw CheckStop.skipped("it has no executor") }
        for component in executors {
            guard let first = try component.configurations().first else { continue }
            try body(component, first, try ExampleRun(component))
        }
        return .passed()
    }

    /// `load` and `run` as calls like any other.
    static func scenarios(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON
    ) throws -> [CallScenario] {
        let example = try ExampleRun(component)
        func prepared(
            _ rig: ExecutorRig, _ start: @escaping (UInt64) -> CallRecord
        ) -> PreparedCall {
            PreparedCall(
                world: rig.world, cloud: rig.calls.host.cloud, calls: rig.calls, start: start)
        }
        return [
            CallScenario(name: "load") {
                let rig = try ExecutorRig(component, configuration)
                return prepared(rig) { rig.beginLoad(1, example, deadline: $0) }
            },
            CallScenario(name: "run") {
                let rig = try ExecutorRig(component, configuration)
                try rig.load(1, example)
                return prepared(rig) {
                    rig.beginRun(1, RunRequest(example), deadline: $0)
                }
            },
        ]
    }

    func beginLoad(_ module: UInt64, _ example: ExampleRun, deadline: UInt64 = 0) -> CallRecord {
        let spec = example.module.lent
        return calls.begin("load", deadline: deadline) { instance, call in
            table.pointee.load(instance, call, module, spec, nil, 0)
        }
    }

    /// Loads a module; an error fails the check.
    func load(_ module: UInt64, _ example: ExampleRun) throws {
        let answer = try calls.answer(beginLoad(module, example))
        guard answer.isSuccess else {
            throw CheckStop.failed("load of its example fails: \(answer.brief)")
        }
    }

    func beginRun(_ module: UInt64, _ request: RunRequest, deadline: UInt64 = 0) -> CallRecord {
        let subtask = request.lent
        return calls.begin("run", deadline: deadline) { instance, call in
            table.pointee.run(instance, call, module, subtask)
        }
    }

    /// Runs a subtask and waits for it.
    func run(_ module: UInt64, _ request: RunRequest) throws -> CallAnswer {
        try calls.answer(beginRun(module, request))
    }

    func unload(_ module: UInt64) {
        calls.perform("unload") { table.pointee.unload($0, module) }
    }
}

/// A subtask as an executor is given it.
struct RunRequest {
    var id: UInt64
    var spec: [UInt8]
    var inputs: [[UInt8]]
    /// How its inputs hold their bytes.
    var kind = UInt32(FAN_BLOB_BYTES)

    init(_ example: ExampleRun, number: UInt64 = 1) {
        id = number
        spec = example.spec.bytes
        inputs = example.inputs
    }

    /// The subtask where the call may read it until it is completed: for the rest of this process.
    ///
    /// The parts are handed over by nobody: a run borrows them.
    var lent: UnsafePointer<fan_subtask> {
        let parts = UnsafeMutablePointer<fan_blob>.allocate(capacity: max(1, inputs.count))
        for (index, input) in inputs.enumerated() {
            var part = fan_blob()
            part.kind = kind
            part.flags = 1
            part.data = Self.copy(input).data
            part.size = UInt64(input.count)
            part.handle = -1
            parts[index] = part
        }
        return UnsafePointer(
            TablePlacement.plain.place(
                fan_subtask(
                    struct_size: UInt32(MemoryLayout<fan_subtask>.size),
                    part_count: UInt32(inputs.count), id: id, spec: Self.copy(spec),
                    parts: inputs.isEmpty ? nil : parts)))
    }

    private static func copy(_ bytes: [UInt8]) -> fan_view {
        guard !bytes.isEmpty else { return fan_view(data: nil, size: 0) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
        memory.copyBytes(from: bytes)
        return fan_view(data: UnsafeRawPointer(memory.baseAddress), size: UInt64(bytes.count))
    }
}
