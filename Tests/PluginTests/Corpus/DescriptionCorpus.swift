extension BrokenPlugin {
    private static let entry = "FAN_EXPORT const fan_plugin *fanfold_plugin_v1(void) {"

    /// Code that runs at the first call of the entry.
    private static func atEntry(_ code: String) -> [(String, String)] {
        [(entry, entry + " static int done; if (!done) { done = 1; \(code) }")]
    }

    /// Group B: loading and describing.
    static let descriptionCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "load-now-local",
            tail: "int not_there(void);"
                + "__attribute__((used)) static int (*wanted)(void) = not_there;"),
        BrokenPlugin(
            check: "load-time",
            changes: atEntry("clock_t end = clock() + CLOCKS_PER_SEC / 8; while (clock() < end);")),
        BrokenPlugin(check: "scan-is-quiet", changes: atEntry("write(1, \"hello\\n\", 6);")),
        BrokenPlugin(
            check: "entry-constant",
            changes: [
                ("   return &plugin;", "   static int calls; static fan_plugin other;"),
                (
                    "static int calls; static fan_plugin other;",
                    "static int calls; static fan_plugin other; other = plugin;"
                        + "return calls++ % 2 ? &other : &plugin;"
                ),
            ]),
        BrokenPlugin(
            check: "process-manners",
            changes: [
                (
                    "uint64_t chunk = 1000;",
                    "uint64_t chunk = 1000; setenv(\"FANFOLD_BROKEN\", \"1\", 1);"
                )
            ]),
        BrokenPlugin(
            check: "descriptor-complete", changes: [("\"Apache-2.0\"", "\"do as you like\"")]),
        BrokenPlugin(
            check: "schema-valid",
            changes: [(#"\"description\":\"How"#, #"\"title\":\"How"#)]),
        BrokenPlugin(
            check: "id-stability",
            changes: [("\"com.example.rows\"", "\"com.example.lines\"")]),
    ]
}
