/* json.h - finds values in a JSON document without copying or allocating anything. */
#ifndef JSON_H
#define JSON_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef struct json { /* A piece of text: one value once json_read has answered true. */
   const char *at, *end;
} json;

enum { JSON_MAX_DEPTH = 64 }; /* levels */

static inline void json_space(json *text) {
   while (text->at < text->end && *text->at && strchr(" \t\r\n", *text->at)) text->at++;
}

static inline bool json_take(json *text, char wanted) {
   json_space(text);
   if (text->at == text->end || *text->at != wanted) return false;
   text->at++;
   return true;
}

/* Steps to the last character of an escape, whose backslash it stands on. */
static inline bool json_escape(json *text) {
   if (++text->at == text->end || !*text->at || !strchr("\"\\/bfnrtu", *text->at)) return false;
   for (int digits = *text->at == 'u' ? 4 : 0; digits > 0; digits--)
      if (++text->at == text->end || !*text->at || !strchr("0123456789abcdefABCDEF", *text->at))
         return false;
   return true;
}

static inline bool json_string(json *text) {
   if (!json_take(text, '"')) return false;
   for (; text->at < text->end; text->at++) {
      if (*text->at == '"') return text->at++, true;
      if ((unsigned char)*text->at < 0x20) return false;
      if (*text->at == '\\' && !json_escape(text)) return false;
   }
   return false;
}

static inline bool json_digits(json *text) {
   const char *start = text->at;
   while (text->at < text->end && *text->at >= '0' && *text->at <= '9') text->at++;
   return text->at > start;
}

static inline bool json_number(json *text) {
   if (text->at < text->end && *text->at == '-') text->at++;
   if (!json_digits(text)) return false;
   if (text->at < text->end && *text->at == '.') {
      text->at++;
      if (!json_digits(text)) return false;
   }
   if (text->at < text->end && (*text->at == 'e' || *text->at == 'E')) {
      text->at++;
      if (text->at < text->end && (*text->at == '+' || *text->at == '-')) text->at++;
      return json_digits(text);
   }
   return true;
}

static inline bool json_word(json *text, const char *word) {
   size_t size = strlen(word);
   if ((size_t)(text->end - text->at) < size || memcmp(text->at, word, size)) return false;
   text->at += size;
   return true;
}

/* Steps over one value. */
static inline bool json_skip(json *text, int depth) {
   json_space(text);
   if (text->at == text->end || depth > JSON_MAX_DEPTH) return false;
   char first = *text->at;
   if (first == '"') return json_string(text);
   if (first != '{' && first != '[')
      return json_word(text, "true") || json_word(text, "false") || json_word(text, "null") ||
             json_number(text);
   char last = first == '{' ? '}' : ']';
   text->at++;
   if (json_take(text, last)) return true;
   do {
      if (first == '{' && !(json_string(text) && json_take(text, ':'))) return false;
      if (!json_skip(text, depth + 1)) return false;
   } while (json_take(text, ','));
   return json_take(text, last);
}

/* Whether the text is UTF-8: no stray byte, nothing longer than needed, no half of a pair. */
static inline bool json_utf8(json text) {
   while (text.at < text.end) {
      unsigned char first = (unsigned char)*text.at++;
      int more = first < 0x80 ? 0 : first < 0xC2 ? -1 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
      if (more < 0 || first > 0xF4 || text.end - text.at < more) return false;
      unsigned char second = more ? (unsigned char)*text.at : 0;
      if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
          (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F))
         return false;
      for (; more > 0; more--)
         if (((unsigned char)*text.at++ & 0xC0) != 0x80) return false;
   }
   return true;
}

/* Reads a whole document; false if it is not one JSON value. */
static inline bool json_read(const void *data, uint64_t size, json *value) {
   if (!data || !size) return false;
   json text = {data, (const char *)data + size};
   *value = text;
   if (!json_utf8(text)) return false;
   if (!json_skip(&text, 0)) return false;
   json_space(&text);
   json_space(value);
   return text.at == text.end;
}

/* The member `key` of an object that json_read has accepted; false if there is none. */
static inline bool json_member(json object, const char *key, json *value) {
   size_t size = strlen(key);
   if (!json_take(&object, '{')) return false;
   do {
      json_space(&object);
      const char *name = object.at + 1;
      if (!json_string(&object)) return false;
      bool same = (size_t)(object.at - 1 - name) == size && !memcmp(name, key, size);
      if (!json_take(&object, ':')) return false;
      json_space(&object);
      value->at = object.at;
      if (!json_skip(&object, 0)) return false;
      value->end = object.at;
      if (same) return true;
   } while (json_take(&object, ','));
   return false;
}

/* The first element of an array that json_read has accepted; false if there is none. */
static inline bool json_first(json array, json *value) {
   if (!json_take(&array, '[') || json_take(&array, ']')) return false;
   json_space(&array);
   value->at = array.at;
   if (!json_skip(&array, 0)) return false;
   value->end = array.at;
   return true;
}

/* The element of an array after `value`, which json_first or json_next has found; `value` becomes
 * it.  False, and `value` unchanged, if it was the last. */
static inline bool json_next(json array, json *value) {
   json rest = {value->end, array.end};
   if (!json_take(&rest, ',')) return false;
   json_space(&rest);
   json next = {rest.at, rest.at};
   if (!json_skip(&rest, 0)) return false;
   next.end = rest.at;
   *value = next;
   return true;
}

/* A whole number from 0; false for everything else. */
static inline bool json_count(json value, uint64_t *count) {
   *count = 0;
   if (value.at == value.end) return false;
   for (; value.at < value.end; value.at++) {
      if (*value.at < '0' || *value.at > '9' || *count > (UINT64_MAX - 9) / 10) return false;
      *count = *count * 10 + (uint64_t)(*value.at - '0');
   }
   return true;
}

/* The text of a string without escapes, zero-terminated; false if it does not fit. */
static inline bool json_text(json value, char *text, size_t room) {
   if (value.end - value.at < 2 || *value.at != '"') return false;
   size_t size = (size_t)(value.end - value.at) - 2;
   if (size >= room || memchr(value.at, '\\', (size_t)(value.end - value.at))) return false;
   memcpy(text, value.at + 1, size);
   text[size] = 0;
   return true;
}
#endif
