/* test.c - the policy without a host: one score for each pair, and nonsense is refused. */
#undef NDEBUG
#include "prefer.c"
#include <assert.h>

static char answer[96];

static fan_code output(const fan_sink *sink, fan_view json, fan_blob *parts, uint32_t n) {
   (void)sink, (void)parts, (void)n;
   assert(json.size < sizeof answer);
   memcpy(answer, json.data, json.size);
   answer[json.size] = 0;
   return FAN_OK;
}

int main(void) {
   fan_sink sink = {.struct_size = sizeof sink, .output = output};
   fan_error err = {.struct_size = sizeof err};
   fan_instance instance = {.label = "disk=ssd"};
   const char *snapshot = "{\"requests\":[{\"cpus\":1},{\"cpus\":2}],\"workers\":"
                          "[{\"labels\":[]},{\"labels\":[\"zone=a\",\"disk=ssd\"]}]}";
   assert(place(&instance, (fan_view){snapshot, strlen(snapshot)}, &sink, &err) == FAN_OK);
   assert(!strcmp(answer, "{\"scores\":[[0,1],[0,1]]}"));
   assert(place(&instance, (fan_view){"{}", 2}, &sink, &err) == FAN_INVALID);
   assert(predict(&instance, (fan_view){"{}", 2}, &sink, &err) == FAN_UNIMPLEMENTED);
   return 0;
}
