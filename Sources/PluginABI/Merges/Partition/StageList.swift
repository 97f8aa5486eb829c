import FanfoldJSON
import PluginKit

/// One stage as the pipeline gives it.
public struct StageConfiguration: Decodable, Sendable {
    /// The name.
    public var name: String
    /// What it runs; `nil` for the task's own run.
    public var run: JSON?
    /// What it needs; `nil` for the task's own needs.
    public var needs: JSON?
    /// How many of its subtasks run at a time.
    public var replicas: Int
    /// How many micro-batches may wait in front of it.
    public var queue: Int

    private enum Key: String, CodingKey {
        case name, run, needs, replicas, queue
    }

    /// Reads a stage.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        name = try keys.decodeIfPresent(String.self, forKey: .name) ?? ""
        run = try keys.decodeIfPresent(JSON.self, forKey: .run)
        let needs = try keys.decodeIfPresent(JSON.self, forKey: .needs)
        self.needs = needs?.objectValue?.isEmpty == true ? nil : needs
        replicas = try keys.decodeIfPresent(Int.self, forKey: .replicas) ?? 1
        queue = try keys.decodeIfPresent(Int.self, forKey: .queue) ?? 2
    }
}

/// A layer profile, devices and what a stage of the cut runs.
public struct CutConfiguration: Decodable, Sendable {
    /// The layers; empty if the stages are given.
    public var layers: [ChainLayer]
    /// The devices; empty for the workers.
    public var devices: [ChainDevice]
    /// What every stage runs, with placeholders; `nil` for the task's own run.
    public var run: JSON?
    /// What every stage needs, with placeholders; `nil` for the task's own needs.
    public var needs: JSON?
    /// Whether stages follow one another in the order of the devices.
    public var fixedOrder: Bool

    private enum Key: String, CodingKey {
        case layers, devices, run, needs, order
    }

    /// Reads the keys beside others of a strategy.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        layers = try keys.decodeIfPresent([ChainLayer].self, forKey: .layers) ?? []
        devices = try keys.decodeIfPresent([ChainDevice].self, forKey: .devices) ?? []
        run = try keys.decodeIfPresent(JSON.self, forKey: .run)
        let needs = try keys.decodeIfPresent(JSON.self, forKey: .needs)
        self.needs = needs?.objectValue?.isEmpty == true ? nil : needs
        fixedOrder = try keys.decodeIfPresent(String.self, forKey: .order) == "fixed"
    }

    /// The members of `properties` that a strategy's schema takes over.
    public static let schemaProperties = """
        "layers": {
          "description": "A layer profile to cut automatically; empty if the stages are given.",
          "type": "array", "default": [],
          "items": {"type": "object", "required": ["compute"], "additionalProperties": false,
            "properties": {
              "name": {"description": "The name.", "type": "string", "default": ""},
              "compute": {"description": "Seconds on a device of speed 1.",
                "type": "number", "minimum": 0},
              "activation_bytes": {"description": "What crosses a cut behind the layer.",
                "anyOf": [{"type": "number", "minimum": 0},
                  {"type": "string", "format": "fanfold-bytes"}], "default": 0},
              "parameter_bytes": {"description": "Memory that the layer needs on its device.",
                "anyOf": [{"type": "number", "minimum": 0},
                  {"type": "string", "format": "fanfold-bytes"}], "default": 0}}}
        },
        "devices": {
          "description": "The devices to cut for; empty: the workers.",
          "type": "array", "default": [],
          "items": {"type": "object", "required": ["name"], "additionalProperties": false,
            "properties": {
              "name": {"description": "The name.", "type": "string"},
              "speed": {"description": "Speed; a layer takes compute / speed seconds.",
                "type": "number", "exclusiveMinimum": 0, "default": 1},
              "memory": {"description": "Memory; 0 if it does not matter.",
                "anyOf": [{"type": "number", "minimum": 0},
                  {"type": "string", "format": "fanfold-bytes"}], "default": 0},
              "link": {"description": "Link in bytes per second; 0 if it does not matter.",
                "anyOf": [{"type": "number", "minimum": 0},
                  {"type": "string", "format": "fanfold-bytes"}], "default": 0}}}
        },
        "run": {"$ref": "fanfold:run", 
          "description": "What every stage of a cut runs, ${stage.first} and so on filled in."},
        "needs": {"description": "What every stage of an automatic cut needs, filled in likewise.",
          "type": "object", "default": {}},
        "order": {"description": "Whether stages follow one another in the order of the devices.",
          "enum": ["free", "fixed"], "default": "free"}
        """
}

extension ChainLayer: Decodable {
    private enum Key: String, CodingKey {
        case name, compute
        case activationBytes = "activation_bytes"
        case parameterBytes = "parameter_bytes"
    }

    /// Reads a layer.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        func bytes(_ key: Key) throws -> Double {
            try keys.decodeIfPresent(ByteCount.self, forKey: key)?.bytes ?? 0
        }
        self.init(
            name: try keys.decodeIfPresent(String.self, forKey: .name) ?? "",
            compute: try keys.decode(Double.self, forKey: .compute),
            activationBytes: try bytes(.activationBytes),
            parameterBytes: try bytes(.parameterBytes))
    }
}

extension ChainDevice: Decodable {
    private enum Key: String, CodingKey {
        case name, speed, memory, link
    }

    /// Reads a device; a memory or link of 0 does not matter.
    public init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: Key.self)
        func bytes(_ key: Key) throws -> Double {
            let stated = try keys.decodeIfPresent(ByteCount.self, forKey: key)?.bytes ?? 0
            return stated > 0 ? stated : .infinity
        }
        self.init(
            name: try keys.decode(String.self, forKey: .name),
            speed: try keys.decodeIfPresent(Double.self, forKey: .speed) ?? 1,
            memory: try bytes(.memory), link: try bytes(.link))
    }
}

/// The stages of a task: as given, or cut from a layer profile.
public struct StageList: Sendable {
    /// One stage.
    public struct Stage: Sendable {
        /// The name.
        public var name: String
        /// What it runs; `nil` for the task's own run.
        public var run: JSON?
        /// What it needs; `nil` for the task's own needs.
        public var needs: JSON?
        /// How many of its subtasks run at a time.
        public var replicas: Int
        /// How many micro-batches may wait in front of it.
        public var queue: Int
    }

    /// The stages, in order.
    public let stages: [Stage]
    /// The stages for people; empty if they were given.
    public let described: [JSON]
    /// Why they are cut so; empty if they were given.
    public let why: [String]
    /// Predicted seconds of each stage; empty if they were given.
    public let seconds: [Double]

    /// Takes the stages given under `key`, or cuts the layers.
    ///
    /// Throws: `config./KEY` if there are neither or both, or a stage runs nothing.
    public init(
        _ given: [StageConfiguration], key: String, cut: CutConfiguration, task: TaskDescription
    ) throws(PluginError) {
        guard given.isEmpty != cut.layers.isEmpty else {
            throw .configuration(
                JSONPointer([given.isEmpty ? key : "layers"]),
                given.isEmpty
                    ? "Give the stages under `\(key)`, or a profile under `layers` to cut."
                    : "There are `\(key)` and `layers`; give one of them.")
        }
        self = try given.isEmpty ? StageList(cut, task) : StageList(given, key, task)
    }

    private init(
        _ given: [StageConfiguration], _ key: String, _ task: TaskDescription
    ) throws(PluginError) {
        var stages: [Stage] = []
        for (index, stage) in given.enumerated() {
            guard stage.run != nil || task.run != nil else {
                throw .configuration(
                    JSONPointer([key, String(index)]),
                    "The stage has no `run`, and the task has none either.")
            }
            let name = stage.name.isEmpty ? "stage-\(index + 1)" : stage.name
            guard !stages.contains(where: { $0.name == name }) else {
                throw .configuration(
                    JSONPointer([key, String(index), "name"]),
                    "Two stages are called \"\(name)\"; give each a name of its own.")
            }
            stages.append(
                Stage(
                    name: name, run: stage.run, needs: stage.needs,
                    replicas: max(stage.replicas, 1), queue: max(stage.queue, 0)))
        }
        self.stages = stages
        (described, why, seconds) = ([], [], [])
    }

    private init(_ cut: CutConfiguration, _ task: TaskDescription) throws(PluginError) {
        var devices = cut.devices
        if devices.isEmpty {
            devices = task.workers.map {
                ChainDevice(name: $0.id, speed: $0.speed, memory: Double($0.memoryBytes))
            }
        }
        guard !devices.isEmpty else {
            throw .configuration(
                JSONPointer(["devices"]), "There are no workers to cut for; name the devices.")
        }
        let problem = ChainPartition(layers: cut.layers, devices: devices)
        let cuts = try problem.solve(fixedOrder: cut.fixedOrder)
        stages = cuts.enumerated().map { index, stage in
            let values = [
                ("${stage.name}", "stage-\(index + 1)"),
                ("${stage.first}", String(stage.layers.lowerBound)),
                ("${stage.last}", String(stage.layers.upperBound - 1)),
                ("${stage.device}", devices[stage.device].name),
            ]
            return Stage(
                name: values[0].1, run: (cut.run ?? task.run)?.filling(values),
                needs: cut.needs?.filling(values), replicas: 1, queue: 2)
        }
        described = problem.described(cuts)
        why = problem.reasons(cuts, fixedOrder: cut.fixedOrder)
        seconds = cuts.map(\.period)
        guard stages.allSatisfy({ $0.run != nil }) else {
            throw .configuration(
                JSONPointer(["run"]), "Say what a stage runs, with ${stage.first} and so on.")
        }
    }
}

extension JSON {
    /// The value with placeholders in its texts filled in.
    func filling(_ values: [(placeholder: String, value: String)]) -> JSON {
        switch self {
        case .string(let text):
            .string(values.reduce(text) { $0.replacing($1.placeholder, with: $1.value) })
        case .array(let elements): .array(elements.map { $0.filling(values) })
        case .object(let object):
            .object(JSONObject(object.members.map { ($0, $1.filling(values)) }))
        default: self
        }
    }
}
