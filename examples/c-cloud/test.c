/* test.c - the provider without a host: tokens, escapes, and what errors of the cloud mean. */
#undef NDEBUG
#include "cloud.c"
#include <assert.h>

static fan_error refused(int32_t status, const char *body) {
   const char *headers = "{\"retry-after\":\"3\"}";
   fan_error err = {.struct_size = sizeof err};
   refusal(status, (json){headers, headers + strlen(headers)}, (json){body, body + strlen(body)},
           &err);
   return err;
}

int main(void) {
   char token[37];
   const char *space = "6ba7b810-9dad-11d1-80b4-00c04fd430c8", *name = "www.example.com";
   uuid5(space, strlen(space), name, strlen(name), token);
   assert(!strcmp(token, "2ed6657d-e927-568b-95e1-2665a8aea6a2")); /* RFC 9562, appendix A.4 */

   text words = {0};
   const char *string = "\"a b\\/\\u00e4\\ud83d\\ude00\"";
   text_query_of(&words, (json){string, string + strlen(string)});
   assert(!strcmp(words.data, "a%20b%2F%C3%A4%F0%9F%98%80"));
   text_free(&words);

   assert(refused(200, "{}").code == FAN_OK);
   assert(refused(200, "{\"error\":\"AuthFailure\"}").retry == FAN_RETRY_RENEWED);
   assert(refused(409, "{\"error\":\"InsufficientCapacity\"}").retry == FAN_RETRY_ELSEWHERE);
   assert(refused(429, "{}").retry_after_ms == 3000);
   assert(refused(503, "{}").code == FAN_UNAVAILABLE);
   assert(refused(400, "{\"error\":\"BadImage\"}").retry == FAN_RETRY_NEVER);
   return 0;
}
