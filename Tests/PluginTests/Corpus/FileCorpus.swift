extension BrokenPlugin {
    private static let wanted = "__attribute__((used)) static int (*wanted)(void) = "

    /// Group A: files and how they were linked.
    static let fileCorpus: [BrokenPlugin] = [
        BrokenPlugin(
            check: "elf-class-machine",
            finish: "printf '\\267' | dd of=$library bs=1 seek=18 conv=notrunc"),
        BrokenPlugin(check: "exports-one", tail: "FAN_EXPORT int shown = 1;"),
        BrokenPlugin(check: "file-extension", fileName: "rows.so"),
        BrokenPlugin(check: "file-permissions", finish: "chmod g+w $library"),
        BrokenPlugin(
            check: "imports-none-from-host",
            tail: "int fan_help(void); \(wanted)fan_help;", flags: "NEIGHBOUR",
            neighbour: ("int fan_help(void) { return 1; }", "libneighbour.so", "")),
        // A file of 70 MiB is hashed by every check, which takes its time.
        BrokenPlugin(
            check: "file-size", finish: "truncate -s 70M $library", isAlone: true),
        BrokenPlugin(
            check: "needed-libs", tail: "int fetch(void); \(wanted)fetch;",
            flags: "NEIGHBOUR",
            neighbour: ("int fetch(void) { return 1; }", "libcurl.so.4", "")),
        BrokenPlugin(
            check: "glibc-floor", tail: "int newest(void); \(wanted)newest;",
            flags: "NEIGHBOUR",
            neighbour: (
                "int newest(void) { return 1; }", "libnewest.so",
                "-Wl,--version-script=$folder/newest.map"
            )),
        BrokenPlugin(check: "bind-now", flags: "-Wl,-z,lazy"),
        BrokenPlugin(check: "relro", flags: "-Wl,-z,norelro"),
        BrokenPlugin(
            check: "no-textrel",
            tail:
                "__asm__(\".text\\n.quad fanfold_here\\n.data\\nfanfold_here: .quad 0\\n.text\");",
            flags: "-Wl,-z,notext"),
        BrokenPlugin(check: "no-execstack", flags: "-Wl,-z,execstack"),
        BrokenPlugin(check: "no-rpath-outside-origin", flags: "-Wl,-rpath,/opt/nowhere"),
        BrokenPlugin(
            check: "no-constructors",
            tail: "__attribute__((constructor)) static void early(void) {}"),
        BrokenPlugin(check: "debug-info", flags: "-Wl,--build-id=none"),
    ]
}
