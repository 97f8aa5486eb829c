import Foundation
import Testing

/// An executor that asks for HTTP and the store, through the whole program.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("cc") && Fanfold.has("python3"),
        "cc or python3 is missing: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct GrantRunTests {
    /// Counts its runs in the store, asks the server of its configuration, and gives both back.
    private static let executor = #"""
        #include "fanfold_plugin.h"
        #include <stdio.h>
        #include <stdlib.h>
        struct fan_instance { const fan_host *host; char url[200]; };
        struct fetch { const fan_host *host; fan_op op; int runs; };
        static const fan_view none = {0, 0};
        static void drop(fan_blob *blob) { free((void *)blob->data); blob->release = NULL; }
        static void load(fan_instance *i, const fan_call *call, uint64_t module, fan_view spec,
                         const fan_blob *parts, uint32_t n) {
           i->host->complete(i->host, call->op, NULL, none, NULL, 0);
        }
        static void fetched(void *user, const fan_error *err, int32_t status, fan_view headers,
                            fan_blob *body) {
           struct fetch *fetch = user;
           if (err) {
              fetch->host->complete(fetch->host, fetch->op, err, none, NULL, 0);
           } else {
              fan_blob part; memset(&part, 0, sizeof part);
              char *said = malloc(300);
              part.kind = FAN_BLOB_BYTES; part.data = said; part.release = drop;
              part.size = snprintf(said, 300, "run %d: %d %.*s\n", fetch->runs, status,
                                   (int)body->size, (const char *)body->data);
              fetch->host->complete(fetch->host, fetch->op, NULL, none, &part, 1);
           }
           free(fetch);
        }
        static void run(fan_instance *i, const fan_call *call, uint64_t module,
                        const fan_subtask *subtask) {
           const fan_host *host = i->host;
           const fan_store *store = host->service(host, "fanfold.store/1");
           const fan_http *http = host->service(host, "fanfold.http/1");
           fan_error error; memset(&error, 0, sizeof error); error.struct_size = sizeof error;
           if (!store || !http) {
              fan_fail(&error, FAN_PRECONDITION, FAN_RETRY_NEVER, "service", "a service is missing");
              return host->complete(host, call->op, &error, none, NULL, 0);
           }
           struct fetch *fetch = calloc(1, sizeof *fetch);
           fetch->host = host; fetch->op = call->op;
           fan_blob kept; memset(&kept, 0, sizeof kept);
           if (store->get(host, "runs", &kept, &error) == FAN_OK) {
              fetch->runs = *(const char *)kept.data - '0';
              if (kept.release) kept.release(&kept);
           }
           fetch->runs++;
           char digit = (char)('0' + fetch->runs);
           memset(&error, 0, sizeof error); error.struct_size = sizeof error;
           if (store->put(host, "runs", (fan_view){&digit, 1}, &error) != FAN_OK) {
              free(fetch);
              return host->complete(host, call->op, &error, none, NULL, 0);
           }
           char request[300];
           int size = snprintf(request, sizeof request, "{\"url\":\"%s\"}", i->url);
           http->fetch(host, call->op, (fan_view){request, (uint64_t)size}, NULL, fetched, fetch);
        }
        static void unload(fan_instance *i, uint64_t module) {}
        static const fan_executor executor = {sizeof executor, 0, load, run, unload};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) {
           const char *url = memmem(config.data, config.size, "http:", 5);
           fan_instance *i = calloc(1, sizeof *i);
           if (url) for (int n = 0; n < 199 && url[n] != '"'; n++) i->url[n] = url[n];
           i->host = h;
           *out = i;
           return FAN_OK;
        }
        static const void *query(fan_instance *i, const char *id) {
           return strcmp(id, "fanfold.executor/1") ? NULL : &executor;
        }
        static void destroy(fan_instance *i) { free(i); }
        static const char *const services[] = {"fanfold.http/1", "fanfold.store/1", NULL};
        static const fan_component greets = {sizeof greets, FAN_KIND_EXECUTOR, 0, 0,
           "test.greeter", "1.0.0", "Asks a server.", NULL, "MIT", NULL,
           "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"}}}", services};
        static const fan_component *const components[] = {&greets, NULL};
        static const fan_plugin plugin = {sizeof plugin, 0, components, create, query, destroy};
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
        """#

    /// Says hello to everybody who asks, on a port that it writes down.
    private static let server = """
        import http.server, os
        class Hello(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = ("hello " + self.path).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *_): pass
        hello = http.server.HTTPServer(("127.0.0.1", 0), Hello)
        with open("port.new", "w") as file: file.write(str(hello.server_port))
        os.rename("port.new", "port")
        hello.serve_forever()
        """

    /// The plugin, a server, and settings that keep all that is written in one folder.
    private final class Project {
        let folder: URL
        let server: Child
        let port: String
        var library: String { folder.path + "/libfanfold-greeter.so" }

        init() async throws {
            let folder = try Fanfold.temporaryFolder()
            self.folder = folder
            try Data(GrantRunTests.executor.utf8).write(
                to: folder.appendingPathComponent("greeter.c"))
            _ = try await shell(
                "cc -std=gnu11 -D_GNU_SOURCE -w -fPIC -shared -fvisibility=hidden "
                    + "-I Sources/PluginABI/C/include '\(folder.path)/greeter.c' "
                    + "-o '\(folder.path)/libfanfold-greeter.so'")
            try """
            plugins: { cache: \(folder.path)/cache }
            state: \(folder.path)/state
            """.write(
                to: folder.appendingPathComponent("settings.yaml"), atomically: true,
                encoding: .utf8)
            server = try Child(["python3", "-c", GrantRunTests.server], in: folder)
            port = try await Self.port(in: folder)
        }

        deinit {
            server.send(SIGTERM)
            try? FileManager.default.removeItem(at: folder)
        }

        /// What the server writes once it listens.
        private static func port(in folder: URL) async throws -> String {
            let end = Date(timeIntervalSinceNow: 60)
            let file = folder.appendingPathComponent("port")
            while Date() < end {
                if let text = try? String(contentsOf: file, encoding: .utf8) { return text }
                try await Task.sleep(for: .milliseconds(5))
            }
            throw OverTime(command: ["python3", "-c", "(the server)"], seconds: 60)
        }

        /// Runs a pipeline of one subtask that asks the server.
        func run(grant: String, _ more: String...) async throws -> Finished {
            try """
            fanfold: 1
            plugins:
              greeter: { path: libfanfold-greeter.so\(grant) }
            inputs: { numbers: { range: 1 } }
            tasks:
              greet:
                input: ${inputs.numbers}
                strategy: { use: data-parallel, with: { shards: 1 } }
                run: { use: greeter, with: { url: "http://127.0.0.1:\(port)/you" }, stdout: lines }
            """.write(
                to: folder.appendingPathComponent("p.yaml"), atomically: true, encoding: .utf8)
            return try await Fanfold.run(
                ["run", folder.path + "/p.yaml", "--config", folder.path + "/settings.yaml"]
                    + more)
        }

        var full: String { ", grant: { hosts: [\"127.0.0.1:\(port)\"], store: true }" }
    }

    @Test func `what is not granted is refused before anything runs, and said where to grant`()
        async throws
    {
        let project = try await Project()
        let refused = try await project.run(grant: "")
        #expect(refused.code == 2)
        #expect(refused.errors.contains("p.yaml:3:"), "\(refused.errors)")
        for (service, key) in [
            ("http", "hosts: [api.example.com]"), ("store", "store: true"),
        ] {
            #expect(
                refused.errors.contains(
                    "test.greeter asks for fanfold.\(service)/1, which is not granted; if you "
                        + "trust it, grant it with plugins: {greeter: {grant: {\(key)}}}"),
                "\(refused.errors)")
        }
        let half = try await project.run(grant: ", grant: { store: true }")
        #expect(half.code == 2)
        #expect(half.errors.contains("fanfold.http/1, which is not granted"))
        #expect(!half.errors.contains("fanfold.store/1, which is not granted"))
        #expect(
            !FileManager.default.fileExists(atPath: project.folder.path + "/state"),
            "nothing ran, so nothing was stored")
    }

    @Test(arguments: ["", ", isolate: none"])
    func `what is granted works, and the store keeps values from run to run`(
        _ isolation: String
    ) async throws {
        let project = try await Project()
        for number in 1...2 {
            let finished = try await project.run(grant: project.full + isolation)
            try #require(finished.code == 0, "\(finished.errors)")
            #expect(finished.text == "run \(number): 200 hello /you\n")
            #expect(
                finished.errors.contains(
                    "test.greeter (not signed) is granted hosts 127.0.0.1:\(project.port); store"),
                "\(finished.errors)")
        }
    }

    @Test func `another host than the granted ones is not reached`() async throws {
        let project = try await Project()
        let finished = try await project.run(
            grant: ", grant: { hosts: [\"127.0.0.1:1\"], store: true }")
        #expect(finished.code == 1)
        #expect(finished.errors.contains("127.0.0.1"), "\(finished.errors)")
        #expect(finished.errors.contains("grant"), "\(finished.errors)")
    }

    @Test func `what a plugin asks for is shown, and safe mode refuses it with its grant`()
        async throws
    {
        let project = try await Project()
        let shown = try await Fanfold.output(["plugin", "show", project.library])
        #expect(
            String(decoding: shown, as: UTF8.self).contains(
                "asks for fanfold.http/1, fanfold.store/1; to grant in the pipeline: "
                    + "fanfold.http/1, fanfold.store/1"))
        let safe = try await project.run(grant: project.full, "--safe-mode")
        #expect(safe.code == 2)
        #expect(safe.errors.contains("p.yaml:3:"), "\(safe.errors)")
        #expect(safe.errors.contains("--safe-mode opens no other"))
    }
}
