import CPluginABI
import FanfoldJSON

/// Reads what `begin` and `on_capacity` are told.
///
/// Unknown keys are ignored, as the contract wants; a known key of another type is refused with
/// its place.
struct TaskDocument {
    let json: JSON
    let name: String

    init(_ view: fan_view, name: String) throws(PluginError) {
        self.name = name
        json = try view.json(name)
        guard json.objectValue != nil else {
            throw PluginError(
                .invalid, reason: name, "wanted an object in \(name), found \(json.typeName)")
        }
    }

    func task(
        inputs blobs: UnsafeBufferPointer<fan_blob>, host: HostHandle
    ) throws(PluginError) -> TaskDescription {
        var task = TaskDescription(name: try string(json, "task", ""), host: host)
        task.seed = try seed()
        task.slots = try count(json, "slots", 1)
        task.run = json["run"].flatMap { $0 == .null ? nil : $0 }
        task.workers = try workers()
        let inputs = try array("inputs")
        guard inputs.count == blobs.count else {
            throw PluginError(
                .invalid, reason: "\(name)./inputs",
                "\(inputs.count) inputs are described and \(blobs.count) are given")
        }
        for (index, input) in inputs.enumerated() {
            task.inputs.append(try self.input(input, blobs[index], index))
        }
        return task
    }

    func capacity() throws(PluginError) -> Capacity {
        Capacity(slots: try count(json, "slots", 1), workers: try workers())
    }

    private func input(
        _ json: JSON, _ blob: fan_blob, _ index: Int
    ) throws(PluginError) -> InputDescription {
        let place = "/inputs/\(index)"
        var input = InputDescription(
            name: try string(json, "name", "", at: place),
            format: try string(json, "format", "bytes", at: place),
            items: try count(json, "items", 0, at: place),
            bytes: try count(json, "bytes", 0, at: place))
        if blob.kind == UInt32(FAN_BLOB_BYTES) {
            let text = fan_view(data: blob.data, size: blob.size)
            input.value = try text.json("\(name).\(place)")
        }
        return input
    }

    private func workers() throws(PluginError) -> [WorkerDescription] {
        var workers: [WorkerDescription] = []
        for (index, worker) in try array("workers").enumerated() {
            let place = "/workers/\(index)"
            workers.append(
                WorkerDescription(
                    id: try string(worker, "id", "", at: place),
                    cpus: try number(worker, "cpus", 1, at: place),
                    memoryBytes: Int64(try count(worker, "memory_bytes", 0, at: place)),
                    gpus: try number(worker, "gpus", 0, at: place),
                    speed: try number(worker, "speed", 1, at: place)))
        }
        return workers
    }

    /// A seed is 64 bits; as JSON it may be written signed.
    private func seed() throws(PluginError) -> UInt64 {
        switch json["seed"] {
        case nil: return 0
        case .integer(let value): return UInt64(bitPattern: value)
        case .number(let value):
            if let seed = UInt64(exactly: value) { return seed }
            throw mismatch("a whole number", json["seed"], "/seed")
        default: throw mismatch("a whole number", json["seed"], "/seed")
        }
    }

    private func array(_ key: String) throws(PluginError) -> [JSON] {
        guard let value = json[key] else { return [] }
        guard let array = value.arrayValue else { throw mismatch("an array", value, "/\(key)") }
        return array
    }

    private func string(
        _ json: JSON, _ key: String, _ missing: String, at place: String = ""
    ) throws(PluginError) -> String {
        guard let value = json[key] else { return missing }
        guard let text = value.stringValue else {
            throw mismatch("a string", value, "\(place)/\(key)")
        }
        return text
    }

    private func number(
        _ json: JSON, _ key: String, _ missing: Double, at place: String
    ) throws(PluginError) -> Double {
        guard let value = json[key] else { return missing }
        guard let number = value.doubleValue else {
            throw mismatch("a number", value, "\(place)/\(key)")
        }
        return number
    }

    private func count(
        _ json: JSON, _ key: String, _ missing: Int, at place: String = ""
    ) throws(PluginError) -> Int {
        guard let value = json[key] else { return missing }
        guard let number = value.integerValue, number >= 0 else {
            throw mismatch("a whole number from 0", value, "\(place)/\(key)")
        }
        return Int(number)
    }

    private func mismatch(_ wanted: String, _ found: JSON?, _ place: String) -> PluginError {
        PluginError(
            .invalid, reason: "\(name).\(place)",
            "wanted \(wanted) at \(place), found \((found ?? .null).text.prefix(80))")
    }
}
