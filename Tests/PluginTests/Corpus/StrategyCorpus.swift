extension BrokenPlugin {
    /// Group G: what a strategy decides.
    static let strategyCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "partition-complete",
            changes: [
                (
                    "t->next_item += count;",
                    "t->next_item += count + (t->next_item == 0 && count < t->items);"
                )
            ]),
        BrokenPlugin(
            check: "merge-order-free",
            changes: [
                (
                    "kept *slot = &t->results[result->subtask];",
                    "uint64_t at = 0; while (at < t->room && t->results[at].parts) at++; "
                        + "kept *slot = &t->results[at < t->room ? at : 0];"
                )
            ]),
        BrokenPlugin(
            check: "deterministic",
            also: [
                "replay", "lane-any-thread", "clock-jump", "same-inside-and-out",
                "upgrade-side-by-side",
            ],
            why: "they compare one instance with the next one too",
            changes: [
                (
                    "instance->chunk = chunk;",
                    "static uint64_t salt; instance->chunk = chunk + salt++ % 7;"
                )
            ]),
        BrokenPlugin(
            check: "replay", also: ["same-inside-and-out", "upgrade-side-by-side"],
            why: "they lead several lives in one process, of which some are given up",
            changes: [
                (
                    "static fan_code begin(fan_instance *",
                    "static int given_up; static fan_code begin(fan_instance *"
                ),
                ("uint64_t room;\n} task;", "uint64_t room;\n   int finished;\n} task;"),
                ("int size = snprintf(", "t->finished = 1; int size = snprintf("),
                (
                    "static void forget(task *t) {",
                    "static void forget(task *t) { given_up += !t->finished;"
                ),
                (
                    "left : instance->chunk;",
                    "left : instance->chunk; if (given_up % 2 && count > 1) count--;"
                ),
            ]),
        BrokenPlugin(
            check: "failure-paths", changes: [("*verdict = FAN_FAILED_TASK;", "*verdict = 9;")]),
        BrokenPlugin(
            check: "capacity-swings",
            changes: [
                (
                    "task *t = calloc(1, sizeof *t);",
                    "if (json_member(document, \"workers\", &list) && !json_first(list, &value)) "
                        + "return wrong(err, \"spec./workers\", \"wanted workers\"); "
                        + "task *t = calloc(1, sizeof *t);"
                )
            ]),
        BrokenPlugin(
            check: "graph-sane",
            changes: [
                (
                    "*state = t->next_item < t->items ? FAN_SPLIT_MORE : FAN_SPLIT_END;",
                    "*state = t->next_item < t->items ? FAN_SPLIT_MORE : FAN_SPLIT_END; "
                        + "if (*state == FAN_SPLIT_END && sink->withdraw(sink, 1u << 30)) return "
                        + "fan_fail(err, FAN_CANCELLED, FAN_RETRY_NEVER, \"sink\", \"stop\");"
                )
            ]),
        BrokenPlugin(check: "granularity-learns", changes: target),
        BrokenPlugin(
            check: "budget",
            changes: [
                (
                    "for (; want > 0 && t->next_item < t->items; want--) {",
                    "for (volatile uint64_t i = 0; t->next_subtask > 500000 && "
                        + "i < t->next_subtask * 200; i++) {} "
                        + "for (; want > 0 && t->next_item < t->items; want--) {"
                )
            ]),
    ]

    /// How long a subtask should run, as a setting that nothing comes of.
    static let target: [(find: String, replace: String)] = [
        (
            "\"\\\"additionalProperties\\\":false,\\\"properties\\\":{",
            "\"\\\"x-fanfold-target-ns\\\":\\\"target_ns\\\",\\\"additionalProperties\\\":false,"
                + "\\\"properties\\\":{\\\"target_ns\\\":{\\\"type\\\":\\\"integer\\\",\\\"minimum\\\":1,"
                + "\\\"maximum\\\":1000000000,\\\"default\\\":10000000,"
                + "\\\"description\\\":\\\"How long a subtask should run.\\\"},"
        ),
        (
            "fan_instance *instance = calloc(1, sizeof *instance);",
            "uint64_t target = 10000000; if (json_member(document, \"target_ns\", &value) && "
                + "(!json_count(value, &target) || target < 1 || target > 1000000000)) "
                + "return wrong(err, \"config./target_ns\", \"wanted 1 to 1000000000\"); "
                + "fan_instance *instance = calloc(1, sizeof *instance);"
        ),
    ]
}
