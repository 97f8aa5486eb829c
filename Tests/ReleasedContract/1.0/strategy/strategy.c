/* released-strategy.c - a strategy for Fanfold: fixed chunks of items, results in the order of the items.
 *
 * Read fanfold_plugin.h first: it is the contract.  What this file shows:
 *   begin      reads lengths, never data
 *   split      hands out slices of the input by reference, a few at a time
 *   on_result  keeps the blobs of a result: nothing is copied
 *   finish     gives the kept blobs back to the host as the result of the task
 */
#include "fanfold_plugin.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>

typedef struct kept { /* The result of one subtask. */
   fan_blob *parts;
   uint32_t count;
} kept;

typedef struct task {
   struct task *next;
   uint64_t id, items, next_item, next_subtask;
   char format[32];
   kept *results; /* by subtask id */
   uint64_t room;
} task;

struct fan_instance {
   uint64_t chunk;
   task *tasks;
};

static fan_code no_memory(fan_error *err) {
   return fan_fail(err, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
}

static fan_code wrong(fan_error *err, const char *reason, const char *message) {
   return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, reason, message);
}

static task *find(fan_instance *instance, uint64_t id, fan_error *err) {
   for (task *t = instance->tasks; t; t = t->next)
      if (t->id == id) return t;
   fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "task", "no such task has begun");
   return NULL;
}

static fan_code begin(fan_instance *instance, uint64_t id, fan_view spec, const fan_blob *inputs,
                      uint32_t n, fan_error *err) {
   json document, list, input, value;
   (void)inputs;
   if (find(instance, id, NULL))
      return fan_fail(err, FAN_EXISTS, FAN_RETRY_NEVER, "task", "this task has begun already");
   if (!json_read(spec.data, spec.size, &document)) return wrong(err, "spec", "spec is not JSON");
   if (!json_member(document, "inputs", &list) || !json_first(list, &input) || n < 1)
      return wrong(err, "spec./inputs", "wanted one input, found none");
   task *t = calloc(1, sizeof *t);
   if (!t) return no_memory(err);
   if (!json_member(input, "items", &value) || !json_count(value, &t->items)) {
      free(t);
      return wrong(err, "spec./inputs/0/items", "wanted a whole number of items");
   }
   if (!json_member(input, "format", &value) || !json_text(value, t->format, sizeof t->format))
      strcpy(t->format, "lines");
   t->id = id;
   t->next = instance->tasks;
   instance->tasks = t;
   return FAN_OK;
}

static fan_code split(fan_instance *instance, uint64_t id, uint32_t want, const fan_sink *sink,
                      uint32_t *state, fan_error *err) {
   task *t = find(instance, id, err);
   if (!t) return FAN_NOT_FOUND;
   for (; want > 0 && t->next_item < t->items; want--) {
      uint64_t left = t->items - t->next_item;
      uint64_t count = left < instance->chunk ? left : instance->chunk;
      fan_blob part = {.kind = FAN_BLOB_ITEMS, .handle = 0, .offset = t->next_item, .size = count};
      fan_subtask subtask = {
         .struct_size = sizeof subtask, .id = t->next_subtask, .parts = &part, .part_count = 1};
      if (sink->subtask(sink, &subtask) != FAN_OK)
         return fan_fail(err, FAN_CANCELLED, FAN_RETRY_NEVER, "cancelled", "not wanted any more");
      t->next_item += count;
      t->next_subtask++;
   }
   *state = t->next_item < t->items ? FAN_SPLIT_MORE : FAN_SPLIT_END;
   return FAN_OK;
}

static fan_code on_result(fan_instance *instance, uint64_t id, const fan_result *result,
                          const fan_sink *sink, fan_error *err) {
   (void)sink;
   task *t = find(instance, id, err);
   if (!t) return FAN_NOT_FOUND;
   if (result->subtask >= t->next_subtask)
      return fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "subtask", "no such subtask");
   if (result->subtask >= t->room) {
      uint64_t room = (result->subtask + 1) * 2;
      kept *results = realloc(t->results, room * sizeof *results);
      if (!results) return no_memory(err);
      memset(results + t->room, 0, (room - t->room) * sizeof *results);
      t->results = results;
      t->room = room;
   }
   kept *slot = &t->results[result->subtask];
   if (slot->parts || result->part_count == 0) return FAN_OK; /* told twice, or nothing to keep */
   slot->parts = malloc(result->part_count * sizeof *slot->parts);
   if (!slot->parts) return no_memory(err);
   slot->count = result->part_count;
   for (uint32_t i = 0; i < slot->count; i++) {
      slot->parts[i] = result->parts[i]; /* keep it: copy the struct, clear the host's release */
      result->parts[i].release = NULL;
   }
   return FAN_OK;
}

static fan_code on_failure(fan_instance *instance, uint64_t id, uint64_t subtask,
                           const fan_error *why, uint32_t attempts, const fan_sink *sink,
                           uint32_t *verdict, fan_error *err) {
   (void)subtask, (void)why, (void)attempts, (void)sink;
   if (!find(instance, id, err)) return FAN_NOT_FOUND;
   *verdict = FAN_FAILED_TASK; /* a hole in the result would be worse than no result */
   return FAN_OK;
}

static fan_code finish(fan_instance *instance, uint64_t id, const fan_sink *sink, fan_error *err) {
   task *t = find(instance, id, err);
   if (!t) return FAN_NOT_FOUND;
   char text[64];
   int size = snprintf(text, sizeof text, "{\"format\":\"%s\"}", t->format);
   fan_view json = {text, (uint64_t)size};
   fan_code code = t->room ? FAN_OK : sink->output(sink, json, NULL, 0);
   for (uint64_t i = 0; i < t->room && code == FAN_OK; i++) {
      kept *slot = &t->results[i];
      code = sink->output(sink, json, slot->parts, slot->count);
      if (code == FAN_OK) slot->count = 0; /* handed over */
   }
   return code == FAN_OK ? FAN_OK
                         : fan_fail(err, code, FAN_RETRY_NEVER, "sink", "the host took no more");
}

static void forget(task *t) {
   for (uint64_t i = 0; i < t->room; i++) {
      for (uint32_t k = 0; k < t->results[i].count; k++) {
         fan_blob *part = &t->results[i].parts[k];
         if (part->release) part->release(part);
      }
      free(t->results[i].parts);
   }
   free(t->results);
   free(t);
}

static void end(fan_instance *instance, uint64_t id) {
   for (task **link = &instance->tasks; *link; link = &(*link)->next) {
      task *t = *link;
      if (t->id != id) continue;
      *link = t->next;
      forget(t);
      return;
   }
}

static const fan_strategy strategy = {
   .struct_size = sizeof strategy, .begin = begin, .split = split, .on_result = on_result,
   .on_failure = on_failure, .finish = finish, .end = end,
};

static const fan_component rows = {
   .struct_size = sizeof rows,
   .kind = FAN_KIND_STRATEGY,
   .needs_minor = 0,
   .id = "com.example.released-strategy",
   .version = "0.1.0",
   .summary = "Splits the items of one input in chunks of a fixed size and keeps their order.",
   .license = "Apache-2.0",
   .config_schema =
      "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
      "\"additionalProperties\":false,\"properties\":{\"items\":{\"type\":\"integer\","
      "\"minimum\":1,\"maximum\":1000000000,\"default\":1000,"
      "\"description\":\"How many items a subtask is given.\"}}}",
};
static const fan_component *const components[] = {&rows, NULL};

static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                       fan_instance **out, fan_error *err) {
   json document, value;
   uint64_t chunk = 1000;
   (void)host;
   if (strcmp(component->id, rows.id))
      return fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "component", "no such component");
   if (!json_read(config.data, config.size, &document) || *document.at != '{')
      return wrong(err, "config.", "wanted a JSON object");
   if (json_member(document, "items", &value) &&
       (!json_count(value, &chunk) || chunk < 1 || chunk > 1000000000))
      return wrong(err, "config./items", "wanted a whole number from 1 to 1000000000");
   fan_instance *instance = calloc(1, sizeof *instance);
   if (!instance) return no_memory(err);
   instance->chunk = chunk;
   *out = instance;
   return FAN_OK;
}

static const void *query(fan_instance *instance, const char *id) {
   (void)instance;
   return strcmp(id, "fanfold.strategy/1") ? NULL : &strategy;
}

static void destroy(fan_instance *instance) {
   while (instance->tasks) end(instance, instance->tasks->id);
   free(instance);
}

FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) {
   static const fan_plugin plugin = {
      .struct_size = sizeof plugin, .built_minor = FAN_ABI_MINOR, .components = components,
      .create = create, .query = query, .destroy = destroy,
   };
   return &plugin;
}
