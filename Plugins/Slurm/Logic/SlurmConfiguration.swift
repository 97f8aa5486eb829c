import PluginClouds

/// What the settings say about a Slurm cluster under `with:`.
public struct SlurmConfiguration: Decodable, Sendable {
    var endpoint: String
    var api: String
    var secret: String
    var user: String
    var partition: String
    var account: String
    var sizes: [String: WorkerSize]
    var most: Int
    var folder: String
    var path: String
    var minutes: Int

    static let schema = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "endpoint": {"type": "string", "pattern": "^(unix:///.+|https?://.+)$",
              "default": "unix:///run/slurmrestd.sock",
              "description": "Where slurmrestd listens."},
            "api": {"type": "string", "pattern": "^v0\\\\.0\\\\.[0-9]+$", "default": "v0.0.38",
              "description": "The version of its API."},
            "secret": {"type": "string", "default": "",
              "description": "The name of the secret with a token of Slurm; empty for a socket."},
            "user": {"type": "string", "default": "",
              "description": "Whose token that is."},
            "partition": {"type": "string", "default": "",
              "description": "The partition; empty for the cluster's own."},
            "account": {"type": "string", "default": "",
              "description": "The account that is charged; empty for the user's own."},
            "sizes": {"type": "object", "minProperties": 1, "maxProperties": 64,
              "propertyNames": {"pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
              "additionalProperties": {"type": "object", "additionalProperties": false,
                "required": ["cpus", "memory-mib"],
                "properties": {
                  "cpus": {"type": "integer", "minimum": 1, "maximum": 4096,
                    "description": "Processors of an allocation."},
                  "memory-mib": {"type": "integer", "minimum": 1, "maximum": 67108864,
                    "description": "Memory of an allocation, in mebibytes."},
                  "gpus": {"type": "integer", "minimum": 0, "maximum": 64, "default": 0,
                    "description": "GPUs of an allocation."},
                  "gpu-memory-mib": {"type": "integer", "minimum": 1, "maximum": 67108864,
                    "description": "Memory of each GPU, in mebibytes; taken for enough without."}}},
              "default": {"small": {"cpus": 1, "memory-mib": 1024}},
              "description": "What may be allocated, by name: cpus, memory-mib, gpus, gpu-memory-mib."},
            "most": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 16,
              "description": "How many workers may run or wait at a time."},
            "folder": {"type": "string", "pattern": "^/", "default": "/tmp",
              "description": "Where a worker begins and writes its log."},
            "path": {"type": "string", "minLength": 1,
              "default": "/usr/local/bin:/usr/bin:/bin",
              "description": "The PATH of a worker."},
            "minutes": {"type": "integer", "minimum": 0, "maximum": 525600, "default": 0,
              "description": "How long an allocation lasts at most; 0 for the partition's limit."}
          }
        }
        """
}
