import Foundation
import Testing

/// An executor that says how far it is and writes lines, on a worker that a coordinator asks.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("cc"), "cc is missing: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct ClusterProgressTests {
    /// Says that it is half done until a file is there.
    private static let executor = #"""
        #include "fanfold_plugin.h"
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        struct fan_instance { const fan_host *host; };
        static const fan_view none = {0, 0};
        static fan_view text(const char *s) { return (fan_view){s, strlen(s)}; }
        static void load(fan_instance *i, const fan_call *call, uint64_t module, fan_view spec,
                         const fan_blob *parts, uint32_t n) {
           i->host->complete(i->host, call->op, NULL, none, NULL, 0);
        }
        static void run(fan_instance *i, const fan_call *call, uint64_t module,
                        const fan_subtask *subtask) {
           const fan_host *host = i->host;
           host->log(host, FAN_LOG_INFO, "a line of the plugin", none);
           host->emit(host, call->op, text("{\"log\":\"a line of the call\"}"), NULL, 0);
           host->emit(host, call->op, text("{\"progress\":0.25,\"message\":\"a quarter\"}"), NULL, 0);
           for (int n = 0; n < 600 && access("GATE", F_OK) != 0; n++) {
              char said[100];
              snprintf(said, sizeof said,
                       "{\"progress\":0.50%04d,\"message\":\"half\\u001b[31m\"}", n);
              host->emit(host, call->op, text(said), NULL, 0);
              usleep(50000);
           }
           fan_blob part; memset(&part, 0, sizeof part);
           part.kind = FAN_BLOB_BYTES; part.data = "1\n"; part.size = 2;
           host->complete(host, call->op, NULL, none, &part, 1);
        }
        static void unload(fan_instance *i, uint64_t module) {}
        static const fan_executor executor = {sizeof executor, 0, load, run, unload};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) {
           fan_instance *i = calloc(1, sizeof *i);
           i->host = h;
           *out = i;
           return FAN_OK;
        }
        static const void *query(fan_instance *i, const char *id) {
           return strcmp(id, "fanfold.executor/1") ? NULL : &executor;
        }
        static void destroy(fan_instance *i) { free(i); }
        static const fan_component slow = {sizeof slow, FAN_KIND_EXECUTOR, 0, 0,
           "test.slow", "1.0.0", "Takes its time.", NULL, "MIT", NULL,
           "{\"type\":\"object\"}", NULL};
        static const fan_component *const components[] = {&slow, NULL};
        static const fan_plugin plugin = {sizeof plugin, 0, components, create, query, destroy};
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
        """#

    private func settings(gate: String) async throws -> String {
        let folder = try Fanfold.temporaryFolder()
        try Data(Self.executor.replacingOccurrences(of: "GATE", with: gate).utf8)
            .write(to: folder.appendingPathComponent("slow.c"))
        _ = try await shell(
            "cc -std=gnu11 -D_GNU_SOURCE -w -fPIC -shared -fvisibility=hidden "
                + "-I Sources/PluginABI/C/include '\(folder.path)/slow.c' "
                + "-o '\(folder.path)/libfanfold-test.slow.so'")
        let file = folder.appendingPathComponent("settings.yaml")
        try "plugins: { search-path: [\(folder.path)], cache: \(folder.path)/cache }\n"
            .write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    @Test func `progress is seen while it is made, and forgotten when the attempt has ended`()
        async throws
    {
        // In a folder that a helper's sandbox may look at.
        let gate = try Fanfold.temporaryFolder().appendingPathComponent("gate").path
        let cluster = try await LogCluster(workers: 1, settings: try await settings(gate: gate))
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            name: slow
            inputs: { n: { range: 1 } }
            tasks:
              wait:
                input: ${inputs.n}
                run: { use: test.slow, stdout: lines }
                timeout: 60s
            """)
        let submitted = try await cluster.ask(["submit", path])
        #expect(submitted.code == 0, "\(submitted.errors)")
        var shown = ""
        for _ in 0..<100 where !shown.contains("50 %") {
            shown = try await cluster.ask(["describe", "last"]).text
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(
            shown.contains("wait/0, attempt 1, worker 0: 50 % (half\\u{1b}[31m)"), "\(shown)")
        #expect(try await cluster.ask(["get", "last"]).text.contains("0 of 1 (+0.5)"))
        let logs = try await cluster.ask(["logs", "last", "wait/0"])
        #expect(logs.text.contains("a line of the plugin"), "\(logs.text)")
        #expect(logs.text.contains("a line of the call"), "\(logs.text)")
        let figures = try await cluster.figures()
        #expect(figures.contains("fanfold_progress_attempts 1"), "\(figures)")
        #expect(figures.contains("fanfold_progress_percent 50"), "\(figures)")
        let events = try await cluster.events(seconds: 2)
        #expect(events.contains("event: subtask.progressed"), "\(events)")
        // A worker says it at most twice a second, though the executor says it twenty times.
        let count = events.components(separatedBy: "event: subtask.progressed").count - 1
        #expect((1...5).contains(count), "\(events)")

        FileManager.default.createFile(atPath: gate, contents: nil)
        #expect(try await cluster.ask(["wait", "last"]).code == 0)
        #expect(try await !cluster.ask(["describe", "last"]).text.contains("%"))
        #expect(try await cluster.figures().contains("fanfold_progress_attempts 0"))
        try await cluster.stop()
    }
}
