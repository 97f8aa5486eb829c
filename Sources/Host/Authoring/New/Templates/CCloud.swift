// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-cloud/cloud.c: change that, then run it.
extension PluginTemplates {
    static let cCloud = #"""
        /* cloud.c - a provider for Fanfold: rents workers from the fake cloud, whose API is
         * docs/plugins/fake-cloud.md of Fanfold.
         *
         * Read fanfold_plugin.h first: it is the contract.  What this file shows:
         *   flow.h     one call of the host from its start to its one answer, request by request; every
         *              request goes through the host, signed by the name of a secret; what each error of
         *              the cloud means: what would make another try worth it
         *   launch     one token for each offering tried; too few workers are ended again
         * Replace the paths, the shapes and the table of errors by those of a cloud of yours, and take
         * "x-fanfold-cloud" out of the schema.
         */
        #include "flow.h"
        #include <threads.h>

        enum { EMIT_TRIES = 2000, EMIT_PAUSE_NS = 5000000 };

        /* --------------------------------------------------------------------- check, offerings -- */

        static void checked(flow *f, json document, const fan_error *refused) {
           (void)document;
           text words = {0};
           if (refused) return answer(f, refused, NULL, 0);
           text_put(&words, "{\"checks\":[{\"name\":\"credentials\",\"ok\":true,\"fix\":\"\"}]}");
           succeed(f, &words);
        }

        static void check(fan_instance *instance, const fan_call *call) {
           flow *f = begin(instance, call);
           text path = {0};
           if (!f) return;
           text_put(&path, "/v1/whoami");
           send(f, "GET", &path, NULL, checked);
        }

        static void next_page(flow *f);

        /* Hands over the page; a host that is busy is asked again after a while. */
        static void emit_page(void *user) {
           flow *f = user;
           const fan_host *host = f->instance->host;
           for (;;) {
              fan_code code = host->emit(host, f->op, (fan_view){f->page.data, f->page.size}, NULL, 0);
              if (code == FAN_OK) break;
              if (code != FAN_EXHAUSTED || ++f->tries > EMIT_TRIES)
                 return fail(f, code, code == FAN_EXHAUSTED ? FAN_RETRY_LATER : FAN_RETRY_NEVER, "emit",
                             "the host takes no more offerings");
              if (f->instance->lane) return f->instance->lane->after(host, EMIT_PAUSE_NS, emit_page, f);
              thrd_sleep(&(struct timespec){.tv_nsec = EMIT_PAUSE_NS}, NULL);
           }
           text_free(&f->page);
           f->tries = 0;
           text end = {0};
           if (f->page_token.size) return next_page(f);
           text_put(&end, "{}");
           succeed(f, &end);
        }

        /* An offering of the cloud as the contract says it. */
        static void add_offering(text *page, json offering) {
           static const char *const keys[][2] = {
              {"id", "id"}, {"region", "region"}, {"zone", "zone"}, {"cpu", "cpu"},
              {"memory", "memory_bytes"}, {"gpu", "gpu"}, {"market", "market"},
              {"price_per_hour", "price_per_hour"}, {"currency", "currency"}, {"as_of", "as_of"},
              {"available", "available"}, {"interruption", "interruption"}, {"boot_s", "boot_s"}};
           json value;
           const char *separator = "{";
           for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
              if (!json_member(offering, keys[i][1], &value)) continue;
              text_put(page, separator);
              text_string(page, keys[i][0], strlen(keys[i][0]));
              text_put(page, ":");
              text_json(page, value);
              separator = ",";
           }
           text_put(page, *separator == '{' ? "{}" : "}");
        }

        static void page_arrived(flow *f, json document, const fan_error *refused) {
           if (refused) return answer(f, refused, NULL, 0);
           json list, offering, token;
           text_free(&f->page_token);
           text_put(&f->page, "{\"offerings\":[");
           if (json_member(document, "offerings", &list) && json_first(list, &offering)) {
              add_offering(&f->page, offering);
              while (json_next(list, &offering)) {
                 text_put(&f->page, ",");
                 add_offering(&f->page, offering);
              }
           }
           text_put(&f->page, "]}");
           if (json_member(document, "next", &token)) text_of(&f->page_token, token);
           if (f->page.failed || f->page_token.failed)
              return fail(f, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
           emit_page(f);
        }

        static void next_page(flow *f) {
           text path = {0};
           text_put(&path, "/v1/offerings?region=");
           text_query(&path, f->instance->region, strlen(f->instance->region));
           if (f->page_token.size) {
              text_put(&path, "&page=");
              text_query(&path, f->page_token.data, f->page_token.size);
           }
           send(f, "GET", &path, NULL, page_arrived);
        }

        static void offerings(fan_instance *instance, const fan_call *call, fan_view query) {
           flow *f = begin(instance, call);
           json document;
           if (!f) return;
           if (query.size && !json_read(query.data, query.size, &document))
              return wrong(f, "query.", "wanted a JSON object");
           next_page(f);
        }

        /* -------------------------------------------------------------------------------- launch -- */

        static void try_offering(flow *f);

        static void answer_workers(flow *f) {
           text words = {0};
           text_put(&words, "{\"workers\":[");
           if (f->workers.size) text_add(&words, f->workers.data, f->workers.size);
           text_put(&words, "]}");
           words.failed |= f->workers.failed;
           succeed(f, &words);
        }

        /* Notes the workers of an answer. */
        static void add_workers(flow *f, json document) {
           json list, worker, id;
           if (!json_member(document, "workers", &list) || !json_first(list, &worker)) return;
           do {
              if (f->found++) text_put(&f->workers, ","), text_put(&f->found_ids, ",");
              text_json(&f->workers, worker);
              if (json_member(worker, "id", &id)) text_json(&f->found_ids, id);
           } while (json_next(list, &worker));
        }

        static void too_few(flow *f) {
           fail(f, FAN_EXHAUSTED, FAN_RETRY_ELSEWHERE, "capacity",
                "wanted more workers than these offerings have room for; ask for other offerings");
        }

        static void ended_again(flow *f, json document, const fan_error *refused) {
           (void)document;
           if (refused) return answer(f, refused, NULL, 0);
           too_few(f);
        }

        /* Enough workers are a success; what is too few is ended again. */
        static void finish_launch(flow *f) {
           if (f->found >= f->min) return answer_workers(f);
           if (f->found == 0) return too_few(f);
           text path = {0}, body = {0};
           text_put(&path, "/v1/terminate");
           text_put(&body, "{\"ids\":[");
           text_put(&body, f->found_ids.data);
           text_put(&body, "]}");
           send(f, "POST", &path, &body, ended_again);
        }

        static void launched(flow *f, json document, const fan_error *refused) {
           if (refused && refused->retry != FAN_RETRY_ELSEWHERE) return answer(f, refused, NULL, 0);
           if (!refused) add_workers(f, document);
           f->has_offering = json_next(f->offerings, &f->offering);
           try_offering(f);
        }

        /* The boot text with the line by which a worker that nobody renews ends itself. */
        static void add_boot(text *body, const flow *f) {
           text boot = {0};
           text_of(&boot, f->boot);
           if (f->has_expires) {
              if (boot.size && boot.data[boot.size - 1] != '\n') text_put(&boot, "\n");
              text_put(&boot, "# fanfold-expires: ");
              text_of(&boot, f->expires);
              text_put(&boot, "\n");
           }
           text_string(body, boot.data ? boot.data : "", boot.size);
           body->failed |= boot.failed;
           text_free(&boot);
        }

        static void try_offering(flow *f) {
           if (f->found >= f->max || !f->has_offering) return finish_launch(f);
           json id = f->offering, first;
           if (*id.at == '{' && !json_member(f->offering, "id", &id))
              return wrong(f, "request./offerings", "wanted an offering with an id");
           text path = {0}, body = {0}, name = {0}, space = {0};
           char token[37];
           text_of(&name, id);
           text_of(&space, f->token);
           uuid5(space.data ? space.data : "", space.size, name.data ? name.data : "", name.size, token);
           text_free(&name);
           text_free(&space);
           text_put(&path, "/v1/launch");
           text_put(&body, "{\"token\":\"");
           text_put(&body, token);
           text_put(&body, "\",\"offering\":");
           text_json(&body, id);
           text_put(&body, ",\"count\":");
           text_number(&body, f->max - f->found);
           text_put(&body, ",\"boot\":");
           add_boot(&body, f);
           text_put(&body, ",\"tags\":{\"token\":");
           text_json(&body, f->token);
           first = f->tags;
           if (first.at && json_take(&first, '{') && !json_take(&first, '}')) {
              text_put(&body, ",");
              text_add(&body, first.at, (size_t)(f->tags.end - first.at)); /* with the closing brace */
           } else {
              text_put(&body, "}");
           }
           text_put(&body, "}");
           send(f, "POST", &path, &body, launched);
        }

        static void launch(fan_instance *instance, const fan_call *call, fan_view request) {
           flow *f = begin(instance, call);
           json document, count, value;
           if (!f) return;
           if (!json_read(request.data, request.size, &document))
              return wrong(f, "request.", "wanted a JSON object");
           if (!json_member(document, "token", &f->token) || *f->token.at != '"')
              return wrong(f, "request./token", "wanted the token of the launch");
           if (!json_member(document, "offerings", &f->offerings) || *f->offerings.at != '[')
              return wrong(f, "request./offerings", "wanted a list of offerings, best first");
           if (!json_member(document, "count", &count) || !json_member(count, "min", &value) ||
               !json_count(value, &f->min) || !json_member(count, "max", &value) ||
               !json_count(value, &f->max) || f->max < f->min)
              return wrong(f, "request./count", "wanted whole numbers 0 <= min <= max");
           if (!json_member(document, "boot", &f->boot)) f->boot = (json){"\"\"", "\"\"" + 2};
           if (!json_member(document, "tags", &f->tags)) f->tags = (json){NULL, NULL};
           f->has_expires = json_member(document, "expires", &f->expires);
           f->has_offering = json_first(f->offerings, &f->offering);
           try_offering(f);
        }

        /* --------------------------------------------------------------------- describe, terminate -- */

        /* Whether a worker of the answer has this id. */
        static bool is_listed(json document, json id) {
           json list, worker, other;
           if (!json_member(document, "workers", &list) || !json_first(list, &worker)) return false;
           do {
              if (json_member(worker, "id", &other) && other.end - other.at == id.end - id.at &&
                  !memcmp(other.at, id.at, (size_t)(id.end - id.at)))
                 return true;
           } while (json_next(list, &worker));
           return false;
        }

        static void described(flow *f, json document, const fan_error *refused) {
           json id;
           if (refused) return answer(f, refused, NULL, 0);
           add_workers(f, document);
           /* The list lags behind: what is not in it yet starts, and is not gone. */
           for (bool more = f->ids.at && json_first(f->ids, &id); more; more = json_next(f->ids, &id)) {
              if (is_listed(document, id)) continue;
              if (f->found++) text_put(&f->workers, ",");
              text_put(&f->workers, "{\"id\":");
              text_json(&f->workers, id);
              text_put(&f->workers, ",\"state\":\"starting\"}");
           }
           answer_workers(f);
        }

        static void describe(fan_instance *instance, const fan_call *call, fan_view query) {
           flow *f = begin(instance, call);
           json document, value;
           text path = {0};
           if (!f) return;
           if (!json_read(query.data, query.size, &document))
              return wrong(f, "query.", "wanted a JSON object");
           text_put(&path, "/v1/workers?");
           if (json_member(document, "owner", &value)) {
              text_put(&path, "owner=");
              text_query_of(&path, value);
           } else if (json_member(document, "token", &value)) {
              text_put(&path, "token=");
              text_query_of(&path, value);
           } else if (json_member(document, "ids", &f->ids) && *f->ids.at == '[') {
              const char *separator = "ids=";
              bool more = json_first(f->ids, &value);
              if (!more) {
                 text_free(&path);
                 return answer_workers(f);
              }
              for (; more; more = json_next(f->ids, &value), separator = ",") {
                 text_put(&path, separator);
                 text_query_of(&path, value);
              }
           } else {
              text_free(&path);
              return wrong(f, "query./ids", "wanted \"owner\", \"token\" or \"ids\"");
           }
           send(f, "GET", &path, NULL, described);
        }

        static void terminated(flow *f, json document, const fan_error *refused) {
           json left, first;
           text words = {0};
           if (refused) return answer(f, refused, NULL, 0);
           if (!json_member(document, "left", &left) || !json_first(left, &first)) {
              text_put(&words, "{\"left\":[]}");
              return succeed(f, &words);
           }
           fan_error err = {.struct_size = sizeof err};
           text message = {0};
           text_put(&message, "wanted all workers ended, some are left for now: ");
           text_json(&message, left);
           fan_fail(&err, FAN_UNAVAILABLE, FAN_RETRY_LATER, "terminate.left", "");
           copy_message(&err, &message);
           text_put(&words, "{\"left\":");
           text_json(&words, left);
           text_put(&words, "}");
           answer(f, &err, words.data, words.size);
           text_free(&message);
           text_free(&words);
        }

        static void terminate(fan_instance *instance, const fan_call *call, fan_view request) {
           flow *f = begin(instance, call);
           json document;
           text path = {0}, body = {0};
           if (!f) return;
           if (!json_read(request.data, request.size, &document) ||
               !json_member(document, "ids", &f->ids) || *f->ids.at != '[')
              return wrong(f, "request./ids", "wanted a list of ids");
           text_put(&path, "/v1/terminate");
           text_put(&body, "{\"ids\":");
           text_json(&body, f->ids);
           text_put(&body, "}");
           send(f, "POST", &path, &body, terminated);
        }

        /* --------------------------------------------------------------------------------- entry -- */

        static const fan_provider provider = {
           .struct_size = sizeof provider, .check = check, .offerings = offerings, .launch = launch,
           .describe = describe, .terminate = terminate,
        };

        static const char *const services[] = {"fanfold.http/1", NULL};

        static const fan_component cloud = {
           .struct_size = sizeof cloud,
           .kind = FAN_KIND_PROVIDER,
           .needs_minor = 0,
           .id = "com.example.cloud",
           .version = "0.1.0",
           .summary = "Rents workers from the fake cloud.",
           .license = "Apache-2.0",
           .config_schema =
              "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
              "\"x-fanfold-cloud\":\"fake/1\",\"additionalProperties\":false,\"properties\":{"
              "\"endpoint\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"maxLength\":255,"
              "\"default\":\"http://fake-cloud.test\","
              "\"description\":\"What stands in front of every path.\"},"
              "\"secret\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":127,\"default\":\"fake\","
              "\"description\":\"The name of the secret that signs; the host has it.\"},"
              "\"region\":{\"type\":\"string\",\"maxLength\":127,\"default\":\"here\","
              "\"description\":\"Where workers are rented.\"}}}",
           .needs_services = services,
        };
        static const fan_component *const components[] = {&cloud, NULL};

        /* A setting that is a string of fewer than `room` bytes; without it, what is there stays. */
        static bool setting(json config, const char *key, char *value, size_t room) {
           json found;
           if (!json_member(config, key, &found)) return true;
           text plain = {0};
           text_of(&plain, found);
           bool good = *found.at == '"' && !plain.failed && plain.size < room &&
                       strlen(plain.data ? plain.data : "") == plain.size;
           if (good) memcpy(value, plain.data ? plain.data : "", plain.size + 1);
           text_free(&plain);
           return good;
        }

        static fan_code configure(fan_instance *instance, fan_view config, fan_error *err) {
           json document;
           const char *bad = NULL;
           strcpy(instance->endpoint, "http://fake-cloud.test");
           strcpy(instance->secret, "fake");
           strcpy(instance->region, "here");
           if (!json_read(config.data, config.size, &document) || *document.at != '{')
              bad = "config.";
           else if (!setting(document, "endpoint", instance->endpoint, sizeof instance->endpoint) ||
                    (strncmp(instance->endpoint, "http://", 7) &&
                     strncmp(instance->endpoint, "https://", 8)))
              bad = "config./endpoint";
           else if (!setting(document, "secret", instance->secret, sizeof instance->secret) ||
                    !instance->secret[0])
              bad = "config./secret";
           else if (!setting(document, "region", instance->region, sizeof instance->region))
              bad = "config./region";
           return bad ? fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, bad,
                                 "wanted what the schema of the configuration says")
                      : FAN_OK;
        }

        static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                               fan_instance **out, fan_error *err) {
           if (strcmp(component->id, cloud.id))
              return fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "component", "no such component");
           if (host->struct_size < sizeof *host)
              return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "host",
                              "wanted the fan_host of this contract, found a shorter one");
           const fan_http *http = host->service(host, "fanfold.http/1");
           const fan_lane *lane = host->service(host, "fanfold.lane/1");
           if (!http || http->struct_size < sizeof *http)
              return fan_fail(err, FAN_PRECONDITION, FAN_RETRY_NEVER, "service.fanfold.http/1",
                              "wanted the service fanfold.http/1, which this host withholds");
           fan_instance *instance = calloc(1, sizeof *instance);
           if (!instance) return fan_fail(err, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
           instance->host = host;
           instance->http = http;
           instance->lane = lane && lane->struct_size >= sizeof *lane ? lane : NULL;
           fan_code code = configure(instance, config, err);
           if (code == FAN_OK) *out = instance;
           else free(instance);
           return code;
        }

        static const void *query(fan_instance *instance, const char *id) {
           (void)instance;
           return strcmp(id, "fanfold.provider/1") ? NULL : &provider;
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
