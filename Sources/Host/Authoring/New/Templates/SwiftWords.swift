// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-words/Sources/Words/Words.swift: change that, then run it.
extension PluginTemplates {
    static let swiftWords = #"""
        import FanfoldJSON
        import PluginKit

        /// Counts the words of a text: what stands between white space.
        ///
        /// Nothing changes after `load`, so that calls may overlap.
        public struct Words: ConcurrentExecutor {
            public struct Configuration: Decodable, Sendable {
                /// How many bytes a word has at least.
                public var minimum: Int
            }

            /// The words that do not count.
            public typealias Module = Set<[UInt8]>

            public static let component = ComponentDescription(
                id: "com.example.words",
                version: "0.1.0",
                summary: "Counts the words of a text, but for those of a list.",
                configurationSchema: """
                    {
                      "$schema": "https://json-schema.org/draft/2020-12/schema",
                      "type": "object",
                      "x-fanfold-example-run": {"module": {"ignore": "the of"}, "inputs": ["the end and a start"],
                                                 "outputs": ["{\\"words\\":4,\\"ignored\\":1}"]},
                      "additionalProperties": false,
                      "properties": {
                        "minimum": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1,
                                    "description": "How many bytes a word has at least."}
                      }
                    }
                    """)

            private let minimum: Int

            public init(configuration: Configuration, host: HostHandle) throws(PluginError) {
                guard (1...1_000).contains(configuration.minimum) else {
                    throw .configuration(JSONPointer(["minimum"]), "wanted a number from 1 to 1000")
                }
                minimum = configuration.minimum
            }

            /// `{"ignore":"the a of"}`, and texts of such words as parts.
            public func load(_ request: LoadRequest, _ call: ExecutorCall) throws(PluginError) -> Module {
                struct Spec: Decodable { var ignore: String? }
                var ignored: Module = []
                let spec = try request.decode(Spec.self)
                for text in [Blob(Array((spec.ignore ?? "").utf8))] + request.parts {
                    try Self.eachWord(of: text, call) { ignored.insert(Array($0)) }
                }
                return ignored
            }

            public func run(
                _ subtask: RunRequest, in ignored: Module, _ call: ExecutorCall
            ) throws(PluginError) -> RunOutput {
                var words = 0
                var passed = 0
                for (index, text) in subtask.parts.enumerated() {
                    try call.progress(Double(index) / Double(subtask.parts.count))
                    try Self.eachWord(of: text, call) { word in
                        let counts = word.count >= minimum && !ignored.contains(Array(word))
                        if counts { words += 1 } else { passed += 1 }
                    }
                }
                return RunOutput(["words": .integer(Int64(words)), "ignored": .integer(Int64(passed))])
            }

            /// How many bytes are read before the host is asked again whether it wants the answer.
            private static let bytesBetweenQuestions = 65_536

            private static func eachWord(
                of text: Blob, _ call: ExecutorCall, _ body: (Slice<UnsafeRawBufferPointer>) -> Void
            ) throws(PluginError) {
                try text.withBytes { (bytes) throws(PluginError) in
                    var start: Int?
                    for index in 0...bytes.count {
                        if index % bytesBetweenQuestions == 0 { try call.checkCancellation() }
                        if index < bytes.count, bytes[index] > UInt8(ascii: " ") {
                            start = start ?? index
                        } else if let first = start {
                            body(bytes[first..<index])
                            start = nil
                        }
                    }
                }
            }
        }

        """#
}
