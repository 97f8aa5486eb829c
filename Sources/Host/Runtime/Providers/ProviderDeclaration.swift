import FanfoldJSON
import FanfoldPlugins

/// A provider that the settings name: `providers:` of `fanfold.yaml`.
package struct ProviderDeclaration: Hashable, Sendable {
    /// How the user calls it.
    package var name: String
    /// The component: `aws`, or an id in full.
    package var use: String
    /// Its configuration, as it stands in the file.
    package var configuration: JSON = [:]
    /// What it may do through the host.
    package var grant = PluginGrant.nothing
    /// Where it runs; `nil` for a process of its own.
    package var isolate: Isolation?

    /// A provider without configuration.
    package init(name: String, use: String) {
        self.name = name
        self.use = use
    }
}

extension Settings {
    /// The providers of a document that fits the schema.
    static func providers(_ json: JSON) -> [ProviderDeclaration] {
        (json["providers"]?.objectValue?.members ?? []).map { name, value in
            var provider = ProviderDeclaration(
                name: name, use: value["use"]?.stringValue ?? name)
            provider.configuration = value["with"] ?? [:]
            provider.grant = PluginGrant(value["grant"] ?? [:])
            provider.isolate = value["isolate"]?.stringValue.flatMap(Isolation.init)
            return provider
        }
    }

    /// Hosts of grants that cannot be read, which the schema cannot say.
    static func providerProblems(_ json: JSON, _ source: PipelineSource) -> [Diagnostic] {
        providers(json).flatMap { provider in
            provider.grant.hostProblems.map { index, problem in
                source.diagnostic(
                    JSONPointer(["providers", provider.name, "grant", "hosts", "\(index)"]),
                    problem.description, help: "docs/providers.md")
            }
        }
    }

    /// The schema of `providers:`.
    static let providersSchemaText =
        #"""
        {
          "description": "Where workers are rented, by name; see docs/providers.md.",
          "type": "object",
          "maxProperties": 64,
          "propertyNames": { "pattern": "^[a-z][a-z0-9._-]{0,63}$" },
          "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "use": {
                "description": "The provider's id; the name if it is not said.",
                "type": "string", "minLength": 1
              },
              "with": { "description": "What the provider is configured with.", "type": "object" },
              "isolate": {
                "description": "Where it runs: in a process of its own, or inside the host.",
                "enum": ["process", "none"]
              },
              "grant":
        """# + PluginGrant.schemaText + #"""
                }
              },
              "default": {}
            }
            """#
}
