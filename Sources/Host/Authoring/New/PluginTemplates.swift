/// The files of a new plugin: the examples of this repository under another name.
package enum PluginTemplates {
    /// The languages that `fanfold plugin new` knows.
    package enum Language: String, CaseIterable {
        case c
        case swift
        case rust
    }

    /// The files of a project, by path within its folder.
    ///
    /// Parameter root: Where the package that holds PluginKit is; Swift only.
    package static func files(
        _ name: PluginName, _ language: Language, root: String
    ) -> [(path: String, text: String)] {
        let shared = [
            ("pipeline.yaml", name.rename(examplePipeline)),
            ("README.md", readme(name, language)),
            (".gitignore", "*.so\ntarget/\n.build/\n"),
        ]
        switch language {
        case .c:
            let makefile = name.rename(cMakefile).replacing(
                "INCLUDE ?= ../../Sources/PluginABI/C/include", with: "INCLUDE ?= .")
            return shared + [
                ("\(name.text).c", name.rename(cStrategy)), ("json.h", cJSON),
                ("fanfold_plugin.h", pluginHeader), ("Makefile", makefile),
            ]
        case .rust:
            return shared + [
                ("Cargo.toml", name.rename(rustPackage)),
                ("src/lib.rs", name.rename(rustStrategy)), ("src/ffi.rs", rustContract),
                ("src/json.rs", rustJSON), ("fanfold_plugin.h", pluginHeader),
                ("Makefile", name.rename(rustMakefile)),
            ]
        case .swift:
            let package = name.rename(swiftPackage).replacing(
                "path: \"../..\"", with: "path: \"\(root)\"")
            let folder = "Sources/\(name.type)"
            return shared + [
                ("Package.swift", package), ("exports.map", exportsMap),
                ("\(folder)/\(name.type).swift", name.rename(swiftStrategy)),
                ("\(folder)/Entry.swift", name.rename(swiftEntry)),
                ("Makefile", name.rename(swiftMakefile)),
            ]
        }
    }

    private static func readme(_ name: PluginName, _ language: Language) -> String {
        let source =
            switch language {
            case .c: "\(name.text).c"
            case .rust: "src/lib.rs"
            case .swift: "Sources/\(name.type)/\(name.type).swift"
            }
        return """
            # \(name.text): a strategy for Fanfold

            | | |
            |---|---|
            | `make` | builds `libfanfold-\(name.text).so` |
            | `make test` | runs `fanfold plugin check` on it; `FANFOLD=/path/to/fanfold` if needed |
            | `fanfold run pipeline.yaml` | runs a pipeline that uses it |

            The strategy is in `\(source)`.  Its id is `com.example.\(name.text)`: put your own
            domain there, and in `pipeline.yaml`.

            """
    }
}

/// A checked name of a plugin.
package struct PluginName {
    /// The longest name, in bytes.
    package static let maximumBytes = 40

    /// The name as the user wrote it.
    package let text: String

    /// The name as a Swift type: `word-count` is `WordCount`.
    var type: String {
        text.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// A name: small letters, digits and single hyphens, a letter first.
    ///
    /// `nil` for any other.
    package init?(_ text: String) {
        let words = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.maximumBytes, let first = text.utf8.first,
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first),
            words.allSatisfy({ word in
                !word.isEmpty
                    && word.utf8.allSatisfy { byte in
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    }
            })
        else { return nil }
        self.text = text
    }

    /// The example under this name, where it says its own.
    func rename(_ text: String) -> String {
        let places = [
            ("com.example.rows", "com.example.\(self.text)"),
            ("fanfold-rows", "fanfold-\(self.text)"),
            ("fanfold_rows", "fanfold_\(self.text.replacing("-", with: "_"))"),
            ("rows.c - ", "\(self.text).c - "), ("NAME     = rows", "NAME     = \(self.text)"),
            ("name: rows", "name: \(self.text)"), ("  rows: {", "  \(self.text): {"),
            ("[Rows.self]", "[\(type).self]"), ("struct Rows:", "struct \(type):"),
            ("\"Rows\"", "\"\(type)\""),
        ]
        return places.reduce(text) { $0.replacing($1.0, with: $1.1) }
    }
}
