// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-prefer/Sources/Prefer/Prefer.swift: change that, then run it.
extension PluginTemplates {
    static let swiftPrefer = #"""
        import FanfoldJSON
        import PluginKit

        /// Prefers workers that have a label.
        public struct Prefer: Policy {
            public struct Configuration: Decodable, Sendable {
                /// The label, NAME or NAME=VALUE.
                public var label: String
            }

            public static let component = ComponentDescription(
                id: "com.example.prefer",
                version: "0.1.0",
                summary: "Prefers workers that have a label.",
                configurationSchema: """
                    {
                      "$schema": "https://json-schema.org/draft/2020-12/schema",
                      "type": "object",
                      "additionalProperties": false,
                      "properties": {
                        "label": {"type": "string", "minLength": 1, "maxLength": 63, "default": "preferred",
                                  "description": "The label, NAME or NAME=VALUE."}
                      }
                    }
                    """)

            private let label: String

            public init(configuration: Configuration, host: HostHandle) throws(PluginError) {
                guard (1...63).contains(configuration.label.unicodeScalars.count) else {
                    throw .configuration(JSONPointer(["label"]), "wanted a label of 1 to 63 characters")
                }
                label = configuration.label
            }

            public func score(
                _ request: ShapeRequest, on workers: WorkerGroup
            ) throws(PluginError) -> Double {
                workers.labels.contains(label) ? 1 : 0
            }
        }

        """#
}
