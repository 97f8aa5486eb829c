/* text.h - text that grows: JSON and URLs are put together in it. */
#ifndef TEXT_H
#define TEXT_H
#include "json.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct text { /* Zeroed at first; text_free at last. */
   char *data;
   size_t size, room;
   bool failed; /* memory ran out: what is there is not whole */
} text;

static inline void text_free(text *t) {
   free(t->data);
   *t = (text){0};
}

static inline void text_add(text *t, const void *data, size_t size) {
   if (t->size + size + 1 > t->room) {
      size_t room = (t->size + size + 1) * 2;
      char *grown = realloc(t->data, room);
      if (!grown) {
         t->failed = true;
         return;
      }
      t->data = grown;
      t->room = room;
   }
   if (size) memcpy(t->data + t->size, data, size);
   t->size += size;
   t->data[t->size] = 0;
}

static inline void text_put(text *t, const char *words) { text_add(t, words, strlen(words)); }
static inline void text_json(text *t, json value) {
   text_add(t, value.at, (size_t)(value.end - value.at));
}

static inline void text_number(text *t, uint64_t number) {
   char digits[24];
   text_add(t, digits, (size_t)snprintf(digits, sizeof digits, "%llu", (unsigned long long)number));
}

/* A JSON string that says `data`. */
static inline void text_string(text *t, const char *data, size_t size) {
   text_put(t, "\"");
   for (size_t i = 0; i < size; i++) {
      unsigned char byte = (unsigned char)data[i];
      char escape[8];
      if (byte == '"' || byte == '\\')
         text_add(t, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", byte));
      else if (byte < 0x20)
         text_add(t, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", byte));
      else
         text_add(t, data + i, 1);
   }
   text_put(t, "\"");
}

static inline void text_utf8(text *t, unsigned long point) {
   unsigned char bytes[4];
   size_t more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
   static const unsigned char first[] = {0x00, 0xC0, 0xE0, 0xF0};
   for (size_t i = more; i > 0; i--, point >>= 6) bytes[i] = 0x80 | (point & 0x3F);
   bytes[0] = (unsigned char)(first[more] | point);
   text_add(t, bytes, more + 1);
}

/* What a JSON string that json_read has accepted says; nothing for another value. */
static inline void text_of(text *t, json value) {
   if (value.end - value.at < 2 || *value.at != '"') return;
   for (const char *at = value.at + 1; at < value.end - 1; at++) {
      if (*at != '\\') {
         text_add(t, at, 1);
         continue;
      }
      static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
      const char *name = *++at ? strchr(names, *at) : NULL;
      if (name) {
         text_add(t, meant + (name - names), 1);
      } else if (*at == 'u' && value.end - at > 5) {
         char digits[5] = {at[1], at[2], at[3], at[4], 0};
         unsigned long point = strtoul(digits, NULL, 16);
         at += 4;
         if (point >= 0xD800 && point < 0xDC00 && value.end - at > 7 && at[1] == '\\') {
            char low[5] = {at[3], at[4], at[5], at[6], 0};
            point = 0x10000 + ((point - 0xD800) << 10) + (strtoul(low, NULL, 16) & 0x3FF);
            at += 6;
         }
         text_utf8(t, point);
      } else {
         text_add(t, at, 1);
      }
   }
}

/* Text as a part of a URL's query.  Source: RFC 3986, section 2.3. */
static inline void text_query(text *t, const char *data, size_t size) {
   for (size_t i = 0; i < size; i++) {
      unsigned char byte = (unsigned char)data[i];
      bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                   (byte >= '0' && byte <= '9') || (byte && strchr("-._~", byte));
      char code[4];
      if (plain)
         text_add(t, data + i, 1);
      else
         text_add(t, code, (size_t)snprintf(code, sizeof code, "%%%02X", byte));
   }
}

/* The same for what a JSON string says. */
static inline void text_query_of(text *t, json value) {
   text plain = {0};
   text_of(&plain, value);
   text_query(t, plain.data ? plain.data : "", plain.size);
   t->failed |= plain.failed;
   text_free(&plain);
}
#endif
