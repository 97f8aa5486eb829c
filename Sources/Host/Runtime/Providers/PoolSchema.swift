extension Settings {
    /// The schema of `pools:`.
    static let poolsSchemaText =
        #"""
        {
          "description": "Workers that are rented as work comes and goes, by name; see docs/scaling.md.",
          "type": "object",
          "maxProperties": 64,
          "propertyNames": { "pattern": "^[a-z][a-z0-9._-]{0,63}$" },
          "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "required": ["max"],
            "properties": {
              "provider": {
                "description": "The name of its provider; the pool's name if it is not said.",
                "type": "string", "minLength": 1
              },
              "offerings": {
                "description": "What it may be given: ids, * stands for anything.",
                "type": "array", "items": { "type": "string", "minLength": 1 },
                "minItems": 1, "maxItems": 256, "default": ["*"]
              },
              "min": {
                "description": "The least number of workers.",
                "type": "integer", "minimum": 0, "maximum": 100000, "default": 0
              },
              "max": {
                "description": "The largest number of workers.",
                "type": "integer", "minimum": 0, "maximum": 100000
              },
              "step": {
                "description": "Workers added or removed at a time.",
                "type": "integer", "minimum": 1, "maximum": 1000, "default": 8
              },
              "spot": {
                "description": "Whether what may be taken back is rented.",
                "enum": ["allow", "never", "only"], "default": "allow"
              },
              "labels": {
                "description": "What subtasks may ask for by label.",
                "type": "object", "maxProperties": 32,
                "additionalProperties": { "type": "string" }, "default": {}
              },
              "gpu-memory": {
                "description": "Memory of each GPU of its workers, where the provider does not say it.",
                "type": "string", "format": "fanfold-bytes"
              },
              "lease": {
                "description": "How long a worker stays without its coordinator; 1m or more.",
                "type": "string", "format": "fanfold-duration", "default": "15m"
              },
              "program": {
                "description": "Where a worker gets the program if its image has none.",
                "type": "string", "pattern": "^(https://.+)?$", "default": ""
              },
              "program-sha256": {
                "description": "The SHA-256 of that archive.",
                "type": "string", "pattern": "^([0-9a-f]{64})?$", "default": ""
              }
            }
          },
          "default": {}
        }
        """#

    /// The schema of `scaling:`.
    static let scalingSchemaText =
        #"""
        {
          "description": "How pools grow and shrink; see docs/scaling.md.",
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "mode": {
              "description": "Whether decisions are kept, logged too, or carried out.",
              "enum": ["observe", "recommend", "act"], "default": "act"
            },
            "forecasts": {
              "description": "Whether forecasts are noted, recommended, or add workers.",
              "enum": ["observe", "recommend", "act"], "default": "observe"
            },
            "interval": {
              "description": "How often it is decided.",
              "type": "string", "format": "fanfold-duration", "default": "10s"
            },
            "target": {
              "description": "Utilisation that is aimed at.",
              "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.7
            },
            "up-at": {
              "description": "Utilisation above which workers are added.",
              "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.8
            },
            "down-at": {
              "description": "Utilisation up to which, over a window, workers are removed.",
              "type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.3
            },
            "window": {
              "description": "The window.",
              "type": "string", "format": "fanfold-duration", "default": "5m"
            },
            "up-cooldown": {
              "description": "Pause between two additions that succeeded.",
              "type": "string", "format": "fanfold-duration", "default": "5m"
            },
            "down-cooldown": {
              "description": "Pause between an action that succeeded and a removal.",
              "type": "string", "format": "fanfold-duration", "default": "10m"
            },
            "horizon": {
              "description": "Time in which ready work is to be begun.",
              "type": "string", "format": "fanfold-duration", "default": "1m"
            },
            "budget": {
              "description": "What may be spent.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "hour": {
                  "description": "The sum of the prices of all workers, by the hour.",
                  "type": "number", "minimum": 0, "maximum": 1000000000
                },
                "total": {
                  "description": "In all.",
                  "type": "number", "minimum": 0, "maximum": 1000000000
                },
                "currency": {
                  "description": "The currency, by ISO 4217; pools with other prices are left alone.",
                  "type": "string", "pattern": "^[A-Z][A-Z][A-Z]$"
                }
              }
            },
            "spot": {
              "description": "What a worker costs that is taken back.",
              "type": "object",
              "additionalProperties": false,
              "properties": {
                "checkpoint": {
                  "description": "Work that is lost at most.",
                  "type": "string", "format": "fanfold-duration", "default": "10m"
                },
                "checkpoint-cost": {
                  "description": "What keeping that bound costs each time.",
                  "type": "string", "format": "fanfold-duration", "default": "0s"
                },
                "replacement": {
                  "description": "Time until there is another worker.",
                  "type": "string", "format": "fanfold-duration", "default": "2m"
                }
              }
            },
            "owner": {
              "description": "Whose the workers are; a name of this coordinator's own unless said.",
              "type": "string", "pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$",
                "default": ""
            }
          }
        }
        """#
}
