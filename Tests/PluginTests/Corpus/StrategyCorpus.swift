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
            check: "deterministic", also: ["replay", "lane-any-thread", "clock-jump"],
            why: "they compare one instance with the next one too",
            changes: [
                (
                    "instance->chunk = chunk;",
                    "static uint64_t salt; instance->chunk = chunk + salt++ % 7;"
                )
            ]),
        BrokenPlugin(
            check: "replay",
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
    ]
}
