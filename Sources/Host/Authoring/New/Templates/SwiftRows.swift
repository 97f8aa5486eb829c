// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-rows/Sources/Rows/Rows.swift: change that, then run it.
extension PluginTemplates {
    static let swiftRows = #"""
        import FanfoldJSON
        import PluginKit

        /// Fixed chunks of items, results in the order of the items.
        public struct Rows: Strategy {
            public struct Configuration: Decodable, Sendable {
                public var items: Int
            }

            public static let component = ComponentDescription(
                id: "com.example.rows",
                version: "0.1.0",
                summary: "Splits the items of one input in chunks of a fixed size and keeps their order.",
                configurationSchema: """
                    {
                      "$schema": "https://json-schema.org/draft/2020-12/schema",
                      "type": "object",
                      "additionalProperties": false,
                      "properties": {
                        "items": {"type": "integer", "minimum": 1, "maximum": 1000000000, "default": 1000,
                                  "description": "How many items a subtask is given."}
                      }
                    }
                    """)

            private let chunk: Int
            private let input: InputDescription
            private var nextItem = 0
            private var nextSubtask: UInt64 = 0
            private var results: [UInt64: [Blob]] = [:]

            public static func check(_ configuration: Configuration) throws(PluginError) {
                guard (1...1_000_000_000).contains(configuration.items) else {
                    throw .configuration(JSONPointer(["items"]), "wanted a number from 1 to 1000000000")
                }
            }

            public init(task: TaskDescription, configuration: Configuration) throws(PluginError) {
                guard let input = task.inputs.first else {
                    throw PluginError(.invalid, reason: "spec./inputs", "wanted one input, found none")
                }
                chunk = configuration.items
                self.input = input
            }

            public mutating func split(
                want: Int, into sink: any StrategySink
            ) throws(PluginError) -> SplitState {
                for _ in 0..<want where nextItem < input.items {
                    let count = min(chunk, input.items - nextItem)
                    try sink.subtask(
                        Subtask(id: nextSubtask, parts: [.items(input: 0, from: nextItem, count: count)]))
                    nextItem += count
                    nextSubtask += 1
                }
                return nextItem < input.items ? .more : .end
            }

            public mutating func onResult(
                _ result: SubtaskResult, into sink: any StrategySink
            ) throws(PluginError) {
                results[result.subtask] = result.parts
            }

            public func onFailure(
                _ failure: SubtaskFailure, into sink: any StrategySink
            ) throws(PluginError) -> FailureVerdict { .failTask }

            public mutating func finish(into sink: any StrategySink) throws(PluginError) {
                var parts: [Part] = []
                for id in 0..<nextSubtask {
                    parts += (results[id] ?? []).map { .blob($0) }
                }
                try sink.output(Output(format: input.format, parts: parts))
            }
        }

        """#
}
