import Foundation
import Testing

/// Pipelines whose scripts, libraries and plugins lie with the client alone.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("cc") && Fanfold.has("python3"),
        "cc or python3 is missing: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(10)))
struct ShippingTests {
    /// Puts a prefix before what it is given.
    private static let executor = #"""
        #include "fanfold_plugin.h"
        #include <stdlib.h>
        #include <string.h>
        struct fan_instance { const fan_host *host; };
        static const fan_view none = {0, 0};
        static void drop(fan_blob *blob) { free((void *)blob->data); blob->release = NULL; }
        static void load(fan_instance *i, const fan_call *call, uint64_t module, fan_view spec,
                         const fan_blob *parts, uint32_t n) {
           i->host->complete(i->host, call->op, NULL, none, NULL, 0);
        }
        static void run(fan_instance *i, const fan_call *call, uint64_t module,
                        const fan_subtask *subtask) {
           uint64_t size = subtask->parts[0].size;
           char *said = malloc(size + 8);
           memcpy(said, "shout:\n", 7);
           memcpy(said + 7, subtask->parts[0].data, size);
           fan_blob part; memset(&part, 0, sizeof part);
           part.kind = FAN_BLOB_BYTES; part.data = said; part.size = size + 7; part.release = drop;
           i->host->complete(i->host, call->op, NULL, none, &part, 1);
        }
        static void unload(fan_instance *i, uint64_t module) {}
        static const fan_executor executor = {sizeof executor, 0, load, run, unload};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) {
           *out = calloc(1, sizeof **out);
           (*out)->host = h;
           return FAN_OK;
        }
        static const void *query(fan_instance *i, const char *id) {
           return strcmp(id, "fanfold.executor/1") ? NULL : &executor;
        }
        static void destroy(fan_instance *i) { free(i); }
        static const fan_component shouts = {sizeof shouts, FAN_KIND_EXECUTOR, 0, 0,
           "test.shout", "1.0.0", "Shouts.", NULL, "MIT", NULL, "{\"type\":\"object\"}", NULL};
        static const fan_component *const components[] = {&shouts, NULL};
        static const fan_plugin plugin = {sizeof plugin, 0, components, create, query, destroy};
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
        """#

    private static let pipeline = """
        fanfold: 1
        plugins: { shout: { path: lib/libfanfold-shout.so } }
        inputs: { n: { range: 6 } }
        tasks:
          scripts:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 2 }, merge: concat } }
            run: { command: [./bin/scale.sh, lib/factor.txt], cwd: pipeline, stdin: lines }
          python:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 2 }, merge: concat } }
            run: { command: [python3, "${pipeline.dir}/bin/add.py"], stdin: lines }
            files: ["bin/**/*.py"]
          native:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 2 }, merge: concat } }
            run: { native: { library: ./lib/libtwice.so, symbol: twice, signature: "double(double)" } }
          shouted:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 2 }, merge: concat } }
            run: { use: shout, stdin: lines, stdout: lines }
        outputs:
          a: { from: "${tasks.scripts.output}" }
          b: { from: "${tasks.python.output}" }
          c: { from: "${tasks.native.output}" }
          d: { from: "${tasks.shouted.output}" }
        """

    /// The client's folder, with all that the pipeline names.
    private static func project() async throws -> URL {
        let folder = try Fanfold.temporaryFolder()
        let files = [
            "pipeline.yaml": pipeline, "shout.c": executor,
            "twice.c": "double twice(double x) { return 2 * x; }\n",
            "bin/scale.sh":
                "#!/bin/sh\nread factor < \"$1\"\nwhile read n; do echo $((n * factor)); done\n",
            "bin/add.py":
                "import sys\nfrom parts import extra\nfor line in sys.stdin: print(int(line) + extra.more)\n",
            "bin/parts/__init__.py": "", "bin/parts/extra.py": "more = 100\n",
            "lib/factor.txt": "7\n",
        ]
        for (name, text) in files {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let path = folder.path
        _ = try await shell(
            "chmod 755 '\(path)/bin/scale.sh'; cc -std=gnu11 -D_GNU_SOURCE -w -fPIC -shared "
                + "-fvisibility=hidden -I Sources/PluginABI/C/include '\(path)/shout.c' "
                + "-o '\(path)/lib/libfanfold-shout.so'; "
                + "cc -fPIC -shared '\(path)/twice.c' -o '\(path)/lib/libtwice.so'")
        return folder
    }

    /// A coordinator that wants certificates, so that it shares no files with its workers.
    private final class Cluster {
        let state: URL
        let api: Int
        let wire: Int
        let coordinator: Child
        var workers: [Child] = []

        init() async throws {
            state = try Fanfold.temporaryFolder()
            api = Int.random(in: 20_000..<40_000)
            wire = api + 20_000
            coordinator = try Child(
                [
                    Fanfold.program, "serve", "--state", state.path, "--listen",
                    "127.0.0.1:\(api)", "--workers", "127.0.0.1:\(wire)", "--tls",
                ], in: try Fanfold.temporaryFolder())
            for _ in 0..<600 {
                if try await ask(["get", "workers"]).code == 0 { return }
                try await Task.sleep(for: .milliseconds(50))
            }
            Issue.record("the coordinator never answered")
        }

        /// Starts a worker that cannot look into the folders `hidden`.
        func startWorker(_ name: String, hidden: [URL]) async throws -> URL {
            let made = try await ask([
                "token", "create", "--role", "worker", "--output", "quiet",
            ])
            let string = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
            let folder = try Fanfold.temporaryFolder()
            let worker = [
                Fanfold.program, "worker", "--join", string, "--state", folder.path, "--name",
                name, "--cpus", "2", "--memory", "1GiB",
            ]
            let hide = hidden.map { "mount -t tmpfs none '\($0.path)' && " }.joined()
            workers.append(
                try Child(
                    hidden.isEmpty
                        ? worker
                        : ["unshare", "-m", "sh", "-c", hide + "exec \"$@\"", "sh"] + worker,
                    in: folder))
            return folder
        }

        func ask(_ arguments: [String], in folder: URL = Fanfold.root) async throws -> Finished {
            let token =
                (try? String(
                    contentsOf: state.appendingPathComponent("api-token"), encoding: .utf8)) ?? ""
            return try await Child(
                [Fanfold.program] + arguments, in: folder,
                environment: [
                    "FANFOLD_ADDRESS": "http://127.0.0.1:\(api)",
                    "FANFOLD_TOKEN": token.trimmingCharacters(in: .whitespacesAndNewlines),
                ]
            ).finish(within: 120)
        }

        func stop() async throws {
            for worker in workers { worker.send(SIGTERM) }
            for worker in workers { _ = try await worker.finish(within: 30) }
            coordinator.send(SIGTERM)
            #expect(try await coordinator.finish(within: 30).code == 0)
        }
    }

    /// Whether this process may make mount namespaces.
    private static let canHide: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["unshare", "-m", "true"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    @Test func `scripts, libraries and plugins travel, and give what they give on one machine`()
        async throws
    {
        let project = try await Self.project()
        let document = project.path + "/pipeline.yaml"
        let alone = try await Fanfold.run(["run", document], in: project)
        try #require(alone.code == 0, "\(alone.errors)")

        let cluster = try await Cluster()
        let hidden = Self.canHide ? [project, cluster.state.appendingPathComponent("runs")] : []
        let worker = try await cluster.startWorker("w", hidden: hidden)
        let submitted = try await cluster.ask(
            ["submit", document, "--follow"], in: try Fanfold.temporaryFolder())
        #expect(submitted.code == 0, "\(submitted.text) \(submitted.errors)")
        var together = Data()
        for name in ["a", "b", "c", "d"] {
            together += try await cluster.ask(["output", "last", name]).output
        }
        #expect(together == alone.output)

        // A run that is over leaves no folder on the worker.
        let runs = worker.appendingPathComponent("runs").path
        var left = ["?"]
        for _ in 0..<200 where !left.isEmpty {
            try await Task.sleep(for: .milliseconds(50))
            left = (try? FileManager.default.contentsOfDirectory(atPath: runs)) ?? []
        }
        #expect(left == [])
        try await cluster.stop()
    }

    @Test func `what travels is listed, and what cannot is refused with its place`() async throws {
        let project = try await Self.project()
        let document = project.path + "/pipeline.yaml"
        let listed = try await Fanfold.run(["validate", "--files", document])
        for line in [
            "lib/libfanfold-shout.so  (plugin)", "bin/scale.sh  (command)",
            "lib/factor.txt  (command)", "bin/add.py  (listed)", "bin/parts/extra.py  (listed)",
            "lib/libtwice.so  (library)",
        ] {
            #expect(listed.text.contains(line), "\(listed.text) \(listed.errors)")
        }
        let wrong = Self.pipeline
            .replacingOccurrences(of: "bin/**/*.py", with: "../secrets.txt")
            .replacingOccurrences(of: "./lib/libtwice.so", with: "./lib/nowhere.so")
        try Data(wrong.utf8).write(to: project.appendingPathComponent("wrong.yaml"))
        let refused = try await Fanfold.run(["validate", project.path + "/wrong.yaml"])
        #expect(refused.code == 2)
        #expect(refused.errors.contains("wrong.yaml:13:"), "\(refused.errors)")
        #expect(refused.errors.contains("below the folder of the document, found ../secrets.txt"))
        #expect(refused.errors.contains("there is no file ./lib/nowhere.so"), "\(refused.errors)")
    }

    @Test func `a link out of the folder does not travel, and only an admin grants`()
        async throws
    {
        let project = try await Self.project()
        let document = project.path + "/pipeline.yaml"
        let cluster = try await Cluster()
        let made = try await cluster.ask([
            "token", "create", "--role", "submit", "--output", "quiet",
        ])
        let granted = Self.pipeline.replacingOccurrences(
            of: "libfanfold-shout.so }", with: "libfanfold-shout.so, trusted: true }")
        try Data(granted.utf8).write(to: project.appendingPathComponent("granted.yaml"))
        let refused = try await Child(
            [Fanfold.program, "submit", project.path + "/granted.yaml"],
            environment: [
                "FANFOLD_ADDRESS": "http://127.0.0.1:\(cluster.api)",
                "FANFOLD_TOKEN": made.text.trimmingCharacters(in: .whitespacesAndNewlines),
            ]
        ).finish(within: 60)
        #expect(refused.code == 2, "\(refused.text)")
        #expect(
            refused.errors.contains("trusted: true, which only the submission of an admin"),
            "\(refused.errors)")

        _ = try await shell("ln -sf /etc/hostname '\(project.path)/lib/factor.txt'")
        let stray = try await cluster.ask(["submit", document])
        #expect(stray.code == 2)
        #expect(
            stray.errors.contains("lib/factor.txt lies outside the folder of the document"),
            "\(stray.errors)")
        try await cluster.stop()
    }
}
