/// The files of a new plugin: the examples of this repository under another name.
package enum PluginTemplates {
    /// The languages that `fanfold plugin new` knows.
    package enum Language: String, CaseIterable {
        case c
        case cpp
        case rust
        case swift
    }

    /// What a new plugin can be.
    package enum Kind: String, CaseIterable {
        case strategy
        case provider
        case executor
        case policy

        /// The example it is made from.
        var example: PluginName.Example {
            switch self {
            case .strategy: PluginName.Example(name: "rows", type: "Rows")
            case .provider: PluginName.Example(name: "cloud", type: "Cloud")
            case .executor: PluginName.Example(name: "words", type: "Words")
            case .policy: PluginName.Example(name: "prefer", type: "Prefer")
            }
        }
    }

    /// A file of a project, by path within its folder.
    package typealias File = (path: String, text: String)

    /// The files of a project.
    ///
    /// Parameter root: Where the package that holds PluginKit is; Swift only.
    package static func files(
        _ name: PluginName, _ kind: Kind, _ language: Language, root: String
    ) -> [File] {
        let named = name.instead(of: kind)
        var files: [File] =
            switch language {
            case .c: c(named, kind)
            case .cpp: cpp(named, kind)
            case .rust: rust(named, kind)
            case .swift: swift(named, kind, root: root)
            }
        files.append(("README.md", readme(named, kind, language)))
        files.append((".gitignore", "*.so\nunit-test\ntarget/\nCargo.lock\n.build/\n"))
        switch kind {
        case .strategy: files.append(("pipeline.yaml", named.words(rowsPipeline)))
        case .executor: files.append(("pipeline.yaml", named.words(wordsPipeline)))
        case .provider, .policy: break
        }
        return files
    }

    private static func c(_ name: Renaming, _ kind: Kind) -> [File] {
        let makefile = name.words(cMakefile).replacing(
            "?= ../../Sources/PluginABI/C/include", with: "?= .")
        let (source, test, more): (String, String, [File]) =
            switch kind {
            case .strategy: (cRows, cRowsTest, [])
            case .executor: (cWords, cWordsTest, [])
            case .policy: (cPrefer, cPreferTest, [])
            case .provider:
                (
                    cCloud, cCloudTest,
                    [("flow.h", cCloudFlow), ("text.h", cCloudText), ("uuid5.h", cCloudToken)]
                )
            }
        return more + [
            ("\(name.name).c", name.words(source)), ("test.c", name.words(test)),
            ("json.h", cJSON), ("fanfold_plugin.h", pluginHeader), ("Makefile", makefile),
        ]
    }

    private static func cpp(_ name: Renaming, _ kind: Kind) -> [File] {
        let makefile = name.words(cppMakefile)
            .replacing("?= ../../Sources/PluginABI/C/include", with: "?= .")
            .replacing("?= ../../Sources/PluginABI/Cpp", with: "?= .")
            .replacing("?= ../../Sources/PluginABI/exports.map", with: "?= exports.map")
        let (source, test, more): (String, String, [File]) =
            switch kind {
            case .strategy: (cppRows, cppRowsTest, [])
            case .executor: (cppWords, cppWordsTest, [])
            case .policy: (cppPrefer, cppPreferTest, [])
            case .provider: (cppCloud, cppCloudTest, [("uuid5.h", cCloudToken)])
            }
        return more + [
            ("\(name.name).cpp", name.code(source)), ("test.cpp", name.code(test)),
            ("json.hpp", cppJSON), ("fanfold_plugin.h", pluginHeader),
            ("fanfold_plugin.hpp", pluginHeaderCPP), ("fanfold_values.hpp", valuesHeaderCPP),
            ("exports.map", exportsMap), ("Makefile", makefile),
        ]
    }

    private static func rust(_ name: Renaming, _ kind: Kind) -> [File] {
        let (source, more): (String, [File]) =
            switch kind {
            case .strategy: (rustRows, [])
            case .executor: (rustWords, [])
            case .policy: (rustPrefer, [("src/policy.rs", rustPolicy)])
            case .provider: (rustCloud, [("src/uuid5.rs", rustCloudToken)])
            }
        return more + [
            ("Cargo.toml", name.words(rustPackage)), ("src/lib.rs", name.code(source)),
            ("src/components.rs", rustComponents), ("src/fanfold.rs", rustValues),
            ("src/ffi.rs", rustContract), ("src/json.rs", rustJSON),
            ("fanfold_plugin.h", pluginHeader), ("Makefile", name.words(rustMakefile)),
        ]
    }

    private static func swift(_ name: Renaming, _ kind: Kind, root: String) -> [File] {
        let package = name.code(swiftPackage).replacing("\"../..", with: "\"\(root)")
        let folder = "Sources/\(name.type)"
        let (source, tests, list, more): (String, String, String, [File]) =
            switch kind {
            case .strategy: (swiftRows, swiftRowsTests, "strategies", [])
            case .executor: (swiftWords, swiftWordsTests, "executors", [])
            case .policy: (swiftPrefer, swiftPreferTests, "policies", [])
            case .provider:
                (
                    swiftCloud, swiftCloudTests, "providers",
                    [("\(folder)/API.swift", swiftCloudAPI)]
                )
            }
        return more + [
            ("Package.swift", package), ("exports.map", exportsMap),
            ("\(folder)/\(name.type).swift", name.code(source)),
            (
                "Sources/Entry/Entry.swift",
                name.code(swiftEntry).replacing("strategies", with: list)
            ),
            ("Tests/\(name.type)Tests.swift", name.code(tests)),
            ("Makefile", name.words(swiftMakefile)),
        ]
    }

    private static func readme(_ name: Renaming, _ kind: Kind, _ language: Language) -> String {
        let source =
            switch language {
            case .c: "\(name.name).c"
            case .cpp: "\(name.name).cpp"
            case .rust: "src/lib.rs"
            case .swift: "Sources/\(name.type)/\(name.type).swift"
            }
        let article = kind == .executor ? "an" : "a"
        let more =
            switch kind {
            case .strategy, .executor:
                "| `fanfold run pipeline.yaml` | runs a pipeline that uses it |\n"
            case .provider: ""
            case .policy:
                "| `placement: {policy: com.example.\(name.name)}` | in `fanfold.yaml`: "
                    + "`fanfold serve` places by it |\n"
            }
        return """
            # \(name.name): \(article) \(kind.rawValue) for Fanfold

            | | |
            |---|---|
            | `make` | builds `libfanfold-\(name.name).so` |
            | `make test` | runs its tests, then `fanfold plugin check` on it; \
            `FANFOLD=/path/to/fanfold` if needed |
            \(more)
            The \(kind.rawValue) is in `\(source)`.  Its id is `com.example.\(name.name)`: put your
            own domain there\(kind == .provider || kind == .policy ? "" : ", and in `pipeline.yaml`").

            """
    }
}
