import FanfoldJSON
import FanfoldSimulation

/// What the settings say of a cloud that is none under `with:`.
package struct FakeConfiguration: Sendable {
    private let json: JSON

    /// Reads a configuration that fits the schema and is filled.
    init(_ json: JSON) { self.json = json }

    /// What a provider of the settings says; `nil` if it is none of these, or does not fit the schema.
    package init?(_ provider: ProviderDeclaration) {
        let schema = PipelineSchema.compiled(PipelineSchema.builtIn(Self.schemaText))
        guard BuiltInProvider(use: provider.use) == .fake,
            schema.validate(provider.configuration).isEmpty
        else { return nil }
        json = schema.fillingDefaults(provider.configuration)
    }

    var folder: String { json["folder"]?.stringValue ?? "" }

    var noticeNanoseconds: UInt64 { Self.nanoseconds(json["notice-s"], 120) }

    /// The cloud, its price curves beginning at a moment.
    package func cloud(began: UInt64) -> FakeCloud {
        var cloud = FakeCloud(
            kinds: (json["offerings"]?.objectValue?.members ?? []).map {
                Self.kind($0, $1, began)
            }, seed: UInt64(clamping: json["seed"]?.integerValue ?? 1))
        cloud.noticeNanoseconds = noticeNanoseconds
        return cloud
    }

    private static func kind(_ name: String, _ json: JSON, _ began: UInt64) -> FakeCloud.Kind {
        var kind = FakeCloud.Kind(
            name: name, milliCores: Int64((json["cpus"]?.doubleValue ?? 1) * 1_000),
            memoryBytes: (json["memory-mib"]?.integerValue ?? 1_024) << 20,
            microsPerHour: micros(json["price-per-hour"]))
        kind.gpus = json["gpus"]?.integerValue.map(Int.init) ?? 0
        kind.gpuMemoryBytes = json["gpu-memory-mib"]?.integerValue.map { $0 << 20 }
        kind.isSpot = json["spot"]?.boolValue ?? false
        kind.quota = json["quota"]?.integerValue.map(Int.init) ?? 100
        kind.bootNanoseconds = nanoseconds(json["boot-s"], 30)
        kind.interruptionsPerHour = json["interruptions-per-hour"]?.doubleValue ?? 0
        for step in json["prices"]?.arrayValue ?? [] {
            let hours = step[0]?.doubleValue ?? 0
            kind.prices.append(
                FakeCloud.Price(
                    from: began &+ UInt64(hours * 3.6e12), microsPerHour: micros(step[1])))
        }
        return kind
    }

    private static func micros(_ json: JSON?) -> Int64 {
        Int64(((json?.doubleValue ?? 0) * 1e6).rounded())
    }

    private static func nanoseconds(_ json: JSON?, _ usual: Double) -> UInt64 {
        UInt64((json?.doubleValue ?? usual) * 1e9)
    }

    static let schemaText = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "offerings": {"type": "object", "minProperties": 1, "maxProperties": 256,
              "additionalProperties": {"type": "object", "additionalProperties": false,
                "required": ["cpus", "memory-mib"],
                "properties": {
                  "cpus": {"type": "number", "minimum": 0.01, "maximum": 4096},
                  "memory-mib": {"type": "integer", "minimum": 6, "maximum": 67108864},
                  "gpus": {"type": "integer", "minimum": 0, "maximum": 64, "default": 0},
                  "gpu-memory-mib": {"type": "integer", "minimum": 1, "maximum": 67108864},
                  "spot": {"type": "boolean", "default": false},
                  "price-per-hour": {"type": "number", "minimum": 0, "maximum": 1000000,
                    "default": 0},
                  "prices": {"type": "array", "maxItems": 10000, "default": [],
                    "description": "Later prices: [hours since the first use, price], in order.",
                    "items": {"type": "array", "minItems": 2, "maxItems": 2,
                      "items": {"type": "number", "minimum": 0, "maximum": 1000000}}},
                  "interruptions-per-hour": {"type": "number", "minimum": 0, "maximum": 3600,
                    "default": 0},
                  "boot-s": {"type": "number", "minimum": 0, "maximum": 86400, "default": 30},
                  "quota": {"type": "integer", "minimum": 0, "maximum": 100000,
                    "default": 100}}},
              "default": {
                "small": {"cpus": 2, "memory-mib": 4096, "price-per-hour": 0.1},
                "small-spot": {"cpus": 2, "memory-mib": 4096, "price-per-hour": 0.03,
                  "spot": true, "interruptions-per-hour": 0.05}},
              "description": "What may be rented, by name; all of it is fake."},
            "notice-s": {"type": "number", "minimum": 0, "maximum": 86400, "default": 120,
              "description": "Between the notice and the end of a machine that is taken back."},
            "seed": {"type": "integer", "minimum": 0, "default": 1,
              "description": "Makes the same fates."},
            "folder": {"type": "string", "default": "",
              "description": "Where the file lies; empty for below the state folder."}
          }
        }
        """
}
