extension BrokenPlugin {
    private static let chunk = "uint64_t chunk = 1000;"

    /// Group D: older, newer and poorer hosts.
    static let skewCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "old-host-new-plugin",
            changes: [
                (
                    "   if (sink->struct_size < sizeof *sink) return too_short(err);\n   char text",
                    "   if (sink->struct_size < sizeof *sink) return too_short(err);\n"
                        + "   (void)((const volatile char *)sink)[sizeof *sink];\n   char text"
                )
            ]),
        BrokenPlugin(
            check: "truncated-tables",
            changes: [
                (
                    "   if (sink->struct_size < sizeof *sink) return too_short(err);\n   for",
                    "   for"
                )
            ]),
        BrokenPlugin(
            check: "new-host-old-plugin",
            changes: [(chunk, chunk + "if (host->struct_size > sizeof *host) return 9;")]),
        BrokenPlugin(
            check: "poor-host",
            also: [
                "same-inside-and-out", "kill-anywhere", "hang-anywhere", "upgrade-side-by-side",
            ],
            why: "a strategy is given no store there",
            changes: [
                (
                    chunk,
                    chunk + "if (host->struct_size >= sizeof *host) {"
                        + "const fan_store *store = host->service(host, \"fanfold.store/1\");"
                        + "if (store->struct_size < 8) return 9; }"
                )
            ]),
        BrokenPlugin(
            check: "future-values",
            changes: [
                (
                    "(void)subtask, (void)why, (void)attempts, (void)sink;",
                    "if (why->code > 16) return fan_fail(err, FAN_INTERNAL, 0, \"code\", \"no\");"
                )
            ]),
    ]
}
