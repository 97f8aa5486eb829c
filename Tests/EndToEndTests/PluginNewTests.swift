import Foundation
import Testing

/// A project of `fanfold plugin new`.
struct NewPlugin: Sendable, CustomTestStringConvertible {
    var kind: String
    var language: String
    var testDescription: String { "\(kind) in \(language)" }

    static let kinds = ["strategy", "provider", "executor", "policy"]

    /// The projects in these languages.
    static func all(in languages: [String]) -> [NewPlugin] {
        languages.flatMap { language in
            kinds.map { NewPlugin(kind: $0, language: language) }
        }
    }
}

/// Each project that `fanfold plugin new` writes builds, passes its own tests and every check.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct PluginNewTests {
    /// Set by `scripts/test --all`: the projects in Swift take half a minute each.
    private static let testsAll = ProcessInfo.processInfo.environment["FANFOLD_TEST_ALL"] != nil

    /// Writes a project and runs a target of its makefile.
    private func make(_ project: NewPlugin, _ targets: [String]) async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await Fanfold.run(
            [
                "plugin", "new", "a-demo", "--kind", project.kind, "--lang", project.language,
                "--fanfold-path", Fanfold.root.path,
            ], in: folder)
        #expect(made.code == 0, "\(made.errors)")
        for target in targets {
            let built = try await Child(
                ["make", "-s", "-C", "\(folder.path)/a-demo", target],
                environment: ["FANFOLD": Fanfold.program]
            ).finish(within: 600)
            #expect(built.code == 0, "\(built.text)\(built.errors)")
            if ["c", "cpp", "rust"].contains(project.language) {
                #expect(!built.errors.contains("warning"), "\(built.errors)")
            }
        }
        let checked = try await Fanfold.run(
            ["plugin", "check", "\(folder.path)/a-demo/libfanfold-a-demo.so", "--output", "json"])
        #expect(checked.code == 0, "\(checked.text)")
        // What is linked against the Swift toolchain names its folder, and may warn of that.
        struct Report: Decodable {
            struct Check: Decodable { var name, status, message: String }
            var checks: [Check]
        }
        let report = try JSONDecoder().decode(Report.self, from: checked.output)
        let warnings = report.checks.filter {
            $0.status == "warning"
                && !(project.language == "swift" && $0.name == "no-rpath-outside-origin")
        }
        #expect(warnings.isEmpty, "\(warnings)")
    }

    @Test(
        .enabled(if: Fanfold.has("make"), "make is missing: NO PROJECT WAS BUILT"),
        arguments: NewPlugin.all(in: ["c"]))
    func `a project in C builds and passes its tests`(_ project: NewPlugin) async throws {
        try await make(project, ["test"])
    }

    // The other kinds in these languages are built by PageTests, under names without a hyphen.

    @Test(
        .enabled(
            if: Fanfold.has("make") && Fanfold.has("g++"), "g++ is missing: NO PROJECT WAS BUILT"),
        arguments: ["provider", "policy"])
    func `a project in C++ builds and passes its tests`(_ kind: String) async throws {
        try await make(NewPlugin(kind: kind, language: "cpp"), ["test"])
    }

    @Test(
        .enabled(
            if: Fanfold.has("make") && Fanfold.has("cargo"),
            "cargo is missing: NO PROJECT WAS BUILT"),
        arguments: ["executor", "policy"])
    func `a project in Rust builds and passes its tests`(_ kind: String) async throws {
        try await make(NewPlugin(kind: kind, language: "rust"), ["test"])
    }

    @Test(.enabled(if: Fanfold.has("make"), "make is missing: NO PROJECT WAS BUILT"))
    func `a provider in Swift builds and passes its check`() async throws {
        try await make(NewPlugin(kind: "provider", language: "swift"), ["all"])
    }

    @Test(
        .enabled(if: testsAll, "slow: FANFOLD_TEST_ALL is not set, as scripts/test --all does"),
        arguments: NewPlugin.all(in: ["swift"]))
    func `a project in Swift passes its tests, also with a runtime of its own`(
        _ project: NewPlugin
    ) async throws {
        try await make(project, ["test", "static"])
    }

    @Test(arguments: [
        (["a_b"], "small letters, digits and single hyphens"),
        (["test"], "choose another name"),
        (["demo", "--kind", "queue"], "strategy, provider, executor, policy"),
        (["demo", "--lang", "cobol"], "c, cpp, rust, swift"),
        (["demo", "--lang", "swift", "--fanfold-path", "/proc"], "folder of the fanfold package"),
    ])
    func `what cannot be written is refused and nothing is`(
        _ arguments: [String], _ wanted: String
    ) async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let refused = try await Fanfold.run(["plugin", "new"] + arguments, in: folder)
        #expect(refused.code == 2)
        #expect(refused.errors.contains(wanted), "\(refused.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
}
