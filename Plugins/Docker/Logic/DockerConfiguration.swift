import PluginClouds

/// What the settings say about a container engine under `with:`.
public struct DockerConfiguration: Decodable, Sendable {
    var endpoint: String
    var image: String
    var sizes: [String: WorkerSize]
    var most: Int
    var network: String
    var binds: [String]
    var environment: [String: String]
    var keep: Bool
    var graceSeconds: Int
    var pricePerHour: Double
    var secret: String

    private enum CodingKeys: String, CodingKey {
        case endpoint, image, sizes, most, network, binds, environment, keep, secret
        case graceSeconds = "grace-s"
        case pricePerHour = "price-per-hour"
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "endpoint": {"type": "string", "pattern": "^(unix:///.+|https?://.+)$",
              "default": "unix:///var/run/docker.sock",
              "description": "Where the engine listens: a socket, or a host with TLS."},
            "image": {"type": "string", "minLength": 1, "default": "fanfold/worker:latest",
              "description": "The image of a worker; it must be there already."},
            "sizes": {"type": "object", "minProperties": 1, "maxProperties": 64,
              "propertyNames": {"pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
              "additionalProperties": {"type": "object", "additionalProperties": false,
                "required": ["cpus", "memory-mib"],
                "properties": {
                  "cpus": {"type": "number", "minimum": 0.01, "maximum": 4096,
                    "description": "Processors that it may use."},
                  "memory-mib": {"type": "integer", "minimum": 6, "maximum": 67108864,
                    "description": "Memory that it may use, in mebibytes."},
                  "gpus": {"type": "integer", "minimum": 0, "maximum": 64, "default": 0,
                    "description": "GPUs that it gets."},
                  "gpu-memory-mib": {"type": "integer", "minimum": 1, "maximum": 67108864,
                    "description": "Memory of each GPU, in mebibytes; taken for enough without."}}},
              "default": {"small": {"cpus": 1, "memory-mib": 1024}},
              "description": "What may be rented, by name: cpus, memory-mib, gpus, gpu-memory-mib."},
            "most": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 4,
              "description": "How many workers the engine may run at a time."},
            "network": {"type": "string", "default": "",
              "description": "The network of a worker, such as host; empty for the engine's."},
            "binds": {"type": "array", "items": {"type": "string", "minLength": 3},
              "maxItems": 64, "default": [],
              "description": "What of this machine a worker sees: HERE:THERE:ro."},
            "environment": {"type": "object", "additionalProperties": {"type": "string"},
              "maxProperties": 256, "default": {},
              "description": "Variables of a worker; no secrets, the engine shows them."},
            "keep": {"type": "boolean", "default": false,
              "description": "Whether a container that has ended stays, for its log."},
            "grace-s": {"type": "integer", "minimum": 0, "maximum": 100, "default": 5,
              "description": "How long a worker has to end, in seconds."},
            "price-per-hour": {"type": "number", "minimum": 0, "default": 0,
              "description": "What a core costs by the hour, in dollars."},
            "secret": {"type": "string", "pattern": "^([a-z][a-z0-9._-]{0,63})?$", "default": "",
              "description": "The secret with a client certificate and its key, for TLS; empty for none."}
          }
        }
        """
}
