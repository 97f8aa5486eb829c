/* policy.c - a policy that knows little and answers everything: the good one of the kit's corpus. */
#include "fanfold_plugin.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>

struct fan_instance {
   double mean_ns; /* of what was observed */
   uint64_t observed;
};

static fan_code put(const fan_sink *sink, const char *words, fan_error *err) {
   fan_code code = sink->output(sink, (fan_view){words, strlen(words)}, NULL, 0);
   return code ? fan_fail(err, code, FAN_RETRY_NEVER, "sink", "the host took no more") : FAN_OK;
}

static fan_code predict(fan_instance *instance, fan_view query, const fan_sink *sink, fan_error *err) {
   json document, value;
   uint64_t items = 1;
   if (!json_read(query.data, query.size, &document))
      return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "query.", "wanted JSON");
   if (json_member(document, "items", &value) && !json_count(value, &items)) items = 1;
   char words[96];
   snprintf(words, sizeof words, "{\"ran_ns\":%.17g}", instance->mean_ns * (double)items);
   return put(sink, words, err);
}

static void observe(fan_instance *instance, fan_view outcome) {
   json document, value;
   uint64_t ran = 0;
   if (!json_read(outcome.data, outcome.size, &document)) return;
   if (!json_member(document, "ran_ns", &value) || !json_count(value, &ran)) return;
   instance->observed++;
   instance->mean_ns += ((double)ran - instance->mean_ns) / (double)instance->observed;
}

static fan_code place(fan_instance *instance, fan_view snapshot, const fan_sink *sink, fan_error *err) {
   json document;
   (void)instance;
   if (!json_read(snapshot.data, snapshot.size, &document))
      return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "snapshot.", "wanted JSON");
   return put(sink, "{\"placements\":[]}", err);
}

static const fan_policy policy = {
   .struct_size = sizeof policy, .predict = predict, .observe = observe, .place = place};

static const fan_component mean = {
   .struct_size = sizeof mean,
   .kind = FAN_KIND_POLICY,
   .needs_minor = 0,
   .id = "com.example.mean",
   .version = "0.1.0",
   .summary = "Predicts the mean of what it has seen, and places nothing.",
   .license = "Apache-2.0",
   .config_schema = "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
                    "\"additionalProperties\":false,\"properties\":{}}",
};
static const fan_component *const components[] = {&mean, NULL};

static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                       fan_instance **out, fan_error *err) {
   json document;
   (void)host;
   if (strcmp(component->id, mean.id))
      return fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "component", "no such component");
   if (!json_read(config.data, config.size, &document) || *document.at != '{')
      return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, "config.", "wanted a JSON object");
   fan_instance *instance = calloc(1, sizeof *instance);
   if (!instance) return fan_fail(err, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
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
