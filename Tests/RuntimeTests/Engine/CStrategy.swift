@preconcurrency import Glibc

/// A strategy in C, made by `cc` for one test.
struct CStrategy {
    /// What `begin` does; it may return.
    var begin = ""
    /// What `split` does before it says that there is no more.
    var split = ""
    /// What `end` does.
    var end = ""

    /// The task of a pipeline that uses it, and the plugin that it comes from.
    static func pipeline(_ more: String = "") -> String {
        """
        fanfold: 1
        name: c
        deadline: 1m
        plugins:
          odd: {path: ./libfanfold-odd.so}
        inputs: {n: {range: 4}}
        tasks:
          t:
            input: ${inputs.n}
            strategy: odd
            run: {use: noop}
            \(more)
        outputs: {o: {from: "${tasks.t.output}"}}
        """
    }

    /// Compiles it into the folder; whether that went well.
    func build(in folder: TemporaryFolder) -> Bool {
        folder.write("odd.c", source)
        let root = #filePath.split(separator: "/").dropLast(4).reduce("") { "\($0)/\($1)" }
        let words = [
            "cc", "-std=gnu11", "-w", "-fPIC", "-shared", "-fvisibility=hidden",
            "-I", root + "/Sources/PluginABI/C/include", folder.path + "/odd.c",
            "-o", folder.path + "/libfanfold-odd.so",
        ]
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child = pid_t()
        guard posix_spawnp(&child, words[0], nil, nil, &pointers, environ) == 0 else {
            return false
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 && errno == EINTR {}
        return status == 0
    }

    private var source: String {
        """
        #include "fanfold_plugin.h"
        #include <fcntl.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        static void say(const char *path, const char *what) {
           int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
           if (write(file, what, strlen(what)) < 0) abort();
           close(file);
        }
        static fan_code put(const fan_sink *sink, uint64_t id, const char *spec) {
           fan_subtask subtask = {sizeof(fan_subtask), 0, id, {spec, strlen(spec)}, NULL};
           return sink->subtask(sink, &subtask);
        }
        static fan_code begin(fan_instance *i, uint64_t t, fan_view spec, const fan_blob *inputs,
                              uint32_t n, fan_error *err) { \(begin) return FAN_OK; }
        static fan_code split(fan_instance *i, uint64_t t, uint32_t want, const fan_sink *sink,
                              uint32_t *state, fan_error *err) {
           *state = FAN_SPLIT_END; \(split) return FAN_OK;
        }
        static fan_code on_result(fan_instance *i, uint64_t t, const fan_result *r,
                                  const fan_sink *sink, fan_error *err) { return FAN_OK; }
        static fan_code on_failure(fan_instance *i, uint64_t t, uint64_t s, const fan_error *why,
                                   uint32_t attempts, const fan_sink *sink, uint32_t *verdict,
                                   fan_error *err) {
           *verdict = FAN_FAILED_TASK; return FAN_OK;
        }
        static fan_code finish(fan_instance *i, uint64_t t, const fan_sink *sink, fan_error *err) {
           return FAN_OK;
        }
        static void end(fan_instance *i, uint64_t t) { \(end) }
        static const fan_strategy table = {sizeof(fan_strategy), 0, begin, split, on_result,
                                           on_failure, NULL, NULL, finish, end};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) {
           *out = (fan_instance *)calloc(1, 8); return FAN_OK;
        }
        static const void *query(fan_instance *i, const char *id) {
           return strcmp(id, "fanfold.strategy/1") ? NULL : &table;
        }
        static void destroy(fan_instance *i) { free(i); }
        static const fan_component component = {sizeof(fan_component), FAN_KIND_STRATEGY, 0, 0,
           "test.odd", "1.0.0", "Odd.", NULL, NULL, NULL, "{\\"type\\":\\"object\\"}", NULL};
        static const fan_component *const components[] = {&component, NULL};
        static const fan_plugin plugin = {sizeof(fan_plugin), 7, components, create, query,
                                          destroy};
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
        """
    }
}
