import CPluginABI
import FanfoldJSON
import PluginKit
import Testing

/// Keeps the first result and gives a slice of it back.
private struct Keeper: Strategy {
    struct Configuration: Decodable { var size: Int }
    static let component = ComponentDescription(
        id: "com.example.keeper", version: "1.0.0", summary: "Keeps.",
        configurationSchema: "{\"type\":\"object\"}")
    private var kept: Blob?

    static func check(_ configuration: Configuration) throws(PluginError) {
        guard configuration.size >= 0 else {
            throw .configuration(JSONPointer(["size"]), "wanted a size from 0")
        }
    }

    init(task: TaskDescription, configuration: Configuration) throws(PluginError) {
        guard configuration.size > 0 else {
            throw PluginError(.invalid, reason: "size", String(repeating: "ä", count: 400))
        }
    }
    mutating func split(want: Int, into sink: any StrategySink) throws(PluginError) -> SplitState {
        .end
    }
    mutating func onResult(
        _ result: SubtaskResult, into sink: any StrategySink
    ) throws(PluginError) {
        kept = result.parts.first
        guard result.subtask == 0 else {
            throw PluginError(.invalid, reason: "subtask", "wanted 0")
        }
    }
    mutating func finish(into sink: any StrategySink) throws(PluginError) {
        guard let kept else { return }
        try sink.output(Output(format: "bytes", parts: [.slice(of: kept, from: 2, count: 3)]))
    }
}

private let plugin = Plugin(strategies: [Keeper.self])
private nonisolated(unsafe) var releases = 0
private nonisolated(unsafe) var given: [fan_blob] = []

@Suite(.serialized) struct KitBridgeTests {
    private func create(_ config: String) -> (OpaquePointer?, fan_error) {
        var error = fan_error()
        var out: OpaquePointer?
        guard let component = plugin.pointer.pointee.components[0] else { return (nil, error) }
        "test".withCString { name in
            var host = fan_host(
                struct_size: UInt32(MemoryLayout<fan_host>.size), abi_minor: 0, host_data: nil,
                name: name, version: name, service: { _, _ in nil }, log: { _, _, _, _ in },
                now: { _ in 0 }, emit: { _, _, _, _, _ in 0 }, complete: { _, _, _, _, _, _ in },
                cancelled: { _, _ in 0 })
            Array(config.utf8).withUnsafeBytes { bytes in
                let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                _ = plugin.pointer.pointee.create(
                    component, &host, view, &out, &error)
            }
        }
        return (out, error)
    }

    private func text<Field>(_ field: Field) -> String? {
        withUnsafeBytes(of: field) {
            String(validating: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private func begin(_ instance: OpaquePointer, _ spec: String, _ error: inout fan_error) -> Int32
    {
        guard let table = try? table(instance) else { return -1 }
        return Array(spec.utf8).withUnsafeBytes { bytes in
            table.pointee.begin(
                instance, 1, fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), nil, 0,
                &error)
        }
    }

    @Test func `a configuration of the wrong type is refused at its place`() {
        let (instance, error) = create("{\"size\":\"big\"}")
        #expect(instance == nil)
        #expect(error.code == 3)
        #expect(text(error.reason) == "config./size")
        #expect(text(error.message)?.contains("found string") == true)
    }

    @Test func `a configuration that the schema allows and the strategy does not is refused`() {
        let (instance, error) = create("{\"size\":-1}")
        #expect(instance == nil && error.code == 3)
        #expect(text(error.reason) == "config./size")
    }

    @Test func `a missing key is refused at its place`() {
        #expect(text(create("{}").1.reason) == "config./size")
    }

    @Test func `a long message is cut where a character ends`() throws {
        let instance = try #require(create("{\"size\":0}").0)
        defer { plugin.pointer.pointee.destroy(instance) }
        var error = fan_error()
        #expect(begin(instance, "{}", &error) == 3)
        let message = try #require(text(error.message))
        #expect(message == String(repeating: "ä", count: 215))
    }

    @Test func `a description that is not JSON is refused and an unknown task is not found`() throws
    {
        let instance = try #require(create("{\"size\":1}").0)
        defer { plugin.pointer.pointee.destroy(instance) }
        var error = fan_error()
        #expect(begin(instance, "nonsense", &error) == 3)
        #expect(text(error.reason) == "spec")
        let code = try finish(instance)
        #expect(code == 5)
    }

    @Test func `a kept result goes back with the host's handle and is released once`() throws {
        let instance = try #require(create("{\"size\":1}").0)
        var error = fan_error()
        #expect(begin(instance, "{}", &error) == 0)
        releases = 0
        given = []
        let bytes: [UInt8] = Array("0123456789".utf8)
        try bytes.withUnsafeBytes { memory in
            let first = try result(instance, 0, memory)
            #expect(first == (0, true))
            #expect(releases == 0)
            let code = try finish(instance)
            #expect(code == 0)
            let part = try #require(given.first)
            #expect(part.data == memory.baseAddress.map { UnsafeRawPointer($0 + 2) })
            #expect(part.size == 3 && part.handle == 42 && part.offset == 2)
            plugin.pointer.pointee.destroy(instance)
            #expect(releases == 0)
            var mine = part
            mine.release?(&mine)
            #expect(releases == 1)
        }
    }

    @Test func `the parts of a result that is refused stay with the host`() throws {
        let instance = try #require(create("{\"size\":1}").0)
        var error = fan_error()
        #expect(begin(instance, "{}", &error) == 0)
        releases = 0
        try Array("x".utf8).withUnsafeBytes { memory in
            let answer = try result(instance, 7, memory)
            #expect(answer == (3, false))
        }
        plugin.pointer.pointee.destroy(instance)
        #expect(releases == 0)
    }

    private func table(_ instance: OpaquePointer) throws -> UnsafePointer<fan_strategy> {
        try #require(plugin.pointer.pointee.query(instance, "fanfold.strategy/1"))
            .assumingMemoryBound(to: fan_strategy.self)
    }

    private var sink: fan_sink {
        fan_sink(
            struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0, sink_data: nil,
            subtask: { _, _ in 0 }, withdraw: { _, _ in 0 },
            output: { _, _, parts, count in
                given += UnsafeBufferPointer(start: parts, count: Int(count))
                return 0
            })
    }

    private func finish(_ instance: OpaquePointer) throws -> Int32 {
        var sink = sink
        return try table(instance).pointee.finish(instance, 1, &sink, nil)
    }

    /// Returns: The code, and whether the plugin took the part over.
    private func result(
        _ instance: OpaquePointer, _ subtask: UInt64, _ memory: UnsafeRawBufferPointer
    ) throws -> (Int32, Bool) {
        var part = fan_blob()
        part.kind = 1
        part.data = memory.baseAddress
        part.size = UInt64(memory.count)
        part.handle = 42
        part.release = { blob in
            releases += 1
            blob.pointee.release = nil
        }
        var sink = sink
        let table = try table(instance)
        let code = withUnsafeMutablePointer(to: &part) { part in
            var result = fan_result(
                struct_size: UInt32(MemoryLayout<fan_result>.size), part_count: 1,
                subtask: subtask, json: fan_view(data: nil, size: 0), parts: part)
            return table.pointee.on_result(instance, 1, &result, &sink, nil)
        }
        return (code, part.release == nil)
    }
}
