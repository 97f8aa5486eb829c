import Testing

/// The rules of the house that a machine can check.
@Suite struct TidyTests {
    static let rules = CodeRules.all + TextRules.all + [DocumentationRule.rule]

    @Test(arguments: rules)
    func `every file of the project keeps the rule`(_ rule: Rule) {
        let findings = Repository.files.flatMap(rule.check)
        #expect(findings.isEmpty, "\(listing(findings))")
    }

    @Test(arguments: rules)
    func `a rule fails on each of its bad examples`(_ rule: Rule) {
        #expect(!rule.bad.isEmpty)
        for example in rule.bad {
            let findings = rule.check(SourceFile(path: example.path, text: example.text))
            #expect(!findings.isEmpty, "nothing found in \(example.path):\n\(example.text)")
        }
    }

    @Test(arguments: rules)
    func `a rule leaves its good examples alone`(_ rule: Rule) {
        for example in rule.good {
            let findings = rule.check(SourceFile(path: example.path, text: example.text))
            #expect(findings.isEmpty, "\(listing(findings))")
        }
    }

    @Test func `the walk sees the files of every folder`() {
        let paths = Repository.files.map(\.path)
        for wanted in [
            "Package.swift", "README.md", "scripts/test", "Sources/PluginABI/C/layout.c",
            "Tests/TidyTests/TidyTests.swift",
        ] {
            #expect(paths.contains(wanted), "\(wanted) was not found")
        }
        #expect(!paths.contains { $0.contains(".build/") })
    }

    @Test(.enabled(if: Tools.hasGit, "git, or a checkout of its own, is missing: nothing checked"))
    func `nothing that is built is tracked`() throws {
        let listed = try #require(Repository.output(of: ["git", "ls-files"])).text
        let built = listed.split(separator: "\n").filter(isBuilt)
        #expect(built.isEmpty, "tracked: \(built.joined(separator: ", "))")
    }

    @Test(arguments: [
        ".build/debug/a.o", "Package.resolved", "examples/a/target/b", "x/libfanfold-a.so",
    ])
    func `a built file is known by its path`(_ path: String) {
        #expect(isBuilt(path[...]))
        #expect(!isBuilt("Sources/A.swift"))
    }

    @Test(.enabled(if: Tools.hasFormatter, "swift format is missing: NO FORMAT WAS CHECKED"))
    func `swift format has nothing to say`() throws {
        let answer = try #require(
            Repository.output(of: [
                "swift", "format", "lint", "--strict", "--parallel", "--recursive", "Package.swift",
                "Sources", "Plugins", "Tests",
            ]))
        #expect(
            answer.code == 0,
            "\(answer.text.split(separator: "\n").prefix(40).joined(separator: "\n"))")
    }

    @Test(.enabled(if: Tools.hasFormatter, "swift format is missing: NO FORMAT WAS CHECKED"))
    func `swift format refuses a file out of order`() throws {
        let answer = try #require(
            Repository.output(of: [
                "sh", "-c", "printf 'let  a=1\\n' | swift format lint --strict",
            ]))
        #expect(answer.code != 0)
    }

    private func isBuilt(_ path: Substring) -> Bool {
        path.hasPrefix(".build/") || path.hasSuffix("Package.resolved") || path.contains("/target/")
            || path.hasSuffix(".so") || path.hasSuffix(".o")
    }

    private func listing(_ findings: [Finding]) -> String {
        let shown = findings.prefix(40).map(\.description).joined(separator: "\n")
        return findings.count > 40 ? shown + "\n… and \(findings.count - 40) more" : shown
    }
}

/// The tools that two of the tests need.
enum Tools {
    static let hasGit =
        Repository.output(of: ["git", "ls-files", "--error-unmatch", "Package.swift"])?.code == 0
    static let hasFormatter = Repository.output(of: ["swift", "format", "--version"])?.code == 0
}
