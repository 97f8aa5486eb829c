extension BrokenPlugin {
    /// Group E: memory, descriptors, threads and mappings.
    static let memoryCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "borrow",
            changes: [
                ("uint64_t room;\n} task;", "uint64_t room;\n   const char *said;\n} task;"),
                ("t->id = id;", "t->id = id; t->said = spec.data;"),
                ("*link = t->next;", "*link = t->next; (void)*(const volatile char *)t->said;"),
            ]),
        BrokenPlugin(
            check: "blob-release",
            also: ["cancelled-sink", "future-values", "same-inside-and-out"],
            why: "they too see what is given back twice",
            changes: [("result->parts[i].release = NULL;", "")]),
        BrokenPlugin(
            check: "rss-slope", changes: [("free(t->results);\n   free(t);", "free(t->results);")]),
        BrokenPlugin(
            check: "oom",
            changes: [
                (
                    "calloc(1, sizeof *t);\n   if (!t) return no_memory(err);",
                    "calloc(1, sizeof *t);"
                )
            ]),
        BrokenPlugin(
            check: "fd-leak",
            changes: [("instance->chunk = chunk;", "instance->chunk = chunk; dup(0);")]),
        BrokenPlugin(
            check: "thread-leak",
            changes: [
                (
                    "static fan_code create(",
                    "static void *forever(void *of) { for (;;) pause(); return of; }\n"
                        + "static fan_code create("
                ),
                (
                    "instance->chunk = chunk;",
                    "instance->chunk = chunk; static int once; if (!once++) {"
                        + "pthread_t thread; pthread_create(&thread, NULL, forever, NULL); }"
                ),
            ]),
        BrokenPlugin(
            check: "mmap-leak",
            changes: [
                (
                    "instance->chunk = chunk;",
                    "instance->chunk = chunk;"
                        + "mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);"
                )
            ]),
    ]
}
