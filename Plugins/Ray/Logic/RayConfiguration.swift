import PluginClouds

/// What the settings say about a Ray cluster under `with:`.
public struct RayConfiguration: Decodable, Sendable {
    var endpoint: String
    var secret: String
    var sizes: [String: WorkerSize]
    var resources: [String: Double]
    var most: Int
    var grows: Bool
    var folder: String
    var path: String
    var environment: [String: String]
    var graceSeconds: Int
    var pricePerHour: Double

    private enum CodingKeys: String, CodingKey {
        case endpoint, secret, sizes, resources, most, grows, folder, path, environment
        case graceSeconds = "grace-s"
        case pricePerHour = "price-per-hour"
    }

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "endpoint": {"type": "string", "pattern": "^(unix:///.+|https?://.+[^/])$",
              "default": "http://127.0.0.1:8265",
              "description": "Where the head's dashboard listens, which has the Jobs API."},
            "secret": {"type": "string", "default": "",
              "description": "The name of the secret with the cluster's token; empty for none."},
            "sizes": {"type": "object", "minProperties": 1, "maxProperties": 64,
              "propertyNames": {"pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
              "additionalProperties": {"type": "object", "additionalProperties": false,
                "required": ["cpus", "memory-mib"],
                "properties": {
                  "cpus": {"type": "number", "minimum": 0.01, "maximum": 4096,
                    "description": "Processors that Ray sets aside for a job."},
                  "memory-mib": {"type": "integer", "minimum": 1, "maximum": 67108864,
                    "description": "Memory that Ray sets aside for a job, in mebibytes."},
                  "gpus": {"type": "integer", "minimum": 0, "maximum": 64, "default": 0,
                    "description": "GPUs that a job gets."},
                  "gpu-memory-mib": {"type": "integer", "minimum": 1, "maximum": 67108864,
                    "description": "Memory of each GPU, in mebibytes; taken for enough without."}}},
              "default": {"small": {"cpus": 1, "memory-mib": 1024}},
              "description": "What may be asked for, by name: cpus, memory-mib, gpus, gpu-memory-mib."},
            "resources": {"type": "object", "maxProperties": 64,
              "additionalProperties": {"type": "number", "exclusiveMinimum": 0}, "default": {},
              "description": "Custom resources that each job takes, such as a kind of node."},
            "most": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 16,
              "description": "How many workers may run or wait at a time."},
            "grows": {"type": "boolean", "default": false,
              "description": "Whether Ray adds nodes by itself for jobs that fit on none."},
            "folder": {"type": "string", "pattern": "^/", "default": "/tmp",
              "description": "Where a worker keeps its state on a node."},
            "path": {"type": "string", "pattern": "^[^']*$", "default": "",
              "description": "What stands in front of a worker's PATH; empty for the node's own."},
            "environment": {"type": "object", "additionalProperties": {"type": "string"},
              "maxProperties": 256, "default": {},
              "description": "Variables of a worker; no secrets, the dashboard shows them."},
            "grace-s": {"type": "integer", "minimum": 1, "maximum": 60, "default": 10,
              "description": "How long a worker has to end, in seconds."},
            "price-per-hour": {"type": "number", "minimum": 0, "default": 0,
              "description": "What a core costs by the hour, in dollars."}
          }
        }
        """
}
