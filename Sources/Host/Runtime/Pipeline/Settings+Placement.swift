import FanfoldCore
import FanfoldJSON
import FanfoldPlugins

extension Settings {
    /// The policies that are built in, by name.
    static let builtInPolicies = PlacementPolicy.forUse.map(\.rawValue)

    /// The policies of a document that fits the schema; a name that is not built in is a plugin's.
    static func placement(_ json: JSON) -> PlacementSettings {
        let section = json["placement"]
        func name(_ key: String) -> String? {
            section?[key]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        }
        func builtIn(_ name: String?) -> PlacementPolicy? { name.flatMap(PlacementPolicy.init) }
        let fallback = builtIn(name("fallback")) ?? .fitness
        var settings = PlacementSettings(
            policy: builtIn(name("policy")) ?? fallback, shadow: builtIn(name("shadow")))
        if let name = name("policy"), !builtInPolicies.contains(name) {
            settings.plugin = name
            settings.policy = fallback
        }
        if let name = name("shadow"), !builtInPolicies.contains(name) {
            settings.shadowPlugin = name
            settings.shadow = fallback
        }
        return settings
    }

    /// What a document that fits the schema says of policies that are plugins.
    static func policyPlugins(_ json: JSON) -> PolicyPluginSettings {
        let section = json["placement"]
        var settings = PolicyPluginSettings()
        settings.configuration = section?["with"] ?? [:]
        settings.shadowConfiguration = section?["shadow-with"] ?? [:]
        settings.isolate = section?["isolate"]?.stringValue.flatMap(Isolation.init)
        func duration(_ key: String) -> Int64? {
            section?[key]?.stringValue.flatMap(SchemaFormat.nanoseconds)
        }
        settings.budgetNanoseconds = duration("budget") ?? settings.budgetNanoseconds
        settings.setAsideNanoseconds = duration("set-aside") ?? settings.setAsideNanoseconds
        settings.askAgainNanoseconds = duration("ask-again") ?? settings.askAgainNanoseconds
        return settings
    }

    /// The schema of `placement:`.
    static let placementSchemaText = #"""
        {
          "type": "object",
          "additionalProperties": false,
          "properties": {
            "policy": {
              "description": "How fanfold serve chooses a worker among those that have room: {policies}, or the id of a plugin.",
              "type": "string", "minLength": 1, "maxLength": 255, "default": "fitness"
            },
            "with": {
              "description": "What the plugin is configured with.", "type": "object", "default": {}
            },
            "fallback": {
              "description": "What chooses where the plugin has no say.",
              "enum": ["{names}"], "default": "fitness"
            },
            "shadow": {
              "description": "A policy that only says what it would have done, as policy; empty for none.",
              "type": "string", "maxLength": 255, "default": ""
            },
            "shadow-with": {
              "description": "What the plugin in the shadow is configured with.",
              "type": "object", "default": {}
            },
            "isolate": {
              "description": "Where plugins run: in a process of their own, or inside the host.",
              "enum": ["process", "none"]
            },
            "budget": {
              "description": "How long a plugin may take to answer.",
              "type": "string", "format": "fanfold-duration", "default": "100ms"
            },
            "set-aside": {
              "description": "How long a plugin is not asked after three misses in a row.",
              "type": "string", "format": "fanfold-duration", "default": "30s"
            },
            "ask-again": {
              "description": "How long after its answers a plugin that was told how attempts ended is asked again.",
              "type": "string", "format": "fanfold-duration", "default": "10s"
            }
          }
        }
        """#
        .replacing("{policies}", with: builtInPolicies.joined(separator: ", "))
        .replacing("{names}", with: builtInPolicies.joined(separator: "\", \""))
}
