import FanfoldJSON
import FanfoldPlugins

/// What the settings say of processes of this machine under `with:`.
struct LocalConfiguration: Sendable {
    /// What a worker may be given.
    struct Size: Sendable {
        var name: String
        var cpus: Double
        var memoryBytes: Int64
    }

    var sizes: [Size]
    /// Workers at a time.
    var most: Int
    /// What a core costs by the hour.
    var pricePerHour: Double
    /// Where the workers are kept; empty for below the state folder.
    var folder: String
    /// How long a worker has to end, in seconds.
    var graceSeconds: Int
    /// Variables of a worker.
    var environment: [(String, String)]

    /// Reads a configuration that fits the schema and is filled.
    init(_ json: JSON) {
        sizes = (json["sizes"]?.objectValue?.members ?? []).map { name, size in
            Size(
                name: name, cpus: size["cpus"]?.doubleValue ?? 1,
                memoryBytes: (size["memory-mib"]?.integerValue ?? 1_024) << 20)
        }.sorted { $0.name < $1.name }
        most = json["most"]?.integerValue.map(Int.init) ?? 4
        pricePerHour = json["price-per-hour"]?.doubleValue ?? 0
        folder = json["folder"]?.stringValue ?? ""
        graceSeconds = json["grace-s"]?.integerValue.map(Int.init) ?? 5
        environment = (json["environment"]?.objectValue?.members ?? []).map {
            ($0, $1.stringValue ?? "")
        }
    }

    static let schemaText = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "sizes": {"type": "object", "minProperties": 1, "maxProperties": 64,
              "propertyNames": {"pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
              "additionalProperties": {"type": "object", "additionalProperties": false,
                "required": ["cpus", "memory-mib"],
                "properties": {
                  "cpus": {"type": "number", "minimum": 0.01, "maximum": 4096,
                    "description": "Cores that it offers."},
                  "memory-mib": {"type": "integer", "minimum": 6, "maximum": 67108864,
                    "description": "Memory that it offers, in mebibytes."}}},
              "default": {"small": {"cpus": 1, "memory-mib": 1024}},
              "description": "What may be rented, by name: cpus, memory-mib."},
            "most": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 4,
              "description": "How many workers there may be at a time."},
            "price-per-hour": {"type": "number", "minimum": 0, "default": 0,
              "description": "What a core counts by the hour."},
            "folder": {"type": "string", "default": "",
              "description": "Where the workers are kept; empty for below the state folder."},
            "grace-s": {"type": "integer", "minimum": 0, "maximum": 100, "default": 5,
              "description": "How long a worker has to end, in seconds."},
            "environment": {"type": "object", "additionalProperties": {"type": "string"},
              "maxProperties": 256, "default": {},
              "description": "Variables of a worker."}
          }
        }
        """
}
