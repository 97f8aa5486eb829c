extension BrokenPlugin {
    private static func words(
        _ check: String, also: Set<String> = [], why: String = "",
        _ changes: [(find: String, replace: String)]
    ) -> BrokenPlugin {
        BrokenPlugin(check: check, also: also, why: why, good: .words, changes: changes)
    }

    /// Group I: executors and policies.
    static let executorCorpus: [BrokenPlugin] = [
        words(
            "load-run-unload",
            [("const module *m = *find(instance, id);", "const module *m = instance->modules;")]),
        words(
            "run-cancel-mid",
            [
                (
                    "   if (!wanted || host->cancelled(host, call->op))",
                    "   if (!wanted || host->cancelled(host, call->op)) instance->minimum = 2;\n"
                        + "   if (!wanted || host->cancelled(host, call->op))"
                )
            ]),
        words(
            "run-parallel",
            [
                (
                    ".kind = FAN_KIND_EXECUTOR,",
                    ".kind = FAN_KIND_EXECUTOR, .flags = FAN_CONCURRENT,"
                ),
                (
                    "   uint64_t words = 0, ignored = 0;\n   bool readable",
                    "   static uint64_t words, ignored; words = ignored = 0; usleep(100);\n"
                        + "   bool readable"
                ),
            ]),
        words(
            "run-crashing-kernel", also: ["same-inside-and-out", "upgrade-side-by-side"],
            why: "they too run without inputs in this process",
            [
                (
                    "   uint32_t n = subtask->part_count;",
                    "   uint32_t n = subtask->part_count; if (n == 0) *(volatile int *)0 = 1;"
                )
            ]),
        words(
            "outputs-match-reference",
            [("(unsigned long long)words, (unsigned", "(unsigned long long)words + 1, (unsigned")]),
        // The library beside it plays NVIDIA's, and each load takes a part of the device.
        BrokenPlugin(
            check: "device-memory-returns", good: .words,
            changes: [
                (
                    "   module *m = calloc(1, sizeof *m);",
                    "   void *device = dlopen(\"OWN/libnvidia-ml.so.1\", 2); "
                        + "void (*take)(long) = (void (*)(long))dlsym(device, \"fake_take\"); "
                        + "if (take) take(64L << 20);\n   module *m = calloc(1, sizeof *m);"
                )
            ],
            flags: "-include dlfcn.h",
            neighbour: (
                "static long used; void fake_take(long n) { used += n; } "
                    + "int nvmlInit_v2(void) { return 0; } "
                    + "int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) "
                    + "{ *d = &used; return 0; } "
                    + "int nvmlDeviceGetMemoryInfo(void *d, unsigned long long *f) "
                    + "{ f[0] = 1ULL << 40; f[1] = f[0] - used; f[2] = used; return 0; }",
                "libnvidia-ml.so.1", ""
            )),
        BrokenPlugin(
            check: "policy-total", good: .policy,
            changes: [
                (
                    "return has_label(worker, instance->label) ? \"1\" : \"0\";",
                    "return has_label(worker, instance->label) ? \"1\" : \"NaN\";"
                )
            ]),
    ]
}
