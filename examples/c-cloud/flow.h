/* flow.h - one call of the host from its start to its one answer, request by request. */
#ifndef FLOW_H
#define FLOW_H
#include "fanfold_plugin.h"
#include "text.h"
#include "uuid5.h"

struct fan_instance {
   const fan_host *host;
   const fan_http *http;
   const fan_lane *lane; /* NULL if the host withholds it */
   char endpoint[256], secret[128], region[128];
};

typedef struct flow flow;
/* What comes after a request.  `refused` is NULL, or what the cloud refused it with. */
typedef void step(flow *, json answer, const fan_error *refused);

struct flow {
   fan_instance *instance;
   fan_op op;
   step *next;
   /* What the call is about; the host lends it until the call is completed. */
   json token, offerings, offering, boot, tags, expires, ids;
   bool has_offering, has_expires;
   uint64_t min, max, found;
   text workers, found_ids, page, page_token;
   int tries;
};

/* ------------------------------------------------------------------------------- answers -- */

static inline void forget(flow *f) {
   text_free(&f->workers);
   text_free(&f->found_ids);
   text_free(&f->page);
   text_free(&f->page_token);
   free(f);
}

static inline void answer(flow *f, const fan_error *err, const char *words, size_t size) {
   const fan_host *host = f->instance->host;
   host->complete(host, f->op, err, (fan_view){words, size}, NULL, 0);
   forget(f);
}

static inline void fail(flow *f, fan_code code, uint32_t retry, const char *reason, const char *message) {
   fan_error err = {.struct_size = sizeof err};
   fan_fail(&err, code, retry, reason, message);
   answer(f, &err, NULL, 0);
}

static inline void wrong(flow *f, const char *reason, const char *message) {
   fail(f, FAN_INVALID, FAN_RETRY_NEVER, reason, message);
}

/* Ends the call well, unless memory ran out while the answer was put together. */
static inline void succeed(flow *f, text *words) {
   if (words->failed)
      fail(f, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
   else
      answer(f, NULL, words->data, words->size);
   text_free(words);
}

static inline flow *begin(fan_instance *instance, const fan_call *call) {
   flow *f = calloc(1, sizeof *f);
   if (f) {
      f->instance = instance;
      f->op = call->op;
      return f;
   }
   fan_error err = {.struct_size = sizeof err};
   fan_fail(&err, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
   instance->host->complete(instance->host, call->op, &err, (fan_view){NULL, 0}, NULL, 0);
   return NULL;
}

/* ------------------------------------------------------------------------------ requests -- */

static inline void copy_message(fan_error *err, const text *message) {
   size_t size = message->size < sizeof err->message ? message->size : sizeof err->message - 1;
   while (size < message->size && size > 0 && ((unsigned char)message->data[size] & 0xC0) == 0x80)
      size--; /* cut where a character ends */
   while (size > 0 && message->data[size - 1] == '\n') size--;
   if (size) memcpy(err->message, message->data, size);
   err->message[size] = 0;
}

/* What makes of an answer a failure.  A code in the body counts more than the status: some
 * answer 200 and mean something else.  False if the answer is none. */
static inline bool refusal(int32_t status, json headers, json body, fan_error *err) {
   static const struct {
      const char *name;
      int32_t status;
      fan_code code;
      uint32_t retry;
      const char *advice;
   } table[] = {
      {"AuthFailure", 401, FAN_UNAUTHENTICATED, FAN_RETRY_RENEWED, "renew the credentials"},
      {"ExpiredToken", 401, FAN_UNAUTHENTICATED, FAN_RETRY_RENEWED, "renew the credentials"},
      {"QuotaExceeded", 402, FAN_EXHAUSTED, FAN_RETRY_RENEWED, "ask for more quota"},
      {"Forbidden", 403, FAN_DENIED, FAN_RETRY_RENEWED, "ask for the permission"},
      {"InsufficientCapacity", 409, FAN_EXHAUSTED, FAN_RETRY_ELSEWHERE, "try another offering"},
      {"Throttled", 429, FAN_EXHAUSTED, FAN_RETRY_LATER, "try again later"},
   };
   json value;
   char name[40] = "";
   bool named = json_member(body, "error", &value);
   if (!named && status < 400) return false;
   if (named && !json_text(value, name, sizeof name)) strcpy(name, "error");
   fan_code code = status >= 500 ? FAN_UNAVAILABLE : FAN_INVALID;
   uint32_t retry = status >= 500 ? FAN_RETRY_LATER : FAN_RETRY_NEVER;
   const char *advice = status >= 500 ? "try again later" : "change the request";
   for (size_t i = 0; i < sizeof table / sizeof *table; i++)
      if (named ? !strcmp(name, table[i].name) : status == table[i].status) {
         code = table[i].code, retry = table[i].retry, advice = table[i].advice;
         break;
      }
   char reason[48], digits[16];
   snprintf(digits, sizeof digits, "%d", status);
   snprintf(reason, sizeof reason, "cloud.%s", name[0] ? name : digits);
   text message = {0};
   text_put(&message, "the cloud refused with ");
   text_put(&message, name[0] ? name : "no reason");
   text_put(&message, " (status ");
   text_put(&message, digits);
   text_put(&message, "); ");
   text_put(&message, advice);
   if (json_member(body, "message", &value)) {
      text_put(&message, ". It says: ");
      text_of(&message, value);
   }
   fan_fail(err, code, retry, reason, "");
   copy_message(err, &message);
   text_free(&message);
   char seconds[16];
   if (json_member(headers, "retry-after", &value) && json_text(value, seconds, sizeof seconds))
      err->retry_after_ms = (uint32_t)(strtoul(seconds, NULL, 10) % 4000000 * 1000);
   return true;
}

static inline void release_memory(fan_blob *blob) {
   free((void *)blob->data);
   blob->release = NULL;
}

/* Runs on the lane, once for each fetch. */
static inline void done(void *user, const fan_error *err, int32_t status, fan_view headers,
                 fan_blob *lent) {
   flow *f = user;
   fan_blob body = {0};
   if (lent) {
      body = *lent;
      lent->release = NULL; /* taken over */
   }
   json document = {"{}", &"{}"[2]}, lines = document;
   fan_error refused = {.struct_size = sizeof refused};
   bool is_json = json_read(body.data, body.size, &document);
   if (!json_read(headers.data, headers.size, &lines)) lines = (json){"{}", &"{}"[2]};
   if (!is_json) document = (json){"{}", &"{}"[2]};
   if (err && err->code != FAN_OK)
      answer(f, err, NULL, 0); /* the connection broke: the host knows best what that means */
   else if (refusal(status, lines, document, &refused))
      f->next(f, document, &refused);
   else if (!is_json)
      fail(f, FAN_UNAVAILABLE, FAN_RETRY_LATER, "http.body",
           "wanted JSON in the answer of the cloud, found something else; try again later");
   else
      f->next(f, document, NULL);
   if (body.release) body.release(&body);
}

/* Sends a request; path and body are used up. */
static inline void send(flow *f, const char *method, text *path, text *body, step *next) {
   fan_instance *instance = f->instance;
   text request = {0}, url = {0};
   text_put(&url, instance->endpoint);
   if (path->data) text_put(&url, path->data);
   text_put(&request, "{\"method\":\"");
   text_put(&request, method);
   text_put(&request, "\",\"url\":");
   text_string(&request, url.data ? url.data : "", url.size);
   if (body) text_put(&request, ",\"headers\":{\"Content-Type\":\"application/json\"}");
   text_put(&request, ",\"sign\":{\"with\":\"bearer\",\"secret\":");
   text_string(&request, instance->secret, strlen(instance->secret));
   text_put(&request, "}}");
   bool failed = request.failed || url.failed || path->failed || (body && body->failed);
   fan_blob blob = {.kind = FAN_BLOB_BYTES, .flags = 1, .release = release_memory};
   if (body) {
      blob.data = body->data;
      blob.size = body->size;
      *body = (text){0};
   }
   text_free(path);
   text_free(&url);
   f->next = next;
   if (failed) {
      if (body) release_memory(&blob);
      fail(f, FAN_EXHAUSTED, FAN_RETRY_LATER, "memory", "out of memory");
   } else {
      instance->http->fetch(instance->host, f->op, (fan_view){request.data, request.size},
                            body ? &blob : NULL, done, f);
   }
   text_free(&request);
}
#endif
