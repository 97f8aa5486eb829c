extension RunSpec {
    /// JSON Schema (2020-12) of `run:`, known as `fanfold:run`.
    package static let schema: String = """
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "run",
          "description": "What a subtask runs: a program (command), a function of a shared library (native) or an executor (use).",
          "type": "object",
          "oneOf": [
            { "$ref": "#/$defs/command" },
            { "$ref": "#/$defs/native" },
            { "$ref": "#/$defs/use" }
          ],
          "$defs": {
            "command": {
              "description": "Runs a program, without a shell, once for each subtask.",
              "type": "object",
              "properties": {
                "command": {
                  "description": "The program and its arguments. ${items} as an argument of its own becomes one argument per item; ${index} is the number of the subtask, ${parts.NAME} the path of a named input, ${pipeline.dir} the folder of the pipeline; $${ stands for ${.",
                  "type": "array",
                  "items": { "type": "string" },
                  "minItems": 1
                },
                "stdin": {
                  "description": "The form in which the items come on standard input. Without it: none if ${items} is used, otherwise the format of the input; files and ranges come as lines.",
                  "enum": ["json", "jsonl", "csv", "lines", "bytes", "npy", "safetensors", "arrow", "none"]
                },
                "stdout": {
                  "description": "The form in which the program writes its result.",
                  "enum": ["json", "jsonl", "csv", "lines", "bytes", "npy", "safetensors", "arrow"],
                  "default": "lines"
                },
                "env": {
                  "description": "Variables that are added to the environment, which otherwise has PATH, HOME, LANG, TMPDIR and FANFOLD_TASK, FANFOLD_SUBTASK, FANFOLD_ATTEMPT, FANFOLD_PIPELINE_DIR.",
                  "type": "object",
                  "additionalProperties": { "type": "string" }
                },
                "inherit-env": {
                  "description": "Names of variables that are taken over from the environment of Fanfold.",
                  "type": "array",
                  "items": { "type": "string" }
                },
                "cwd": {
                  "description": "The working directory: own is an empty one that is removed afterwards, pipeline is the folder of the pipeline.",
                  "enum": ["own", "pipeline"],
                  "default": "own"
                },
                "ok-exit-codes": {
                  "description": "Exit codes that count as success.",
                  "type": "array",
                  "items": { "type": "integer", "minimum": 0, "maximum": 255 },
                  "minItems": 1,
                  "default": [0]
                }
              },
              "required": ["command"],
              "additionalProperties": false
            },
            "native": {
              "description": "Calls a C function once for each item, in a child process.",
              "type": "object",
              "properties": {
                "native": {
                  "description": "The function.",
                  "type": "object",
                  "properties": {
                    "library": {
                      "description": "The shared library: a name such as libm.so.6, or a path, relative to the folder of the pipeline.",
                      "type": "string",
                      "minLength": 1
                    },
                    "symbol": {
                      "description": "The name of the function.",
                      "type": "string",
                      "minLength": 1
                    },
                    "signature": {
                      "description": "Its C types: double(double, double). Integers of all sizes, float, double, const char * and a void result.",
                      "type": "string",
                      "minLength": 1
                    },
                    "arguments": {
                      "description": "Which members of an item are the arguments, in order. Without it: elements, or members, by position.",
                      "type": "array",
                      "items": { "type": "string" }
                    }
                  },
                  "required": ["library", "symbol", "signature"],
                  "additionalProperties": false
                }
              },
              "required": ["native"],
              "additionalProperties": false
            },
            "use": {
              "description": "Runs an executor by name.",
              "type": "object",
              "properties": {
                "use": {
                  "description": "The executor: the id of one in a plugin, or a name under plugins. noop takes its items and gives nothing.",
                  "type": "string",
                  "minLength": 1
                },
                "with": {
                  "description": "Settings of the executor, checked by its own schema. Of noop: sleep, how long each subtask takes.",
                  "type": "object"
                },
                "module": {
                  "description": "What the executor loads, once for all subtasks with the same.",
                  "type": "object"
                },
                "spec": {
                  "description": "What the executor is told for each subtask.",
                  "type": "object"
                },
                "stdin": {
                  "description": "The form in which it gets the items. Without it: that of the input.",
                  "enum": ["json", "jsonl", "csv", "lines", "bytes"]
                },
                "stdout": {
                  "description": "The form of its result; lines unless said. Not of noop.",
                  "enum": ["json", "jsonl", "csv", "lines", "bytes"]
                }
              },
              "required": ["use"],
              "additionalProperties": false
            }
          }
        }
        """
}
