extension BrokenPlugin {
    private static let made = "fan_instance *instance = calloc(1, sizeof *instance);"

    /// Group C: instances.
    static let instanceCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "create-default",
            changes: [(made, "*(volatile int *)0 = 1; fan_instance *instance = NULL;")]),
        BrokenPlugin(
            check: "create-every-example",
            changes: [
                (
                    #"\"type\":\"object\","#,
                    #"\"type\":\"object\",\"examples\":[{\"items\":7},{\"items\":5}],"#
                ),
                (
                    made,
                    "if (chunk == 5) return wrong(err, \"config./items\", \"not five\");" + made
                ),
            ]),
        BrokenPlugin(
            check: "create-destroy-1000",
            changes: [("instance->tasks->id);\n   free(instance);", "instance->tasks->id);")]),
        BrokenPlugin(
            check: "two-instances-independent",
            changes: [
                (
                    "static fan_code begin(fan_instance *",
                    "static __thread int open_tasks; static fan_code begin(fan_instance *"
                ),
                ("t->id = id;", "t->id = id; open_tasks++;"),
                ("static void forget(task *t) {", "static void forget(task *t) { open_tasks--;"),
                (
                    "left : instance->chunk;",
                    "left : instance->chunk; if (open_tasks > 1) count = 1;"
                ),
            ]),
        BrokenPlugin(
            check: "many-threads-create",
            changes: [
                (
                    made,
                    "static int inside; if (__sync_fetch_and_add(&inside, 1) > 0) {"
                        + "__sync_fetch_and_sub(&inside, 1);"
                        + "return fan_fail(err, FAN_INTERNAL, 0, \"busy\", \"busy\"); }"
                        + "usleep(100); __sync_fetch_and_sub(&inside, 1);" + made
                )
            ]),
        BrokenPlugin(
            check: "create-unknown-component",
            changes: [("if (strcmp(component->id, rows.id))", "if (component == NULL)")]),
        BrokenPlugin(
            check: "config-fuzz", changes: [("\"config./items\"", "\"somewhere\"")]),
        BrokenPlugin(
            check: "query-unknown",
            changes: [
                (
                    "strcmp(id, \"fanfold.strategy/1\") ? NULL : &strategy",
                    "*id && strcmp(id, \"fanfold.strategy/1\") ? NULL : &strategy"
                )
            ]),
        BrokenPlugin(
            check: "null-and-empty",
            changes: [
                (
                    "if (!json_read(spec.data",
                    "if (*(const volatile char *)spec.data == 0 || !json_read(spec.data"
                )
            ]),
        BrokenPlugin(check: "error-hygiene", changes: [("\"spec is not JSON\"", "\"\"")]),
    ]
}
