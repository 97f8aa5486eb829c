/* released-executor.c - an executor for Fanfold: counts the words of a text, but for those of a list.
 *
 * Read fanfold_plugin.h first: it is the contract.  What this file shows:
 *   load       gets ready once, for many subtasks: here, a list of words to ignore
 *   run        works on the parts of a subtask, asks whether the answer is still wanted, says how
 *              far it is, and answers once through host->complete
 *   unload     lets go of what load made
 * Calls do not overlap, since the component does not say FAN_CONCURRENT: no locks.
 */
#include "fanfold_plugin.h"
#include "json.h"
#include <stdio.h>
#include <stdlib.h>

enum { BYTES_BETWEEN_QUESTIONS = 65536 };

typedef struct module {
   struct module *next;
   uint64_t id;
   char *ignored; /* texts, one after the other */
   uint64_t size;
} module;

struct fan_instance {
   const fan_host *host;
   uint64_t minimum; /* bytes */
   module *modules;
};

static fan_code wrong(fan_error *err, const char *reason, const char *message) {
   return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, reason, message);
}

/* Ends a call with an error. */
static void fail(const fan_host *host, fan_op op, fan_code code, const char *reason,
                 const char *message) {
   fan_error err = {.struct_size = sizeof err};
   fan_fail(&err, code, code == FAN_EXHAUSTED ? FAN_RETRY_LATER : FAN_RETRY_NEVER, reason, message);
   host->complete(host, op, &err, (fan_view){NULL, 0}, NULL, 0);
}

static void release_memory(fan_blob *blob) {
   free((void *)blob->data);
   blob->release = NULL;
}

/* The next word of a text: what stands between white space.  False at the end. */
static bool next_word(json *text, json *word) {
   while (text->at < text->end && (unsigned char)*text->at <= ' ') text->at++;
   word->at = text->at;
   while (text->at < text->end && (unsigned char)*text->at > ' ') text->at++;
   word->end = text->at;
   return word->at < word->end;
}

static bool is_ignored(const module *m, json word) {
   json list = {m->ignored, m->ignored + m->size}, other;
   size_t size = (size_t)(word.end - word.at);
   while (next_word(&list, &other))
      if ((size_t)(other.end - other.at) == size && !memcmp(other.at, word.at, size)) return true;
   return false;
}

/* False if one of the parts holds something else than bytes. */
static bool are_bytes(const fan_blob *parts, uint32_t n) {
   for (uint32_t i = 0; i < n; i++) {
      if (parts[i].kind != FAN_BLOB_BYTES && parts[i].kind != FAN_BLOB_NONE) return false;
      if (!parts[i].data && parts[i].size) return false;
   }
   return true;
}

static module **find(fan_instance *instance, uint64_t id) {
   module **link = &instance->modules;
   while (*link && (*link)->id != id) link = &(*link)->next;
   return link;
}

static bool add_text(module *m, const void *data, uint64_t size) {
   if (size == 0) return true;
   char *room = realloc(m->ignored, m->size + size + 1);
   if (!room) return false;
   memcpy(room + m->size, data, size);
   room[m->size + size] = ' ';
   m->ignored = room;
   m->size += size + 1;
   return true;
}

static void load(fan_instance *instance, const fan_call *call, uint64_t id, fan_view spec,
                 const fan_blob *parts, uint32_t n) {
   const fan_host *host = instance->host;
   json document, value = {NULL, NULL};
   if (*find(instance, id))
      return fail(host, call->op, FAN_EXISTS, "module", "this module is loaded already");
   if (spec.size && !json_read(spec.data, spec.size, &document))
      return fail(host, call->op, FAN_INVALID, "spec", "the spec of the module is not JSON");
   if (spec.size && json_member(document, "ignore", &value) && *value.at != '"')
      return fail(host, call->op, FAN_INVALID, "spec./ignore", "wanted a string of words");
   if (!are_bytes(parts, n))
      return fail(host, call->op, FAN_UNIMPLEMENTED, "parts", "wanted parts that hold bytes");
   module *m = calloc(1, sizeof *m);
   bool ok = m != NULL;
   if (ok && value.at) ok = add_text(m, value.at + 1, (uint64_t)(value.end - value.at) - 2);
   for (uint32_t i = 0; ok && i < n; i++) ok = add_text(m, parts[i].data, parts[i].size);
   if (!ok) {
      if (m) free(m->ignored);
      free(m);
      return fail(host, call->op, FAN_EXHAUSTED, "memory", "out of memory");
   }
   m->id = id;
   m->next = instance->modules;
   instance->modules = m;
   host->complete(host, call->op, NULL, (fan_view){"{}", 2}, NULL, 0);
}

/* Counts the words of one part.  False if the host no longer wants to know. */
static bool count(const fan_instance *instance, const module *m, fan_op op, const fan_blob *part,
                  uint64_t *words, uint64_t *ignored) {
   const fan_host *host = instance->host;
   json text = {part->data, part->size ? (const char *)part->data + part->size : part->data}, word;
   for (const char *asked = NULL; next_word(&text, &word);) {
      if (!asked || word.at - asked >= BYTES_BETWEEN_QUESTIONS) {
         if (host->cancelled(host, op)) return false;
         asked = word.at;
      }
      bool counts = (uint64_t)(word.end - word.at) >= instance->minimum && !is_ignored(m, word);
      ++*(counts ? words : ignored);
   }
   return true;
}

static void run(fan_instance *instance, const fan_call *call, uint64_t id,
                const fan_subtask *subtask) {
   const fan_host *host = instance->host;
   const module *m = *find(instance, id);
   uint32_t n = subtask->part_count;
   fan_blob *parts = subtask->parts;
   uint64_t words = 0, ignored = 0;
   bool readable = are_bytes(parts, n), wanted = !host->cancelled(host, call->op);
   for (uint32_t i = 0; m && readable && wanted && i < n; i++) {
      char text[64];
      int size = snprintf(text, sizeof text, "{\"progress\":%g}", (double)i / n);
      /* A host that is busy does not take it, which is no error. */
      fan_code code = host->emit(host, call->op, (fan_view){text, (uint64_t)size}, NULL, 0);
      wanted = code != FAN_CANCELLED && count(instance, m, call->op, &parts[i], &words, &ignored);
   }
   /* What is handed over has a release, to be called once; what is lent has none. */
   for (uint32_t i = 0; i < n; i++)
      if (parts[i].release) parts[i].release(&parts[i]);
   if (!m) return fail(host, call->op, FAN_NOT_FOUND, "module", "no such module is loaded");
   if (!readable)
      return fail(host, call->op, FAN_UNIMPLEMENTED, "parts", "wanted parts that hold bytes");
   if (!wanted || host->cancelled(host, call->op))
      return fail(host, call->op, FAN_CANCELLED, "cancelled", "the answer is not wanted any more");
   enum { ROOM = 96 }; /* bytes; two whole numbers and their names need fewer */
   char *text = malloc(ROOM);
   if (!text) return fail(host, call->op, FAN_EXHAUSTED, "memory", "out of memory");
   int size = snprintf(text, ROOM, "{\"words\":%llu,\"ignored\":%llu}",
                       (unsigned long long)words, (unsigned long long)ignored);
   fan_blob part = {.kind = FAN_BLOB_BYTES, .flags = 1, .data = text, .size = (uint64_t)size};
   part.release = release_memory;
   host->complete(host, call->op, NULL, (fan_view){"{}", 2}, &part, 1);
}

static void unload(fan_instance *instance, uint64_t id) {
   module **link = find(instance, id), *m = *link;
   if (!m) return;
   *link = m->next;
   free(m->ignored);
   free(m);
}

static const fan_executor executor = {
   .struct_size = sizeof executor, .load = load, .run = run, .unload = unload};

static const fan_component words = {
   .struct_size = sizeof words,
   .kind = FAN_KIND_EXECUTOR,
   .needs_minor = 0,
   .id = "com.example.released-executor",
   .version = "0.1.0",
   .summary = "Counts the words of a text, but for those of a list.",
   .license = "Apache-2.0",
   .config_schema =
      "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\","
      "\"additionalProperties\":false,\"properties\":{\"minimum\":{\"type\":\"integer\","
      "\"minimum\":1,\"maximum\":1000,\"default\":1,"
      "\"description\":\"How many bytes a word has at least.\"}}}",
};
static const fan_component *const components[] = {&words, NULL};

static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                       fan_instance **out, fan_error *err) {
   json document, value;
   uint64_t minimum = 1;
   if (strcmp(component->id, words.id))
      return fan_fail(err, FAN_NOT_FOUND, FAN_RETRY_NEVER, "component", "no such component");
   if (!json_read(config.data, config.size, &document) || *document.at != '{')
      return wrong(err, "config.", "wanted a JSON object");
   if (json_member(document, "minimum", &value) &&
       (!json_count(value, &minimum) || minimum < 1 || minimum > 1000))
      return wrong(err, "config./minimum", "wanted a whole number from 1 to 1000");
   fan_instance *instance = calloc(1, sizeof *instance);
   if (!instance) return fan_fail(err, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
   instance->host = host;
   instance->minimum = minimum;
   *out = instance;
   return FAN_OK;
}

static const void *query(fan_instance *instance, const char *id) {
   (void)instance;
   return strcmp(id, "fanfold.executor/1") ? NULL : &executor;
}

static void destroy(fan_instance *instance) {
   while (instance->modules) unload(instance, instance->modules->id);
   free(instance);
}

FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) {
   static const fan_plugin plugin = {
      .struct_size = sizeof plugin, .built_minor = FAN_ABI_MINOR, .components = components,
      .create = create, .query = query, .destroy = destroy,
   };
   return &plugin;
}
