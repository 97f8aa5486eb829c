/* test.c - the strategy without a host: every item once, results in the order of the items. */
#undef NDEBUG
#include "rows.c"
#include <assert.h>

static uint64_t firsts[8], sizes[8];
static uint32_t handed_out, given_back;

static fan_code take_subtask(const fan_sink *sink, const fan_subtask *subtask) {
   (void)sink;
   firsts[handed_out] = subtask->parts[0].offset;
   sizes[handed_out++] = subtask->parts[0].size;
   return FAN_OK;
}

static fan_code take_output(const fan_sink *sink, fan_view json, fan_blob *parts, uint32_t n) {
   (void)sink, (void)json;
   for (uint32_t i = 0; i < n; i++) assert(parts[i].handle == (int64_t)given_back++);
   return FAN_OK;
}

int main(void) {
   fan_sink sink = {
      .struct_size = sizeof sink, .subtask = take_subtask, .output = take_output};
   fan_instance instance = {.chunk = 4};
   const char *text = "{\"inputs\":[{\"items\":10,\"format\":\"lines\"}]}";
   fan_view spec = {text, strlen(text)};
   uint32_t state;
   assert(begin(&instance, 1, spec, NULL, 1, NULL) == FAN_OK);
   assert(split(&instance, 1, 2, &sink, &state, NULL) == FAN_OK && state == FAN_SPLIT_MORE);
   assert(split(&instance, 1, 9, &sink, &state, NULL) == FAN_OK && state == FAN_SPLIT_END);
   assert(handed_out == 3 && firsts[2] == 8 && sizes[0] == 4 && sizes[2] == 2);
   uint64_t arrivals[] = {2, 0, 1};
   for (int i = 0; i < 3; i++) {
      fan_blob part = {.kind = FAN_BLOB_BYTES, .handle = (int64_t)arrivals[i]};
      fan_result result = {
         .struct_size = sizeof result, .subtask = arrivals[i], .parts = &part, .part_count = 1};
      assert(on_result(&instance, 1, &result, &sink, NULL) == FAN_OK);
   }
   assert(finish(&instance, 1, &sink, NULL) == FAN_OK && given_back == 3);
   end(&instance, 1);
   assert(!instance.tasks);
   return 0;
}
