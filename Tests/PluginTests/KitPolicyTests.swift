import CPluginABI
import FanfoldJSON
import PluginKit
import Testing

/// Scores by cores, less what failed; nothing at all for a worker without any.
private struct Larger: Policy {
    struct Configuration: Decodable {}
    static let component = ComponentDescription(
        id: "com.example.larger", version: "1.0.0", summary: "Prefers larger workers.",
        configurationSchema: "{\"type\":\"object\"}")

    private var failed = 0.0

    init(configuration: Configuration, host: HostHandle) throws(PluginError) {}

    func score(_ request: ShapeRequest, on workers: WorkerGroup) throws(PluginError) -> Double {
        workers.cpus / (workers.cpus == 0 ? 0 : request.cpus) - failed
    }

    mutating func observe(_ outcomes: [PlacedOutcome], dropped: UInt64) {
        failed += Double(dropped)
        for outcome in outcomes where outcome.ended != "succeeded" {
            failed += Double(outcome.ranNanoseconds) * outcome.worker.usedUpTo
        }
    }
}

private let plugin = Plugin(policies: [Larger.self])

/// What was put into the sink of the call under way; the suite is serial.
private nonisolated(unsafe) var said: [String] = []

private func keep(_ json: fan_view) -> fan_code {
    let bytes = UnsafeRawBufferPointer(start: json.data, count: Int(json.size))
    said.append(String(decoding: bytes, as: UTF8.self))
    return fan_code(FAN_OK)
}

extension KitCallTests {
    /// Shows a document to a new instance, which has observed others before.
    private func place(
        _ document: String, observed: [String] = []
    ) throws -> (code: fan_code, message: String) {
        said = []
        RecordingHost.reset(services: [])
        let instance = try #require(create(plugin).0)
        defer { plugin.pointer.pointee.destroy(instance) }
        let table = try #require(plugin.pointer.pointee.query(instance, "fanfold.policy/1"))
            .assumingMemoryBound(to: fan_policy.self)
        var sink = fan_sink(
            struct_size: UInt32(MemoryLayout<fan_sink>.size), reserved: 0, sink_data: nil,
            subtask: { _, _ in fan_code(FAN_UNIMPLEMENTED) },
            withdraw: { _, _ in fan_code(FAN_UNIMPLEMENTED) },
            output: { _, json, _, _ in keep(json) })
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        for told in observed {
            Array(told.utf8).withUnsafeBytes { bytes in
                let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
                table.pointee.observe(instance, view)
            }
        }
        let code = Array(document.utf8).withUnsafeBytes { bytes in
            table.pointee.place(
                instance, fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), &sink,
                &error)
        }
        let message = withUnsafeBytes(of: error.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return (code, message)
    }

    private static func snapshot(cpus: Int) -> String {
        """
        {"requests":[{"cpus":2,"memory_bytes":1,"gpus":0,"gpu_share":0,"gpu_memory_bytes":0,
         "labels":[],"new":1}],"workers":[{"cpus":\(cpus),"memory_bytes":1,"gpus":0,
         "gpu_memory_bytes":0,"labels":["a"],"used_up_to":0.25,"count":3}]}
        """
    }

    @Test func `a policy in Swift gives one score for each pair`() throws {
        #expect(try place(Self.snapshot(cpus: 8)).code == 0)
        #expect(try said.map { try JSON(parsing: Array($0.utf8)) } == [["scores": [[4.0]]]])
    }

    @Test func `a score that is no number, and nonsense, fail the call and put nothing`() throws {
        let wrong = try place(Self.snapshot(cpus: 0))
        #expect(wrong.code == fan_code(FAN_INTERNAL))
        #expect(wrong.message.contains("wanted a finite number"))
        #expect(try place("{\"requests\":7}").code == fan_code(FAN_INVALID))
        #expect(said.isEmpty)
    }

    @Test func `a policy in Swift learns from what it observes, from nonsense nothing`() throws {
        func outcome(_ ended: String) -> String {
            """
            {"request":{"cpus":2,"memory_bytes":1,"gpus":0,"gpu_share":0,"gpu_memory_bytes":0,
             "labels":[]},"worker":{"cpus":8,"memory_bytes":1,"gpus":0,"gpu_memory_bytes":0,
             "labels":["a"],"used_up_to":0.5,"count":1},"ended":"\(ended)","ran_ns":2,"new":{}}
            """
        }
        let observed = [
            "{\"outcomes\":[\(outcome("succeeded")),\(outcome("exit-code"))],\"dropped\":2}",
            "{\"outcomes\":[{\"ended\":7}]}", "nonsense", "",
        ]
        #expect(try place(Self.snapshot(cpus: 8), observed: observed).code == 0)
        #expect(try said.map { try JSON(parsing: Array($0.utf8)) } == [["scores": [[1.0]]]])
    }
}
