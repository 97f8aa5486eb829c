@preconcurrency import Glibc
import Logging
import Synchronization

@testable import FanfoldPlugins

/// A folder of its own that is gone with the object.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/fanfold-plugin-tests-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit {
        _ = run(["rm", "-rf", path])
    }

    /// Writes a file and gives its path.
    func write(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        precondition(descriptor >= 0 && Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        return file
    }
}

/// Runs a command and gives its exit status.
func run(_ arguments: [String]) -> Int32 {
    var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child = pid_t()
    guard posix_spawnp(&child, arguments[0], nil, nil, &pointers, environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status
}

/// Plugins in C, made by `cc` for one test.
struct CPlugin {
    static let include: String = {
        let parts = #filePath.split(separator: "/")
        return "/" + parts.dropLast(4).joined(separator: "/") + "/Sources/PluginABI/C/include"
    }()

    /// A strategy with every part replaceable by a macro.
    static let source = """
        #include "fanfold_plugin.h"
        #include <stdlib.h>
        #ifndef ENTRY
        #define ENTRY fanfold_plugin_v1
        #endif
        #ifndef ID
        #define ID "fanfold.echo"
        #endif
        #ifndef NEEDS_MINOR
        #define NEEDS_MINOR 0
        #endif
        #ifndef SCHEMA
        #define SCHEMA "{\\"type\\":\\"object\\",\\"properties\\":{\\"size\\":{\\"default\\":4}}}"
        #endif
        #ifndef SUMMARY
        #define SUMMARY "Echoes."
        #endif
        #ifndef SERVICES
        #define SERVICES NULL
        #endif
        #ifndef PLUGIN_SIZE
        #define PLUGIN_SIZE sizeof(fan_plugin)
        #endif
        #ifndef COMPONENT_SIZE
        #define COMPONENT_SIZE sizeof(fan_component)
        #endif
        #ifndef STRATEGY_SIZE
        #define STRATEGY_SIZE sizeof(fan_strategy)
        #endif
        #ifndef CREATE
        #define CREATE create
        #endif
        #ifndef DESTROY
        #define DESTROY destroy
        #endif
        #ifndef FINISH
        #define FINISH finish
        #endif
        #ifndef COMPONENTS
        #define COMPONENTS components
        #endif
        #ifndef EXTRA
        #define EXTRA
        #endif
        #ifndef EARLY
        #define EARLY
        #endif
        #ifndef SPLIT_BODY
        #define SPLIT_BODY *state = FAN_SPLIT_END; return FAN_OK;
        #endif
        #ifndef CREATE_BODY
        #define CREATE_BODY *out = (fan_instance *)calloc(1, 64); return FAN_OK;
        #endif
        #ifndef FAILURE_BODY
        #define FAILURE_BODY *verdict = why->code == FAN_DEADLINE ? FAN_FAILED_RETRY : FAN_FAILED_SKIP; \\
           return FAN_OK;
        #endif
        #ifndef QUERY_BODY
        #define QUERY_BODY return strcmp(id, "fanfold.strategy/1") ? NULL : &table;
        #endif
        static const fan_sink *kept;
        static const fan_host *the_host;
        static fan_blob own(const char *text) {
           fan_blob blob; memset(&blob, 0, sizeof blob);
           blob.kind = FAN_BLOB_BYTES; blob.data = text; blob.size = strlen(text);
           return blob;
        }
        static fan_code begin(fan_instance *i, uint64_t t, fan_view spec, const fan_blob *inputs,
                              uint32_t n, fan_error *err) {
           if (spec.size == 3) return fan_fail(err, FAN_INVALID, FAN_RETRY_RENEWED, "bad", "no");
           return FAN_OK;
        }
        static fan_code split(fan_instance *i, uint64_t t, uint32_t want, const fan_sink *sink,
                              uint32_t *state, fan_error *err) { kept = sink; SPLIT_BODY }
        static fan_code on_result(fan_instance *i, uint64_t t, const fan_result *r,
                                  const fan_sink *sink, fan_error *err) {
           fan_view json = {"{}", 2};
           fan_code code = sink->output(sink, json, r->parts, r->part_count);
           return code;
        }
        static fan_code on_failure(fan_instance *i, uint64_t t, uint64_t s, const fan_error *why,
                                   uint32_t attempts, const fan_sink *sink, uint32_t *verdict,
                                   fan_error *err) { FAILURE_BODY }
        static fan_code finish(fan_instance *i, uint64_t t, const fan_sink *sink, fan_error *err) {
           return FAN_OK;
        }
        static void end(fan_instance *i, uint64_t t) {}
        static const fan_strategy table = {STRATEGY_SIZE, 0, begin, split, on_result, on_failure,
                                           NULL, NULL, FINISH, end};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) { the_host = h; CREATE_BODY }
        static const void *query(fan_instance *i, const char *id) { QUERY_BODY }
        static void destroy(fan_instance *i) { free(i); }
        static const fan_component component = {COMPONENT_SIZE, FAN_KIND_STRATEGY, 0, NEEDS_MINOR,
           ID, "1.0.0", SUMMARY, NULL, NULL, NULL, SCHEMA, SERVICES};
        static const fan_component *const components[] = {&component, NULL};
        EARLY
        static const fan_plugin plugin = {PLUGIN_SIZE, 7, COMPONENTS, CREATE, query, DESTROY};
        FAN_EXPORT const fan_plugin *ENTRY(void) { return &plugin; }
        EXTRA
        """

    /// Compiles the plugin with these macros and gives the library's path.
    static func build(
        in folder: TemporaryFolder, name: String = "libfanfold-echo.so",
        _ macros: [String: String] = [:], flags: [String] = []
    ) -> String {
        let defines = macros.sorted { $0.key < $1.key }.map { "#define \($0.key) \($0.value)\n" }
        let source = folder.write("\(name).c", (defines.joined() + Self.source).utf8)
        let library = folder.path + "/" + name
        let status = run(
            ["cc", "-std=gnu11", "-w", "-fPIC", "-shared", "-fvisibility=hidden", "-I", include]
                + flags + [source, "-o", library])
        precondition(status == 0, "cc compiles \(name)")
        return library
    }
}

/// A registry that looks in `folder` and keeps its copies below it.
func registry(_ folder: TemporaryFolder, log: LogLines = LogLines()) -> PluginRegistry {
    PluginRegistry(
        searchPath: [folder.path], cacheDirectory: folder.path + "/cache/deep", logger: log.logger)
}

/// What was logged, for a test to read.
final class LogLines: Sendable {
    let lines = Mutex<[String]>([])

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(lines: self) }
        logger.logLevel = .trace
        return logger
    }

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
            let pairs = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            lines.lines.withLock {
                $0.append("\(event.level) \(event.message) \(pairs.joined(separator: " "))")
            }
        }
    }
}
