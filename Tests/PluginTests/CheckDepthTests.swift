import Testing

/// What the corpus does not show: second ways to break a rule, and declarations that make a check
/// look closer.
@Suite(.serialized) struct CheckDepthTests {
    private static let chunk = "instance->chunk = chunk;"

    private static func outcome(
        _ name: String, _ check: String, from good: GoodPlugin = .rows,
        _ changes: [(find: String, replace: String)]
    ) throws -> (status: String?, text: String) {
        let library = try CheckRig.build(name, from: good, changes: changes)
        let report = try CheckRig.report(library, ["--only", check])
        return (report.statuses[check], report.text)
    }

    @Test func `a strategy that depends on its process is found by a second process`() throws {
        let found = try Self.outcome(
            "process", "deterministic",
            [(Self.chunk, "instance->chunk = chunk + (uint64_t)getpid() % 997;")])
        #expect(found.status == "failed")
        #expect(found.text.contains("second process"), "\(found.text)")
    }

    @Test func `a strategy that keeps a bit for each item is too large for many items`() throws {
        let found = try Self.outcome(
            "many", "partition-complete",
            [
                (
                    "t->id = id;",
                    "t->id = id; static char *seen; seen = calloc(t->items / 8 + 1, 1);"
                )
            ])
        #expect(found.status == "failed", "\(found.text)")
        #expect(found.text.contains("MiB"), "\(found.text)")
    }

    @Test func `a subtask that is wanted again for ever ends in a failure`() throws {
        let found = try Self.outcome(
            "again", "failure-paths",
            [("*verdict = FAN_FAILED_TASK;", "*verdict = FAN_FAILED_RETRY;")])
        #expect(found.status == "failed")
        #expect(found.text.contains("wants it tried again"), "\(found.text)")
    }

    @Test func `a strategy that learns comes to the duration it is asked for`() throws {
        let learning =
            BrokenPlugin.target + [
                (
                    find: "kept *slot = &t->results[result->subtask];",
                    replace: "json told, ran, items; uint64_t ns = 0, n = 0;"
                        + "if (json_read(result->json.data, result->json.size, &told) && "
                        + "json_member(told, \"ran_ns\", &ran) && json_count(ran, &ns) && "
                        + "json_member(told, \"items\", &items) && json_count(items, &n) && ns && n) "
                        + "instance->chunk = 10000000 * n / ns + 1;"
                        + "kept *slot = &t->results[result->subtask];"
                )
            ]
        let found = try Self.outcome("learning", "granularity-learns", learning)
        #expect(found.status == "passed", "\(found.text)")
    }

    @Test func `replacements hold the items of what they replace, each once`() throws {
        func resplit(_ second: String) -> [(find: String, replace: String)] {
            [
                (
                    "static fan_code finish(",
                    "static uint64_t first[100000], size[100000];\n"
                        + "static fan_code resplit(fan_instance *instance, uint64_t id, "
                        + "uint64_t old, const fan_sink *sink, fan_error *err) {\n"
                        + "   task *t = find(instance, id, err);\n"
                        + "   uint64_t half = size[old] / 2;\n"
                        + "   if (size[old] < 2) return FAN_OK;\n"
                        + "   for (int i = 0; i < 2; i++) {\n"
                        + "      fan_blob part = {.kind = FAN_BLOB_ITEMS, .offset = first[old] + "
                        + "(i ? \(second) : 0), .size = i ? size[old] - half : half};\n"
                        + "      fan_subtask put = {.struct_size = sizeof put, "
                        + ".id = t->next_subtask++, .parts = &part, .part_count = 1};\n"
                        + "      sink->subtask(sink, &put);\n   }\n   return FAN_OK;\n}\n"
                        + "static fan_code finish("
                ),
                (".finish = finish,", ".finish = finish, .resplit = resplit,"),
                (
                    "static fan_code split(",
                    "static uint64_t first[100000], size[100000];\nstatic fan_code split("
                ),
                (
                    "      t->next_item += count;",
                    "      first[t->next_subtask] = t->next_item, size[t->next_subtask] = count;\n"
                        + "      t->next_item += count;"
                ),
            ]
        }
        let good = try Self.outcome("resplit-good", "graph-sane", resplit("half"))
        #expect(good.status == "passed", "\(good.text)")
        let bad = try Self.outcome("resplit-bad", "graph-sane", resplit("half + 1"))
        #expect(bad.status == "failed")
        #expect(bad.text.contains("resplit of"), "\(bad.text)")
    }

    @Test(arguments: [
        ("exactly-once", "passed"), ("cancel-everywhere", "passed"),
        ("http-only-via-host", "passed"), ("launch-idempotent", "skipped"),
        ("error-mapping", "skipped"),
    ])
    func `a provider of another cloud is checked for what needs no cloud`(
        _ check: String, _ status: String
    ) throws {
        let found = try Self.outcome(
            "other-\(check)", check, from: .cloud, [("fake/1", "other/1")])
        #expect(found.status == status, "\(found.text)")
    }

    @Test func `a provider that never answers is found at once, not by a time limit`() throws {
        let found = try Self.outcome(
            "silent", "exactly-once", from: .cloud,
            [("   succeed(f, &words);\n}\n\nstatic void check(", "}\n\nstatic void check(")])
        #expect(found.status == "failed")
        #expect(found.text.contains("check is never completed"), "\(found.text)")
    }

    @Test func `a program that a provider starts is a request past the host`() throws {
        let found = try Self.outcome(
            "curl", "http-only-via-host", from: .cloud,
            [
                (
                    "   text_put(&path, \"/v1/whoami\");",
                    "   if (system(\"true\")) {}\n   text_put(&path, \"/v1/whoami\");"
                )
            ])
        // libc blocks all signals while it starts a process, so that the trap ends the check.
        #expect(found.status == "crashed")
        #expect(found.text.contains("signal 31"), "\(found.text)")
    }

    @Test func `an executor without an example run is skipped, not judged`() throws {
        let found = try Self.outcome(
            "no-example", "outputs-match-reference", from: .words,
            [("x-fanfold-example-run", "x-fanfold-another")])
        #expect(found.status == "skipped", "\(found.text)")
    }
}
