#include "bench_direct.h"
#include "bench_strategy.h"

/* One task at a time, no work of its own: what is measured is the way in and out. */
struct fan_instance {
   uint64_t sum;
};

static fan_instance the_instance;

static fan_code begin(fan_instance *instance, uint64_t task, fan_view spec, const fan_blob *inputs,
                      uint32_t n, fan_error *err) {
   (void)task, (void)spec, (void)inputs, (void)n, (void)err;
   instance->sum = 0;
   return FAN_OK;
}

static fan_code split(fan_instance *instance, uint64_t task, uint32_t want, const fan_sink *sink,
                      uint32_t *state, fan_error *err) {
   (void)instance, (void)task, (void)want, (void)sink, (void)err;
   *state = FAN_SPLIT_END;
   return FAN_OK;
}

static fan_code on_result(fan_instance *instance, uint64_t task, const fan_result *result,
                          const fan_sink *sink, fan_error *err) {
   (void)task, (void)sink, (void)err;
   return bench_on_result(&instance->sum, result);
}

static fan_code on_failure(fan_instance *instance, uint64_t task, uint64_t subtask,
                           const fan_error *why, uint32_t attempts, const fan_sink *sink,
                           uint32_t *verdict, fan_error *err) {
   (void)instance, (void)task, (void)subtask, (void)why, (void)attempts, (void)sink, (void)err;
   *verdict = FAN_FAILED_TASK;
   return FAN_OK;
}

static fan_code finish(fan_instance *instance, uint64_t task, const fan_sink *sink,
                       fan_error *err) {
   (void)instance, (void)task, (void)sink, (void)err;
   return FAN_OK;
}

static void end(fan_instance *instance, uint64_t task) { (void)instance, (void)task; }

static const fan_strategy strategy = {
   .struct_size = sizeof(fan_strategy), .begin = begin,   .split = split,
   .on_result = on_result,              .on_failure = on_failure,
   .finish = finish,                    .end = end,
};

static fan_code create(const fan_component *component, const fan_host *host, fan_view config,
                       fan_instance **out, fan_error *err) {
   (void)component, (void)host, (void)config, (void)err;
   *out = &the_instance;
   return FAN_OK;
}

static const void *query(fan_instance *instance, const char *id) {
   (void)instance;
   return strcmp(id, "fanfold.strategy/1") == 0 ? &strategy : NULL;
}

static void destroy(fan_instance *instance) { (void)instance; }

static const fan_component component = {
   .struct_size = sizeof(fan_component),
   .kind = FAN_KIND_STRATEGY,
   .id = "fanfold.bench",
   .version = "0.1.0",
   .summary = "Measures what a call through the contract costs.",
   .license = "Apache-2.0",
   .config_schema = "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}}",
};
static const fan_component *const components[] = {&component, NULL};

static const fan_plugin plugin = {
   .struct_size = sizeof(fan_plugin), .built_minor = FAN_ABI_MINOR, .components = components,
   .create = create,                  .query = query,               .destroy = destroy,
};

const fan_plugin *fanfold_plugin_v1(void) { return &plugin; }
