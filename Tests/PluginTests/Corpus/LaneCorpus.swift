extension BrokenPlugin {
    private static let loop = "   for (; want > 0 && t->next_item < t->items; want--) {"
    private static let begun = "instance->tasks = t;\n   return FAN_OK;"
    private static let fields = "task *tasks;\n};"
    private static let count = "left : instance->chunk;"
    private static let put = "if (sink->subtask(sink, &subtask) != FAN_OK)"

    /// Group F: threads and time.
    static let laneCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "lane-any-thread",
            changes: [
                (
                    "static fan_code begin(fan_instance *",
                    "static __thread int here; static fan_code begin(fan_instance *"
                ),
                (begun, "here = 1; " + begun),
                (loop, "if (!here) return fan_fail(err, FAN_INTERNAL, 0, \"t\", \"no\");" + loop),
            ]),
        BrokenPlugin(
            check: "lane-serial",
            changes: [
                (
                    "static fan_code split(",
                    """
                    struct errand { const fan_sink *sink; const fan_subtask *what; fan_code code; };
                    static void *run_errand(void *of) {
                       struct errand *e = of;
                       e->code = e->sink->subtask(e->sink, e->what);
                       return NULL;
                    }
                    static fan_code send(const fan_sink *sink, const fan_subtask *what) {
                       struct errand e = {sink, what, 0};
                       pthread_t thread;
                       pthread_create(&thread, NULL, run_errand, &e);
                       pthread_join(thread, NULL);
                       return e.code;
                    }
                    static fan_code split(
                    """
                ),
                (put, "if (send(sink, &subtask) != FAN_OK)"),
            ]),
        BrokenPlugin(
            check: "any-concurrent",
            changes: [
                (
                    loop,
                    "static task *volatile busy; busy = t; usleep(200);"
                        + "if (busy != t) return fan_fail(err, FAN_INTERNAL, 0, \"t\", \"no\");"
                        + loop
                )
            ]),
        BrokenPlugin(
            check: "no-reentry",
            changes: [
                (
                    "static const fan_strategy strategy = {",
                    """
                    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
                    static fan_code locked_split(fan_instance *i, uint64_t id, uint32_t want,
                                                 const fan_sink *sink, uint32_t *s, fan_error *err) {
                       pthread_mutex_lock(&lock);
                       fan_code code = split(i, id, want, sink, s, err);
                       pthread_mutex_unlock(&lock);
                       return code;
                    }
                    static const fan_strategy strategy = {
                    """
                ),
                (".split = split,", ".split = locked_split,"),
                (
                    "(void)instance;\n   return strcmp",
                    "pthread_mutex_lock(&lock); pthread_mutex_unlock(&lock);\n   return strcmp"
                ),
            ]),
        BrokenPlugin(
            check: "sink-in-call",
            changes: [
                (fields, "task *tasks;\n   const fan_sink *saved;\n};"),
                (loop, "instance->saved = sink;" + loop),
                (
                    "   (void)sink;\n   task *t",
                    "   if (instance->saved && instance->saved != sink)\n"
                        + "      instance->saved->withdraw(instance->saved, 1000000);\n   task *t"
                ),
            ]),
        BrokenPlugin(
            check: "cancelled-sink",
            changes: [(put, "if (sink->subtask(sink, &subtask) == 99)")]),
        BrokenPlugin(
            check: "clock-jump",
            changes: [
                (fields, "task *tasks;\n   const fan_host *host;\n};"),
                (
                    "uint64_t chunk = 1000;",
                    "uint64_t chunk = 1000;"
                        + "if (host->struct_size < sizeof *host) return too_short(err);"
                ),
                ("instance->chunk = chunk;", "instance->chunk = chunk; instance->host = host;"),
                (
                    count,
                    count + "if (instance->host->now(instance->host) > 100000000000000) count = 1;"
                ),
            ]),
        BrokenPlugin(check: "no-own-clock", changes: [(loop, "time(NULL);" + loop)]),
    ]
}
