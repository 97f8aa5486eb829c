extension PipelineSchema {
    /// The schema without `$defs/run`, which the executors own.
    static let template = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "Fanfold pipeline",
          "description": "Inputs, tasks and outputs of one run. See docs/pipelines.md.",
          "type": "object",
          "required": ["fanfold", "tasks"],
          "additionalProperties": false,
          "properties": {
            "fanfold": {
              "description": "Version of the format of this document.",
              "const": 1
            },
            "name": {
              "description": "Name of the pipeline; without it, the name of the file.",
              "$ref": "#/$defs/name"
            },
            "plugins": {
              "description": "Plugins that are not bundled, by a name of your choice.",
              "type": "object",
              "propertyNames": { "$ref": "#/$defs/name" },
              "additionalProperties": { "$ref": "#/$defs/plugin" }
            },
            "inputs": {
              "description": "What the tasks work on, by name.",
              "type": "object",
              "propertyNames": { "$ref": "#/$defs/name" },
              "additionalProperties": { "$ref": "#/$defs/input" }
            },
            "defaults": {
              "description": "What holds for every task that says nothing else.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "retry": { "$ref": "#/$defs/retry" },
                "timeout": { "$ref": "#/$defs/timeout" },
                "needs": { "$ref": "#/$defs/needs" },
                "on-failure": { "$ref": "#/$defs/on-failure" }
              }
            },
            "tasks": {
              "description": "What is done, by name; a task waits for what it refers to.",
              "type": "object",
              "minProperties": 1,
              "propertyNames": { "$ref": "#/$defs/name" },
              "additionalProperties": { "$ref": "#/$defs/task" }
            },
            "outputs": {
              "description": "What is kept, by name; without it, the output of every task that nothing takes.",
              "type": "object",
              "propertyNames": { "$ref": "#/$defs/name" },
              "additionalProperties": { "$ref": "#/$defs/output" }
            },
            "deadline": {
              "description": "How long the run may take; it is cancelled when the time is over. Units: d h m s ms us ns.",
              "$ref": "#/$defs/duration"
            },
            "queue": {
              "description": "What the run shares the workers in, one of the coordinator's queues; without it, default.",
              "$ref": "#/$defs/name"
            },
            "priority": {
              "description": "Goes first within its queue; ten points more may end attempts of other runs.",
              "type": "integer",
              "minimum": -100,
              "maximum": 100,
              "default": 0
            },
            "seed": {
              "description": "The only source of randomness of a run.",
              "type": "integer",
              "minimum": 0,
              "default": 0
            },
            "budget": {
              "description": "What a run may cost, for example 20 USD. Not in this version.",
              "not": {}
            }
          },
          "$defs": {
            "name": {
              "description": "A letter, then letters, digits, - and _; at most 64.",
              "type": "string",
              "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,63}$"
            },
            "duration": {
              "description": "Numbers with units, largest first: 1h30m, 10m, 250ms. Units: d h m s ms us ns.",
              "type": "string",
              "format": "fanfold-duration"
            },
            "bytes": {
              "description": "A number with a unit: 512MiB, 2GB. Units: B kB MB GB TB KiB MiB GiB TiB.",
              "type": "string",
              "format": "fanfold-bytes"
            },
            "reference": {
              "description": "${inputs.NAME} or ${tasks.NAME.output}; in quotes within { } and [ ].",
              "type": "string",
              "format": "fanfold-reference"
            },
            "file-format": {
              "description": "How the bytes are cut in items; without it, guessed from the extension.",
              "enum": ["json", "jsonl", "csv", "lines", "files", "bytes", "npy", "safetensors", "arrow"]
            },
            "plugin": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "path": {
                  "description": "The shared library, relative to the folder of this document; without it, libfanfold-NAME.so in the search path.",
                  "type": "string",
                  "minLength": 1
                },
                "sha256": {
                  "description": "The sum that the file must have: 64 hexadecimal digits.",
                  "type": "string",
                  "pattern": "^[0-9a-f]{64}$"
                },
                "isolate": {
                  "description": "Where it runs: in a process of its own, or inside the host; without it, by its kind and its origin.",
                  "enum": ["process", "none"]
                },
                "trusted": {
                  "description": "Whether its strategies run inside the host, as those do that an allowed key signed.",
                  "type": "boolean",
                  "default": false
                },
                "grant": {
                  "description": "What it may do through the host; nothing unless it is said.",
                  "$ref": "#/$defs/grant"
                }
              }
            },
            "input": {
              "oneOf": [
                {
                  "type": "object",
                  "required": ["file"],
                  "additionalProperties": false,
                  "properties": {
                    "file": {
                      "description": "A path or a pattern (* ? ** [a-z]), relative to the folder of this document.",
                      "type": "string",
                      "minLength": 1
                    },
                    "format": { "$ref": "#/$defs/file-format" }
                  }
                },
                {
                  "type": "object",
                  "required": ["files"],
                  "additionalProperties": false,
                  "properties": {
                    "files": {
                      "description": "Paths and patterns, in order; a file that is named twice counts once.",
                      "type": "array",
                      "minItems": 1,
                      "items": { "type": "string", "minLength": 1 }
                    },
                    "format": { "$ref": "#/$defs/file-format" }
                  }
                },
                {
                  "type": "object",
                  "required": ["value"],
                  "additionalProperties": false,
                  "properties": {
                    "value": { "description": "Any value; the elements of a list are its items." }
                  }
                },
                {
                  "type": "object",
                  "required": ["range"],
                  "additionalProperties": false,
                  "properties": {
                    "range": {
                      "description": "Whole numbers: from 0 up to and without N, or from one to another.",
                      "oneOf": [
                        { "type": "integer", "minimum": 0 },
                        {
                          "type": "object",
                          "required": ["from", "to"],
                          "additionalProperties": false,
                          "properties": {
                            "from": { "description": "The first number.", "type": "integer" },
                            "to": { "description": "The number after the last.", "type": "integer" }
                          }
                        }
                      ]
                    }
                  }
                }
              ]
            },
            "task": {
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "input": {
                  "description": "One reference, a list of them, or references by name.",
                  "oneOf": [
                    { "$ref": "#/$defs/reference" },
                    { "type": "array", "items": { "$ref": "#/$defs/reference" } },
                    {
                      "type": "object",
                      "propertyNames": { "$ref": "#/$defs/name" },
                      "additionalProperties": { "$ref": "#/$defs/reference" }
                    }
                  ]
                },
                "after": {
                  "description": "Names of tasks that must have ended well before.",
                  "oneOf": [
                    { "type": "string" },
                    { "type": "array", "items": { "type": "string" } }
                  ]
                },
                "strategy": {
                  "description": "How the task is split and its results folded; without it, one subtask.",
                  "oneOf": [
                    { "type": "string", "minLength": 1 },
                    {
                      "type": "object",
                      "required": ["use"],
                      "additionalProperties": false,
                      "properties": {
                        "use": {
                          "description": "The strategy, for example data-parallel.",
                          "type": "string",
                          "minLength": 1
                        },
                        "with": {
                          "description": "The configuration of the strategy: fanfold plugin show NAME.",
                          "type": "object"
                        }
                      }
                    }
                  ]
                },
                "run": {
                  "description": "What each subtask runs.",
                  "$ref": "#/$defs/run"
                },
                "files": {
                  "description": "Paths and patterns of files that go to the workers when the pipeline is submitted, below the folder of this document.",
                  "type": "array",
                  "maxItems": 1000,
                  "items": { "type": "string", "minLength": 1, "maxLength": 4000 }
                },
                "needs": { "$ref": "#/$defs/needs" },
                "retry": { "$ref": "#/$defs/retry" },
                "timeout": { "$ref": "#/$defs/timeout" },
                "on-failure": { "$ref": "#/$defs/on-failure" }
              }
            },
            "retry": {
              "description": "How often a subtask is tried.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "attempts": {
                  "description": "Attempts in all, the first among them.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 100,
                  "default": 1
                },
                "backoff": {
                  "description": "The wait before the second attempt; doubled for each one after it.",
                  "$ref": "#/$defs/duration",
                  "default": "1s"
                }
              }
            },
            "timeout": {
              "description": "How long one attempt may run; without it, for ever. Units: d h m s ms us ns.",
              "$ref": "#/$defs/duration"
            },
            "on-failure": {
              "description": "When a task whose subtasks failed counts as failed.",
              "oneOf": [
                { "enum": ["fail-fast", "best-effort"] },
                {
                  "type": "object",
                  "required": ["min-success"],
                  "additionalProperties": false,
                  "properties": {
                    "min-success": {
                      "description": "The share of the subtasks that must succeed.",
                      "type": "number",
                      "exclusiveMinimum": 0,
                      "maximum": 1
                    }
                  }
                }
              ],
              "default": "fail-fast"
            },
            "needs": {
              "description": "What each subtask needs of a worker; `auto` leaves it to what such tasks used before.",
              "type": ["object", "string"],
              "pattern": "^auto$",
              "additionalProperties": false,
              "properties": {
                "auto": {
                  "description": "What is not stated beside it is predicted from what such tasks used before.",
                  "type": "object",
                  "additionalProperties": false,
                  "properties": {
                    "class": {
                      "description": "What the history is filed under; the pipeline's and the task's name unless said.",
                      "type": "string",
                      "minLength": 1,
                      "maxLength": 256
                    },
                    "kind": {
                      "description": "The kind of work: where the first runs begin.",
                      "type": "string",
                      "enum": ["text-embedding", "text-generation", "vision", "audio", "multimodal", "other"]
                    },
                    "max-cpus": {
                      "description": "No prediction goes above this.",
                      "type": "number",
                      "minimum": 0.001,
                      "maximum": 1000000
                    },
                    "max-memory": {
                      "description": "No prediction goes above this. Units: B kB MB GB TB KiB MiB GiB TiB.",
                      "$ref": "#/$defs/bytes"
                    },
                    "max-gpu-memory": {
                      "description": "No prediction goes above this. Units: B kB MB GB TB KiB MiB GiB TiB.",
                      "$ref": "#/$defs/bytes"
                    },
                    "keys": {
                      "description": "What else decides about needs: numbers (batch) and words (model, precision).",
                      "type": "object",
                      "additionalProperties": { "type": ["number", "string"] }
                    }
                  }
                },
                "cpus": {
                  "description": "Cores, in steps of 0.001.",
                  "type": "number",
                  "minimum": 0.001,
                  "maximum": 1000000,
                  "default": 1
                },
                "memory": {
                  "description": "Memory. Units: B kB MB GB TB KiB MiB GiB TiB.",
                  "$ref": "#/$defs/bytes",
                  "default": "256MiB"
                },
                "gpus": {
                  "description": "GPUs, in steps of 0.001.",
                  "type": "number",
                  "minimum": 0,
                  "maximum": 1000000,
                  "default": 0
                },
                "gpu-memory": {
                  "description": "Memory of each GPU. Units: B kB MB GB TB KiB MiB GiB TiB.",
                  "$ref": "#/$defs/bytes",
                  "default": "0B"
                },
                "gpu-topology": {
                  "description": "How near to one another several GPUs must be: on one memory node (numa), or linked directly (nvlink).",
                  "enum": ["any", "numa", "nvlink"],
                  "default": "any"
                },
                "labels": {
                  "description": "Labels that the worker must have, with their values.",
                  "type": "object",
                  "additionalProperties": { "type": "string" }
                },
                "gang": {
                  "description": "How many subtasks run at the same time or not at all.",
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1024,
                  "default": 1
                },
                "any_of": {
                  "description": "Needs of which any will do, the one that is wanted most first; what stands beside them holds for each.",
                  "type": "array",
                  "minItems": 2,
                  "maxItems": 8,
                  "items": { "$ref": "#/$defs/needs" }
                }
              }
            },
            "output": {
              "type": "object",
              "required": ["from"],
              "additionalProperties": false,
              "properties": {
                "from": {
                  "description": "What is kept.",
                  "$ref": "#/$defs/reference"
                },
                "file": {
                  "description": "Where it is written, relative to the folder of this document; without it, standard output.",
                  "type": "string",
                  "minLength": 1
                },
                "format": {
                  "description": "The format that is written; without it, the one it has.",
                  "enum": ["json", "jsonl", "csv", "lines", "bytes", "npy", "safetensors", "arrow"]
                }
              }
            }
          }
        }
        """#
}
