import FanfoldJSON
import Foundation
import Testing

@testable import FanfoldAPI

/// The commands that ask a coordinator, as processes.
@Suite(
    .enabled(
        if: FileManager.default.isExecutableFile(atPath: Tools.program),
        "fanfold is not built: NO COMMAND WAS RUN"), .timeLimit(.minutes(10)))
struct ClientCommandTests {
    private static let pipeline = """
        fanfold: 1
        inputs: { rows: { file: rows.jsonl }, far: { file: "FAR/*.txt", format: files } }
        tasks:
          copy: { input: "${inputs.rows}", run: { command: [cat] } }
          read: { input: "${inputs.far}", run: { command: [cat, "${items}"], stdin: none } }
        """

    private static func run(
        _ server: TestServer, _ arguments: [String], as role: Role = .admin
    ) async throws -> Tools.Finished {
        try await Tools.run(
            [Tools.program] + arguments,
            environment: [
                "FANFOLD_ADDRESS": server.address, "FANFOLD_TOKEN": server.secrets[role] ?? "",
                "HOME": server.folder.path,
            ], in: server.folder)
    }

    private static func document(_ server: TestServer) throws -> String {
        let (near, far) = (server.folder.path + "/near", server.folder.path + "/far")
        for folder in [near, far] {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        }
        try Data("1\n2\n".utf8).write(to: URL(fileURLWithPath: near + "/rows.jsonl"))
        try Data("a".utf8).write(to: URL(fileURLWithPath: far + "/a.txt"))
        let text = pipeline.replacingOccurrences(of: "FAR", with: far)
        try Data(text.utf8).write(to: URL(fileURLWithPath: near + "/p.yaml"))
        return near + "/p.yaml"
    }

    @Test func `a pipeline is submitted with its files`() async throws {
        try await TestServer.run { server in
            let path = try Self.document(server)
            let finished = try await Self.run(
                server, ["submit", path, "--name", "rows", "--output", "quiet"], as: .submit)
            #expect(finished.code == 0, "\(finished.errors)")
            #expect(finished.output == "1\n")
            let taken = try #require(await server.plane.submissions.first)
            #expect(taken.name == "rows" && taken.submitter == "submit")
            #expect(taken.files.map(\.path) == ["rows.jsonl", "fanfold-inputs/far/0/a.txt"])
            #expect(await server.plane.blobBytes(taken.files[0].sha256) == Array("1\n2\n".utf8))
            #expect(taken.overrides.map(\.key) == ["inputs.far"])
            let value = try JSON(parsing: taken.overrides.first?.value ?? "")
            #expect(value["files"] == ["fanfold-inputs/far/0/a.txt"])
            #expect(value["format"] == "files")
        }
    }

    @Test func `runs are listed, shown, cancelled and repeated`() async throws {
        try await TestServer.run { server in
            for _ in 1...3 { _ = try await server.submit("scores") }
            await server.plane.start(3, subtasks: 5)
            let list = try await Self.run(server, ["get"])
            #expect(list.code == 0 && list.output.contains("0 of 5"))
            let some = try await Self.run(server, ["get", "1-2", "--output", "quiet"])
            #expect(some.output == "1\n2\n")
            let json = try await Self.run(server, ["get", "runs", "--output", "json"])
            let parsed = try JSON(parsing: json.output)
            #expect(parsed["version"] == 1 && parsed["runs"]?.arrayValue?.count == 3)
            let shown = try await Self.run(server, ["describe", "last"])
            #expect(shown.output.contains("run 3 (scores): running"))
            let cancelled = try await Self.run(server, ["cancel", "1,3", "--output", "quiet"])
            #expect(cancelled.output == "1\n3\n")
            await server.plane.end(2, .failed)
            let again = try await Self.run(server, ["retry", "2", "--failed", "--output", "quiet"])
            #expect(again.output == "4\n")
            #expect(try await Self.run(server, ["retry", "2"]).code == 2)
        }
    }

    @Test func `logs and reasons are shown, workers drained`() async throws {
        try await TestServer.run { server in
            _ = try await server.submit()
            await server.plane.start(1, subtasks: 1)
            let logs = try await Self.run(server, ["logs", "last", "task/0"])
            #expect(logs.output.contains("no such luck"))
            let why = try await Self.run(server, ["why", "1/task/0"])
            #expect(why.output == "task/0: there is no worker\n")
            let workers = try await Self.run(server, ["get", "workers"])
            #expect(workers.output.contains("8.0 GiB"))
            let drained = try await Self.run(server, ["drain", "1", "--output", "quiet"])
            #expect(drained.output == "draining\n")
        }
    }

    @Test func `a worker is described with what it has, what is on it and what speaks against it`()
        async throws
    {
        try await TestServer.run { server in
            let shown = try await Self.run(server, ["describe", "worker", "one"])
            #expect(shown.code == 0, "\(shown.errors)")
            for line in [
                "worker 1 (one): active", "from 127.0.0.1, version 0.1.0, joined",
                "suspicion 0.25", "labels: zone=a",
                "rented in pool gpus from aws: i-1, p4d, active, counted since "
                    + "2030-01-01T00:00:00.000Z, 32.5 an hour",
                "the last 2 ends were failures", "failed there and succeeded elsewhere: 7/train",
                "kept for 8/large until", "and 299 more",
            ] {
                #expect(shown.output.contains(line), "\(line) in \(shown.output)")
            }
            let words = shown.output.split(separator: "\n").map {
                $0.split(separator: " ").joined(separator: " ")
            }
            #expect(words.contains("cores 4 3 -"), "\(words)")
            #expect(words.contains("memory 8.0 GiB 7.0 GiB -"))
            let attempt = words.first { $0.hasPrefix("7 train 3 2 running") }
            #expect(attempt?.hasSuffix("1.50 cores, 1.0 GiB, 1 GPUs 0 50 %") == true, "\(words)")
            let quiet = try await Self.run(
                server, ["describe", "worker", "1", "--output", "quiet"])
            #expect(quiet.output == "active\n")
            #expect(try await Self.run(server, ["describe", "worker", "9"]).code == 3)
            #expect(try await Self.run(server, ["describe", "worker", "two"]).code == 3)
            #expect(try await Self.run(server, ["describe", "worker"]).code == 2)
            #expect(try await Self.run(server, ["describe", "1", "one"]).code == 2)
        }
    }

    @Test func `wait ends when the run does, with a code that says how`() async throws {
        try await TestServer.run { server in
            for _ in 1...2 { _ = try await server.submit() }
            async let first = Self.run(server, ["wait", "1", "--output", "quiet"])
            async let second = Self.run(server, ["wait", "2", "--output", "quiet"])
            await server.plane.end(1, .completed)
            await server.plane.end(2, .failed)
            let (fine, failed) = try await (first, second)
            #expect(fine.code == 0 && fine.output == "completed\n", "\(fine.errors)")
            #expect(failed.code == 1 && failed.output == "failed\n", "\(failed.errors)")
        }
    }

    @Test func `tokens are made, listed and revoked`() async throws {
        try await TestServer.run { server in
            let made = try await Self.run(
                server, ["token", "create", "--role", "read", "--name", "ci", "--expires", "1d"])
            #expect(made.output.hasPrefix("fft_"), "\(made.errors)")
            let join = try await Self.run(server, ["token", "create", "--role", "worker"])
            #expect(join.output == "ffj_secret\n")
            let list = try await Self.run(server, ["token", "list"])
            #expect(list.output.contains("ci") && list.output.contains("1 left"))
            #expect(try await Self.run(server, ["token", "revoke", "j1"]).code == 0)
            #expect(try await Self.run(server, ["token", "revoke", "j1"]).code == 3)
        }
    }

    @Test func `the exit code says what went wrong`() async throws {
        try await TestServer.run { server in
            #expect(try await Self.run(server, ["get", "7"]).code == 3)
            #expect(try await Self.run(server, ["describe"]).code == 3)
            #expect(try await Self.run(server, ["get"], as: .worker).code == 4)
            _ = try await server.submit()
            let cancel = try await Self.run(server, ["cancel", "1"], as: .read)
            #expect(cancel.code == 4 && cancel.errors.contains("role submit"))
            let nobody = try await Tools.run(
                [Tools.program, "get"],
                environment: ["FANFOLD_ADDRESS": "http://127.0.0.1:1", "FANFOLD_TOKEN": "t"])
            #expect(nobody.code == 5 && nobody.errors.contains("fanfold serve"))
            let unknown = try await Tools.run(
                [Tools.program, "get", "--context", "nowhere"],
                environment: ["XDG_CONFIG_HOME": server.folder.path])
            #expect(unknown.code == 5)
            for bad in ["0", "3-1", "1-", "a", "1,,2", "1-99999"] {
                #expect(try await Self.run(server, ["get", bad]).code == 2, "\(bad)")
            }
        }
    }
}
