import Testing

@testable import FanfoldAuthoring

/// The files that `fanfold plugin new` writes, under names that have those of the examples in them.
struct TemplateTests {
    @Test(arguments: PluginTemplates.Kind.allCases, PluginTemplates.Language.allCases)
    func `a name is put in once, whatever it has in it`(
        _ kind: PluginTemplates.Kind, _ language: PluginTemplates.Language
    ) throws {
        func files(_ name: String) throws -> [PluginTemplates.File] {
            PluginTemplates.files(
                try #require(PluginName(name)), kind, language, root: "/somewhere")
        }
        // A name that no template has in it, to compare with.
        let plain = try files("zq")
        for name in ["rows", "cloud", "words", "prefer", "cloud-rows", "rows-cloud", "words-cloud"]
        {
            let type = name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }
                .joined()
            let wanted = plain.map { file in
                file.text.replacing("Zq", with: type)
                    .replacing("fanfold_zq", with: "fanfold_" + name.replacing("-", with: "_"))
                    .replacing("zq", with: name)
            }
            #expect(try files(name).map(\.text) == wanted)
        }
    }
}
