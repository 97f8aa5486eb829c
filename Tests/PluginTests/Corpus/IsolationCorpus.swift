extension BrokenPlugin {
    private static let chunk = "instance->chunk = chunk;"
    /// Only in a helper: nothing of the host's environment is there.
    private static let isIsolated = "!getenv(\"PATH\")"

    /// Group J: the same plugin in a process of its own.
    static let isolationCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "same-inside-and-out",
            changes: [(chunk, "instance->chunk = chunk + (\(isIsolated));")]),
        BrokenPlugin(
            check: "kill-anywhere",
            changes: [(chunk, chunk + " if (\(isIsolated)) signal(SIGSEGV, SIG_IGN);")],
            flags: "-include signal.h"),
        BrokenPlugin(
            check: "hang-anywhere",
            changes: [(chunk, chunk + " if (\(isIsolated)) signal(SIGABRT, SIG_IGN);")],
            flags: "-include signal.h"),
        // Both versions find one library beside them, and the first one keeps it.
        BrokenPlugin(
            check: "upgrade-side-by-side",
            changes: [
                (
                    chunk,
                    "extern void *rows_owner; static int me; if (!rows_owner) rows_owner = &me; "
                        + "instance->chunk = chunk + (rows_owner != &me);"
                )
            ],
            flags: "NEIGHBOUR",
            neighbour: ("void *rows_owner;", "librows-state.so", "")),
    ]
}
