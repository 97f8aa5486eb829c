// swift-format-ignore-file
// Written by scripts/embed-templates from examples/swift-words/Tests/WordsTests.swift: change that, then run it.
extension PluginTemplates {
    static let swiftWordsTests = #"""
        import FanfoldJSON
        import PluginKit
        import Testing

        @testable import Words

        @Test func `words are counted but for the short and the ignored ones`() throws {
            let words = try Words(configuration: .init(minimum: 2), host: .silent)
            let load = LoadRequest(spec: ["ignore": "the of"], parts: [Blob(Array("and".utf8))])
            let module = try words.load(load, .silent)
            let text = RunRequest(parts: [Blob(Array(" the end and a start\n".utf8)), Blob([UInt8]())])
            let output = try words.run(text, in: module, .silent)
            guard case .bytes(let bytes) = output.parts[0] else { throw PluginError.missingService("") }
            #expect(String(decoding: bytes, as: UTF8.self) == "{\"words\":2,\"ignored\":3}")
        }

        """#
}
