import CPluginABI
import FanfoldJSON
import PluginKit
import Testing

/// Does what the spec of a subtask says.
private struct Doer: Executor {
    struct Configuration: Decodable { var size: Int }
    static let component = ComponentDescription(
        id: "com.example.doer", version: "1.0.0", summary: "Does.",
        configurationSchema: "{\"type\":\"object\"}", services: ["fanfold.store/1"])
    final class Module {
        let text: [UInt8]
        init(_ text: [UInt8]) { self.text = text }
    }

    init(configuration: Configuration, host: HostHandle) throws(PluginError) {
        guard host.store != nil else { throw .missingService("fanfold.store/1") }
    }

    func load(_ request: LoadRequest, _ call: ExecutorCall) throws(PluginError) -> Module {
        guard request.spec["bad"] == nil else {
            throw PluginError(.invalid, reason: "spec./bad", "wanted no bad, found one")
        }
        return Module(request.parts.first?.bytes ?? [])
    }

    func run(
        _ subtask: RunRequest, in module: Module, _ call: ExecutorCall
    ) throws(PluginError) -> RunOutput {
        struct Spec: Decodable { var what: String }
        switch try subtask.decode(Spec.self).what {
        case "echo": return RunOutput([.bytes(module.text)] + subtask.parts.map { .blob($0) })
        case "slice": return RunOutput([.slice(of: subtask.parts[0], from: 1, count: 2)])
        case "beyond": return RunOutput([.slice(of: subtask.parts[0], from: 1, count: 99)])
        case "progress":
            try call.progress(0.5, "half")
            try call.progress(.nan)
            return RunOutput(["done": true])
        case "zero": throw PluginError(.init(rawValue: 0), reason: "zero", "no code")
        default:
            try call.checkCancellation()
            throw PluginError(
                .exhausted, retry: .elsewhere, after: 7, reason: "memory", "no memory")
        }
    }

    func unload(_ module: Module) { unloaded.append(module.text) }
}

/// Calls of this one may overlap.
private struct Many: ConcurrentExecutor {
    struct Configuration: Decodable {}
    static let component = ComponentDescription(
        id: "com.example.many", version: "1.0.0", summary: "Many.",
        configurationSchema: "{\"type\":\"object\"}")
    init(configuration: Configuration, host: HostHandle) throws(PluginError) {}
    func load(_ request: LoadRequest, _ call: ExecutorCall) throws(PluginError) -> Int { 1 }
    func run(
        _ subtask: RunRequest, in module: Int, _ call: ExecutorCall
    ) throws(PluginError) -> RunOutput { RunOutput([]) }
}

private nonisolated(unsafe) var unloaded: [[UInt8]] = []
private nonisolated(unsafe) var releases = 0
private let plugin = Plugin(executors: [Doer.self, Many.self])

/// What an executor in Swift is to a host: tables, and one answer for each call.
@Suite(.serialized) struct KitCallTests {
    func create(
        _ plugin: Plugin, _ index: Int = 0, _ config: String = "{}"
    ) -> (OpaquePointer?, fan_error) {
        var error = fan_error()
        var out: OpaquePointer?
        guard let component = plugin.pointer.pointee.components[index] else { return (nil, error) }
        Array(config.utf8).withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            _ = plugin.pointer.pointee.create(
                component, RecordingHost.table, view, &out, &error)
        }
        return (out, error)
    }

    func call(_ op: UInt64, _ body: (UnsafePointer<fan_call>) -> Void) {
        var call = fan_call()
        call.struct_size = UInt32(MemoryLayout<fan_call>.size)
        call.op = op
        body(&call)
    }

    private func doer() throws -> (OpaquePointer, UnsafePointer<fan_executor>) {
        RecordingHost.reset(services: ["fanfold.store/1"])
        unloaded = []
        let instance = try #require(create(plugin, 0, "{\"size\":1}").0)
        let table = try #require(plugin.pointer.pointee.query(instance, "fanfold.executor/1"))
        return (instance, table.assumingMemoryBound(to: fan_executor.self))
    }

    private func load(
        _ instance: OpaquePointer, _ table: UnsafePointer<fan_executor>, _ spec: String = "",
        text: String = "m"
    ) {
        Array(spec.utf8).withUnsafeBytes { spec in
            Array(text.utf8).withUnsafeBytes { text in
                var part = fan_blob()
                part.kind = 1
                part.data = text.baseAddress
                part.size = UInt64(text.count)
                let view = fan_view(data: spec.baseAddress, size: UInt64(spec.count))
                call(1) { table.pointee.load(instance, $0, 5, view, &part, 1) }
            }
        }
    }

    /// Returns: Whether the plugin took the part over.
    @discardableResult private func run(
        _ instance: OpaquePointer, _ table: UnsafePointer<fan_executor>, _ what: String,
        module: UInt64 = 5, kind: UInt32 = 1, handedOver: Bool = false
    ) -> Bool {
        releases = 0
        var part = fan_blob()
        Array("{\"what\":\"\(what)\"}".utf8).withUnsafeBytes { spec in
            Array("0123".utf8).withUnsafeBytes { text in
                part.kind = kind
                part.data = text.baseAddress
                part.size = UInt64(text.count)
                if handedOver {
                    part.release = { blob in
                        releases += 1
                        blob.pointee.release = nil
                    }
                }
                withUnsafeMutablePointer(to: &part) { part in
                    var subtask = fan_subtask(
                        struct_size: UInt32(MemoryLayout<fan_subtask>.size), part_count: 1, id: 3,
                        spec: fan_view(data: spec.baseAddress, size: UInt64(spec.count)),
                        parts: part)
                    call(2) { table.pointee.run(instance, $0, module, &subtask) }
                }
            }
        }
        return part.release == nil
    }

    @Test func `a component says its kind, its services and whether its calls may overlap`() {
        let components = plugin.pointer.pointee.components
        #expect(components[0]?.pointee.kind == UInt32(FAN_KIND_EXECUTOR))
        #expect(components[0]?.pointee.flags == 0 && components[1]?.pointee.flags == 1)
        let services = components[0]?.pointee.needs_services
        #expect(services?[0].map { String(cString: $0) } == "fanfold.store/1")
        #expect(services?[1] == nil && components[1]?.pointee.needs_services == nil)
    }

    @Test func `an executor that misses a service is not made and the error names it`() {
        RecordingHost.reset()
        let (instance, error) = create(plugin, 0, "{\"size\":1}")
        #expect(instance == nil && error.code == 9)
        #expect(RecordingHost.text(error.reason) == "service.fanfold.store/1")
    }

    @Test func `an instance has the table of its own kind and no other`() throws {
        let (instance, _) = try doer()
        defer { plugin.pointer.pointee.destroy(instance) }
        #expect(plugin.pointer.pointee.query(instance, "fanfold.strategy/1") == nil)
        #expect(plugin.pointer.pointee.query(instance, "fanfold.executor/1x") == nil)
    }

    @Test func `a module keeps its bytes and gives them to every run`() throws {
        let (instance, table) = try doer()
        load(instance, table, text: "module")
        run(instance, table, "echo")
        #expect(RecordingHost.answers.map(\.code) == [0, 0])
        #expect(RecordingHost.answers.map(\.op) == [1, 2])
        #expect(RecordingHost.answers.last?.parts == [Array("module".utf8), Array("0123".utf8)])
        table.pointee.unload(instance, 5)
        table.pointee.unload(instance, 5)
        #expect(unloaded == [Array("module".utf8)])
        plugin.pointer.pointee.destroy(instance)
    }

    @Test func `a module that is not unloaded is unloaded when the instance ends`() throws {
        let (instance, table) = try doer()
        load(instance, table)
        plugin.pointer.pointee.destroy(instance)
        #expect(unloaded == [Array("m".utf8)])
    }

    @Test func `a part that is handed over is released once and a borrowed one is copied`() throws {
        let (instance, table) = try doer()
        defer { plugin.pointer.pointee.destroy(instance) }
        load(instance, table)
        #expect(run(instance, table, "slice", handedOver: true))
        #expect(releases == 1)
        #expect(RecordingHost.answers.last?.parts == [Array("12".utf8)])
        run(instance, table, "slice")
        #expect(RecordingHost.answers.last?.parts == [Array("12".utf8)])
    }

    @Test func `what is thrown is the one answer, with its retry class`() throws {
        let (instance, table) = try doer()
        defer { plugin.pointer.pointee.destroy(instance) }
        load(instance, table, "{\"bad\":1}")
        load(instance, table)
        load(instance, table)
        run(instance, table, "throw", handedOver: true)
        run(instance, table, "zero")
        run(instance, table, "beyond")
        run(instance, table, "echo", module: 6)
        run(instance, table, "echo", kind: 77)
        #expect(RecordingHost.answers.map(\.code) == [3, 0, 6, 8, 2, 11, 5, 12])
        #expect(RecordingHost.answers[0].reason == "spec./bad")
        #expect(RecordingHost.answers[3].retry == 2)
        #expect(releases == 0, "a part without a release is not released")
    }

    @Test func `progress is emitted, and lost without harm when the host is busy`() throws {
        let (instance, table) = try doer()
        defer { plugin.pointer.pointee.destroy(instance) }
        load(instance, table)
        RecordingHost.emitCodes = [8]
        run(instance, table, "progress")
        run(instance, table, "progress")
        #expect(
            RecordingHost.emitted == [
                "{\"progress\":0.0}", "{\"progress\":0.5,\"message\":\"half\"}",
                "{\"progress\":0.0}",
            ])
        #expect(RecordingHost.answers.map(\.code) == [0, 0, 0])
    }

    @Test func `a call that the host no longer wants is answered as cancelled`() throws {
        let (instance, table) = try doer()
        defer { plugin.pointer.pointee.destroy(instance) }
        load(instance, table)
        RecordingHost.cancelled = true
        run(instance, table, "throw")
        run(instance, table, "echo", handedOver: true)
        #expect(RecordingHost.answers.map(\.code) == [0, 1, 1])
        #expect(releases == 1)
    }

    @Test func `a spec that is not JSON is refused at its place`() throws {
        let (instance, table) = try doer()
        defer { plugin.pointer.pointee.destroy(instance) }
        load(instance, table, "nonsense")
        load(instance, table, "{}")
        run(instance, table, "\"")
        #expect(RecordingHost.answers.map(\.code) == [3, 0, 3])
        #expect(RecordingHost.answers[0].reason == "spec")
    }
}
