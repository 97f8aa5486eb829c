// swift-format-ignore-file
// Written by scripts/embed-templates from examples/c-words/test.c: change that, then run it.
extension PluginTemplates {
    static let cWordsTest = #"""
        /* test.c - the executor without a host: a module is loaded once, a text is counted. */
        #undef NDEBUG
        #include "words.c"
        #include <assert.h>

        static char answer[96];
        static fan_code code;
        static int32_t is_cancelled;

        static fan_code emit(const fan_host *host, fan_op op, fan_view json, fan_blob *parts, uint32_t n) {
           (void)host, (void)op, (void)json, (void)parts, (void)n;
           return FAN_OK;
        }

        static void complete(const fan_host *host, fan_op op, const fan_error *err, fan_view json,
                             fan_blob *parts, uint32_t n) {
           (void)host, (void)op, (void)json;
           code = err ? err->code : FAN_OK;
           for (uint32_t i = 0; i < n; i++) {
              memcpy(answer, parts[i].data, parts[i].size);
              parts[i].release(&parts[i]);
           }
        }

        static int32_t cancelled(const fan_host *host, fan_op op) {
           (void)host, (void)op;
           return is_cancelled;
        }

        int main(void) {
           fan_host host = {
              .struct_size = sizeof host, .emit = emit, .complete = complete, .cancelled = cancelled};
           fan_instance instance = {.host = &host, .minimum = 2};
           fan_call call = {.struct_size = sizeof call, .op = 1};
           const char *spec = "{\"ignore\":\"the of\"}", *text = " the end and a start\n";
           fan_blob list = {.kind = FAN_BLOB_BYTES, .data = "and", .size = 3};
           load(&instance, &call, 1, (fan_view){spec, strlen(spec)}, &list, 1);
           assert(code == FAN_OK);
           fan_blob part = {.kind = FAN_BLOB_BYTES, .data = text, .size = strlen(text)};
           fan_subtask subtask = {.struct_size = sizeof subtask, .parts = &part, .part_count = 1};
           run(&instance, &call, 1, &subtask);
           assert(code == FAN_OK && !strcmp(answer, "{\"words\":2,\"ignored\":3}"));
           run(&instance, &call, 2, &subtask);
           assert(code == FAN_NOT_FOUND);
           is_cancelled = 1;
           run(&instance, &call, 1, &subtask);
           assert(code == FAN_CANCELLED);
           unload(&instance, 1);
           assert(!instance.modules);
           return 0;
        }

        """#
}
