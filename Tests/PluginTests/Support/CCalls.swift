@testable import FanfoldPlugins

/// An executor and a provider in C that do what the spec says, made by `cc` for one test.
enum CCalls {
    static let source = #"""
        #include "fanfold_plugin.h"
        #include "fanfold_data.h"
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        struct fan_instance { const fan_host *host; int loads; };
        static int says(fan_view view, const char *word) {
           return view.size && memmem(view.data, view.size, word, strlen(word)) != NULL;
        }
        static void drop(fan_blob *blob) { free((void *)blob->data); blob->release = NULL; }
        static fan_blob text(const char *text) {
           fan_blob blob; memset(&blob, 0, sizeof blob);
           blob.kind = FAN_BLOB_BYTES; blob.data = strdup(text); blob.size = strlen(text);
           blob.release = drop;
           return blob;
        }
        static const fan_view none = {0, 0};
        static void end(const fan_host *host, fan_op op, const char *said) {
           fan_blob part = text(said);
           host->complete(host, op, NULL, none, &part, 1);
        }
        static void fail(const fan_host *host, fan_op op, fan_code code, const char *reason) {
           fan_error error; memset(&error, 0, sizeof error);
           fan_fail(&error, code, FAN_RETRY_LATER, reason, "it failed as it was told");
           host->complete(host, op, &error, none, NULL, 0);
        }
        static void load(fan_instance *i, const fan_call *call, uint64_t module, fan_view spec,
                         const fan_blob *parts, uint32_t n) {
           i->loads++;
           if (says(spec, "refuse")) return fail(i->host, call->op, FAN_INVALID, "spec.");
           i->host->complete(i->host, call->op, NULL, none, NULL, 0);
        }
        struct later { const fan_host *host; fan_op op; };
        static void wake(void *user) {
           struct later *later = user;
           end(later->host, later->op, "later");
           free(later);
        }
        static void fetched(void *user, const fan_error *err, int32_t status, fan_view headers,
                            fan_blob *body) {
           struct later *later = user;
           char said[200];
           if (err) snprintf(said, sizeof said, "error %d %s", err->code, err->reason);
           else snprintf(said, sizeof said, "%d %.*s", status, (int)body->size, (const char *)body->data);
           end(later->host, later->op, said);
           free(later);
        }
        static void run(fan_instance *i, const fan_call *call, uint64_t module,
                        const fan_subtask *subtask) {
           const fan_host *host = i->host;
           fan_view spec = subtask->spec;
           struct later *later = malloc(sizeof *later);
           later->host = host; later->op = call->op;
           if (says(spec, "crash")) abort();
           if (says(spec, "exit")) _exit(9);
           if (says(spec, "hang")) for (;;) pause();
           if (says(spec, "wait")) {
              while (!host->cancelled(host, call->op)) usleep(1000);
              return fail(host, call->op, FAN_CANCELLED, "cancelled");
           }
           if (says(spec, "fail")) return fail(host, call->op, FAN_EXHAUSTED, "full");
           if (says(spec, "after")) {
              const fan_lane *lane = host->service(host, "fanfold.lane/1");
              return lane->after(host, 1000000, wake, later);
           }
           if (says(spec, "spawn")) {
              const fan_lane *lane = host->service(host, "fanfold.lane/1");
              return lane->spawn(host, wake, later);
           }
           if (says(spec, "fetch")) {
              const fan_http *http = host->service(host, "fanfold.http/1");
              fan_view request = {"{\"url\":\"http://example.test/x\"}", 31};
              if (!http) return end(host, call->op, "no http");
              return http->fetch(host, call->op, request, NULL, fetched, later);
           }
           if (says(spec, "store")) {
              const fan_store *store = host->service(host, "fanfold.store/1");
              fan_error error; memset(&error, 0, sizeof error);
              fan_blob out; memset(&out, 0, sizeof out);
              fan_view value = {"kept", 4};
              if (!store) return end(host, call->op, "no store");
              fan_code put = store->put(host, "key", value, &error);
              fan_code got = store->get(host, "key", &out, &error);
              fan_code lost = store->get(host, "other", &out, &error);
              char said[99];
              snprintf(said, sizeof said, "%d %d %.*s %d", put, got, (int)out.size,
                       (const char *)out.data, lost);
              if (out.release) out.release(&out);
              return end(host, call->op, said);
           }
           if (says(spec, "tensor")) {
              static float numbers[6] = {1, 2, 3, 4, 5, 6};
              static int64_t shape[2] = {2, 3};
              static DLManagedTensorVersioned tensor;
              tensor.version.major = 1;
              tensor.dl_tensor.data = numbers;
              tensor.dl_tensor.device.device_type = FAN_DL_CPU;
              tensor.dl_tensor.ndim = 2;
              tensor.dl_tensor.dtype.code = 2;
              tensor.dl_tensor.dtype.bits = 32;
              tensor.dl_tensor.dtype.lanes = 1;
              tensor.dl_tensor.shape = shape;
              fan_blob part; memset(&part, 0, sizeof part);
              part.kind = FAN_BLOB_TENSOR; part.data = &tensor;
              return host->complete(host, call->op, NULL, none, &part, 1);
           }
           if (says(spec, "shapes")) {
              char said[400]; int at = 0;
              for (uint32_t n = 0; n < subtask->part_count; n++) {
                 fan_blob part = subtask->parts[n];
                 if (says(spec, "take")) subtask->parts[n].release = NULL;
                 if (part.kind == FAN_BLOB_TENSOR) {
                    const DLTensor *t = &((const DLManagedTensorVersioned *)part.data)->dl_tensor;
                    at += snprintf(said + at, sizeof said - at, "%d%d", t->dtype.code, t->dtype.bits);
                    int64_t count = 1; double sum = 0;
                    for (int axis = 0; axis < t->ndim; axis++) {
                       at += snprintf(said + at, sizeof said - at, " %ld", (long)t->shape[axis]);
                       count *= t->shape[axis];
                    }
                    for (int64_t k = 0; k < count; k++) sum += ((const float *)t->data)[k];
                    at += snprintf(said + at, sizeof said - at, " sum %g", sum);
                 } else if (part.kind == FAN_BLOB_ARROW) {
                    const struct ArrowArray *a = part.data;
                    const struct ArrowSchema *s = part.type;
                    at += snprintf(said + at, sizeof said - at, "%s %ld %s %d", s->format,
                       (long)a->length, s->children[0]->name,
                       ((const int *)a->children[0]->buffers[1])[a->length - 1]);
                 } else {
                    at += snprintf(said + at, sizeof said - at, "bytes %d", (int)part.size);
                 }
                 at += snprintf(said + at, sizeof said - at, "; ");
                 if (says(spec, "take") && part.release) part.release(&part);
              }
              return end(host, call->op, said);
           }
           if (says(spec, "double")) end(host, call->op, "first");
           if (says(spec, "emit")) {
              fan_view json = {"{\"done\":1}", 10};
              host->emit(host, call->op, json, NULL, 0);
           }
           if (says(spec, "loads")) {
              char said[20]; snprintf(said, sizeof said, "%d", i->loads);
              return end(host, call->op, said);
           }
           fan_blob part; memset(&part, 0, sizeof part);
           if (subtask->part_count) {
              part = text("");
              free((void *)part.data);
              char *copy = malloc(subtask->parts[0].size + 1);
              memcpy(copy, subtask->parts[0].data, subtask->parts[0].size);
              part.data = copy; part.size = subtask->parts[0].size;
              part.handle = subtask->parts[0].handle;
           }
           host->complete(host, call->op, NULL, subtask->spec, &part, subtask->part_count ? 1 : 0);
        }
        static void unload(fan_instance *i, uint64_t module) {}
        static const fan_executor executor = {sizeof executor, 0, load, run, unload};
        static void check(fan_instance *i, const fan_call *call) {
           fan_view json = {"{\"checks\":[]}", 13};
           i->host->complete(i->host, call->op, NULL, json, NULL, 0);
        }
        static void same(fan_instance *i, const fan_call *call, fan_view query) {
           if (says(query, "crash")) abort();
           i->host->complete(i->host, call->op, NULL, query, NULL, 0);
        }
        static const fan_provider provider = {sizeof provider, 0, check, same, same, same, same};
        static fan_code create(const fan_component *c, const fan_host *h, fan_view config,
                               fan_instance **out, fan_error *err) {
           if (says(config, "refuse")) return fan_fail(err, FAN_INVALID, 0, "config./refuse", "no");
           *out = calloc(1, sizeof **out); (*out)->host = h;
           return FAN_OK;
        }
        static const void *query(fan_instance *i, const char *id) {
           if (!strcmp(id, "fanfold.executor/1")) return &executor;
           return strcmp(id, "fanfold.provider/1") ? NULL : &provider;
        }
        static void destroy(fan_instance *i) { free(i); }
        static const fan_component runs = {sizeof runs, FAN_KIND_EXECUTOR, 0, 0, "test.runs",
           "1.0.0", "Runs.", NULL, "MIT", NULL, "{\"type\":\"object\"}", NULL};
        static const fan_component rents = {sizeof rents, FAN_KIND_PROVIDER, 0, 0, "test.rents",
           "1.0.0", "Rents.", NULL, "MIT", NULL, "{\"type\":\"object\"}", NULL};
        static const fan_component *const components[] = {&runs, &rents, NULL};
        static const fan_plugin plugin = {sizeof plugin, 0, components, create, query, destroy};
        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
        """#

    /// Compiles it and gives the library's path.
    static func build(in folder: TemporaryFolder) -> String {
        let source = folder.write("calls.c", source.utf8)
        let library = folder.path + "/libfanfold-calls.so"
        let status = run(
            [
                "cc", "-std=gnu11", "-w", "-D_GNU_SOURCE", "-fPIC", "-shared",
                "-fvisibility=hidden", "-I", CPlugin.include, source, "-o", library,
            ])
        precondition(status == 0, "cc compiles the plugin of calls")
        return library
    }
}
