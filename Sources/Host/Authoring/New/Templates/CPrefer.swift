// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-prefer/prefer.c: change that, then run it.
extension PluginTemplates {
    static let cPrefer = #"""
        /* prefer.c - a policy for Fanfold: prefers workers that have a label.
         *
         * Read fanfold_plugin.h first: it is the contract.  What this file shows:
         *   place      reads which requests and which kinds of workers there are, and answers one score for each
         *              pair.  The host keeps the scores, and chooses by them among the workers that have room.
         *   observe    is told how attempts ended; this policy learns nothing from it
         *   predict    is reserved: it says so, which is no failure of it
         * The host asks from one thread at a time: no locks.  What it does not answer within its budget, the
         * policy that is built into the host decides.
         */
        #include "fanfold_plugin.h"
        #include "json.h"
        #include <stdio.h>
        #include <stdlib.h>

        enum { MAX_LABEL_BYTES = 63 };

        struct fan_instance {
           char label[MAX_LABEL_BYTES + 1];
        };

        /* An answer that grows. */
        typedef struct text {
           char *bytes;
           size_t size, room;
           bool failed;
        } text;

        static void add(text *t, const char *bytes) {
           size_t size = strlen(bytes);
           if (t->size + size > t->room) {
              size_t room = 2 * t->room + size + 256;
              char *more = t->failed ? NULL : realloc(t->bytes, room);
              if (!more) {
                 t->failed = true;
                 return;
              }
              t->bytes = more;
              t->room = room;
           }
           memcpy(t->bytes + t->size, bytes, size);
           t->size += size;
        }

        static bool has_label(json worker, const char *label) {
           json labels, one;
           char found[MAX_LABEL_BYTES + 1];
           if (!json_member(worker, "labels", &labels)) return false;
           for (bool more = json_first(labels, &one); more; more = json_next(labels, &one))
              if (json_text(one, found, sizeof found) && !strcmp(found, label)) return true;
           return false;
        }

        /* The score of a kind of workers: whether it has the label.  It is the same for every request. */
        static const char *score(const fan_instance *instance, json worker) {
           return has_label(worker, instance->label) ? "1" : "0";
        }

        static void add_scores(text *answer, const fan_instance *instance, json workers) {
           json worker;
           add(answer, "[");
           bool more = json_first(workers, &worker);
           while (more) {
              add(answer, score(instance, worker));
              more = json_next(workers, &worker);
              if (more) add(answer, ",");
           }
           add(answer, "]");
        }

        static fan_code place(fan_instance *instance, fan_view snapshot, const fan_sink *sink, fan_error *err) {
           json document, requests, workers, request;
           if (!json_read(snapshot.data, snapshot.size, &document))
              return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "snapshot.", "wanted JSON");
           if (!json_member(document, "requests", &requests) || !json_member(document, "workers", &workers))
              return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "snapshot.", "wanted requests and workers");
           text answer = {0};
           add(&answer, "{\"scores\":[");
           bool more = json_first(requests, &request);
           while (more) {
              add_scores(&answer, instance, workers);
              more = json_next(requests, &request);
              if (more) add(&answer, ",");
           }
           add(&answer, "]}");
           fan_code code = answer.failed ? FAN_EXHAUSTED
                                         : sink->output(sink, (fan_view){answer.bytes, answer.size}, NULL, 0);
           free(answer.bytes);
           return code ? fan_fail(err, code, FAN_RETRY_LATER, "answer", "the answer could not be given") : FAN_OK;
        }

        static fan_code predict(fan_instance *instance, fan_view query, const fan_sink *sink, fan_error *err) {
           (void)instance, (void)query, (void)sink;
           return fan_fail(err, FAN_UNIMPLEMENTED, FAN_RETRY_NEVER, "predict", "this policy predicts nothing");
        }

        static void observe(fan_instance *instance, fan_view outcomes) { (void)instance, (void)outcomes; }

        static const fan_policy policy = {
           .struct_size = sizeof policy, .predict = predict, .observe = observe, .place = place};

        static const fan_component prefer = {
           .struct_size = sizeof prefer,
           .kind = FAN_KIND_POLICY,
           .needs_minor = 0,
           .id = "com.example.prefer",
           .version = "0.1.0",
           .summary = "Prefers workers that have a label.",
           .license = "Apache-2.0",
           .config_schema =
              "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
              "\"additionalProperties\":false,\"properties\":{\"label\":{\"type\":\"string\","
              "\"minLength\":1,\"maxLength\":63,\"default\":\"preferred\","
              "\"description\":\"The label, NAME or NAME=VALUE.\"}}}",
        };
        static const fan_component *const components[] = {&prefer, NULL};

        static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                               fan_instance **out, fan_error *err) {
           json document, value;
           (void)host;
           if (strcmp(component->id, prefer.id))
              return fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "component", "no such component");
           if (!json_read(config.data, config.size, &document) || *document.at != '{')
              return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "config.", "wanted a JSON object");
           fan_instance made = {.label = "preferred"};
           if (json_member(document, "label", &value) &&
               (!json_text(value, made.label, sizeof made.label) || !made.label[0]))
              return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "config./label", "wanted a label");
           fan_instance *instance = malloc(sizeof *instance);
           if (!instance) return fan_fail(err, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
           *instance = made;
           *out = instance;
           return FAN_OK;
        }

        static const void *query(fan_instance *instance, const char *id) {
           (void)instance;
           return strcmp(id, "fanfold.policy/1") ? NULL : &policy;
        }

        static void destroy(fan_instance *instance) { free(instance); }

        FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) {
           static const fan_plugin plugin = {
              .struct_size = sizeof plugin, .built_minor = FAN_ABI_MINOR, .components = components,
              .create = create, .query = query, .destroy = destroy,
           };
           return &plugin;
        }

        """#
}
