import Foundation
import Testing

/// Locks, signatures, grants and replaced files, as a user meets them.
@Suite(
    .enabled(if: Fanfold.hasCommands && Fanfold.has("cc"), "cc is missing: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct TrustCommandTests {
    /// A plugin of the released contract with a pipeline that uses it.
    private struct Project {
        let folder: URL
        var library: String { folder.path + "/libfanfold-released.so" }
        var pipeline: String { folder.path + "/p.yaml" }

        init(command: String = "[cat]", more: String = "") async throws {
            folder = try Fanfold.temporaryFolder()
            try """
            fanfold: 1
            plugins: { released: { path: libfanfold-released.so\(more) } }
            inputs: { numbers: { range: 4 } }
            tasks:
              copy:
                input: ${inputs.numbers}
                strategy: { use: released }
                run: { command: \(command) }
            """.write(toFile: pipeline, atomically: true, encoding: .utf8)
            try await build("")
        }

        /// Puts a build in the place of the one there is.
        func build(_ flags: String) async throws {
            let release = "Tests/ReleasedContract/1.0"
            _ = try await shell(
                "cc -std=c11 -O1 -fPIC -shared -fvisibility=hidden -Wl,-z,now \(flags) "
                    + "-I \(release) \(release)/strategy/strategy.c -o '\(library).new' "
                    + "&& mv '\(library).new' '\(library)'")
        }

        func remove() { try? FileManager.default.removeItem(at: folder) }
    }

    @Test func `a locked plugin that was replaced is refused until it is accepted`() async throws {
        let project = try await Project()
        defer { project.remove() }
        #expect(try await Fanfold.run(["run", project.pipeline]).code == 0)
        let locked = try await Fanfold.run(["plugin", "lock", project.pipeline])
        #expect(locked.code == 0, "\(locked.errors)")
        #expect(try await Fanfold.run(["run", project.pipeline]).code == 0)
        try await project.build("-DNEWER -g")
        let refused = try await Fanfold.run(["run", project.pipeline])
        #expect(refused.code == 2)
        #expect(refused.errors.contains("p.yaml:2:"))
        #expect(refused.errors.contains("fanfold plugin lock \(project.pipeline)"))
        #expect(try await Fanfold.run(["plugin", "lock", project.pipeline]).code == 0)
        #expect(try await Fanfold.run(["validate", project.pipeline]).code == 0)
        try "version: 1\nplugin: []\n".write(
            toFile: project.folder.path + "/fanfold.lock", atomically: true, encoding: .utf8)
        let broken = try await Fanfold.run(["run", project.pipeline])
        #expect(broken.code == 2)
        #expect(broken.errors.contains("fanfold.lock:2:1: error: unknown key \"plugin\""))
    }

    @Test(arguments: ["run", "plan", "validate"])
    func `safe mode refuses what is not bundled, at its line`(_ command: String) async throws {
        let project = try await Project()
        defer { project.remove() }
        let refused = try await Fanfold.run([command, project.pipeline, "--safe-mode"])
        #expect(refused.code == 2)
        #expect(refused.errors.contains("p.yaml:2:"))
        #expect(refused.errors.contains("--safe-mode opens no other"))
        let example = try await Fanfold.run(
            ["validate", Fanfold.example("wordcount"), "--safe-mode"])
        #expect(example.code == 0, "\(example.errors)")
    }

    @Test func `a plugin is signed, verified and shown`() async throws {
        let project = try await Project()
        defer { project.remove() }
        let library = project.library
        #expect(try await Fanfold.run(["plugin", "verify", library]).code == 1)
        let made = try await Fanfold.run(["plugin", "keygen", "alice"], in: project.folder)
        #expect(made.code == 0 && made.text.hasPrefix("ed25519:"), "\(made.errors)")
        let again = try await Fanfold.run(["plugin", "keygen", "alice"], in: project.folder)
        #expect(again.code == 2)
        let key = project.folder.path + "/alice"
        let signed = try await Fanfold.run(["plugin", "sign", library, "--key", key + ".key"])
        #expect(signed.code == 0, "\(signed.errors)")
        let known = try await Fanfold.run(["plugin", "verify", library, "--key", key + ".pub"])
        #expect(known.code == 0)
        #expect(known.text.contains("signed by alice (key "))
        #expect(try await Fanfold.run(["plugin", "verify", library]).code == 1)
        let shown = try await Fanfold.run(["plugin", "show", library])
        #expect(shown.text.contains("not among plugins: allowed-keys"))
        #expect(shown.text.contains("asks for nothing"))
        #expect(try await Fanfold.run(["plugin", "verify", library + "x"]).code == 3)
        try await project.build("-DNEWER -g")
        let changed = try await Fanfold.run(["run", project.pipeline])
        #expect(changed.code == 2)
        #expect(changed.errors.contains("the file was changed after"))
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: key + ".key")
        let open = try await Fanfold.run(["plugin", "sign", library, "--key", key + ".key"])
        #expect(open.code == 2)
        #expect(open.errors.contains("wanted mode 600, found 644"))
    }

    @Test func `a run keeps the file it began with while the next one takes the new`() async throws
    {
        let gate = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: gate) }
        let wait = "cat; touch \(gate.path)/at-$$; until [ -e \(gate.path)/go ]; do :; done"
        let project = try await Project(command: "[sh, -c, \"\(wait)\"]", more: ", isolate: none")
        defer { project.remove() }
        let first = try Child([Fanfold.program, "run", project.pipeline])
        while try FileManager.default.contentsOfDirectory(atPath: gate.path).isEmpty {
            try await Task.sleep(for: .milliseconds(5))
        }
        try await project.build("-DNEWER -g")
        try Data().write(to: gate.appendingPathComponent("go"))
        let old = try await first.finish(within: 120)
        #expect(old.code == 0, "\(old.errors)")
        #expect(old.text == "0\n1\n2\n3\n")
        #expect(try await Fanfold.output(["run", project.pipeline]) == old.output)
    }

    @Test(arguments: ["strategy", "provider", "executor"])
    func `a plugin of the released contract passes the checks of today`(
        _ kind: String
    ) async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let library = folder.path + "/libfanfold-released.so"
        let release = "Tests/ReleasedContract/1.0"
        _ = try await shell(
            "cc -std=c11 -O1 -g -fPIC -shared -fvisibility=hidden -Wl,-z,now,-z,relro "
                + "-I \(release) \(release)/\(kind)/\(kind).c -o '\(library)'")
        let checked = try await Fanfold.run(["plugin", "check", library])
        #expect(checked.code == 0, "\(checked.text)\(checked.errors)")
    }
}
