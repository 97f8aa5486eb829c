extension BrokenPlugin {
    private static func cloud(
        _ check: String, also: Set<String> = [], why: String = "",
        _ changes: [(find: String, replace: String)]
    ) -> BrokenPlugin {
        BrokenPlugin(check: check, also: also, why: why, good: .cloud, changes: changes)
    }

    /// An answer of the host that is passed on five seconds late, if it is this error.
    private static func late(_ code: String) -> [(find: String, replace: String)] {
        [
            (
                "static inline void done(void *user,",
                "static void late(void *f) { fail(f, \(code), FAN_RETRY_LATER, \"late\", \"late\"); }\n"
                    + "static inline void done(void *user,"
            ),
            (
                "answer(f, err, NULL, 0); /* the connection broke",
                "if (err->code == \(code) && f->instance->lane) f->instance->lane->after("
                    + "f->instance->host, 5000000000, late, f); else "
                    + "answer(f, err, NULL, 0); /* the connection broke"
            ),
        ]
    }

    /// Group F: calls that are answered some time.
    static let callCorpus: [BrokenPlugin] = [
        cloud(
            "exactly-once",
            [
                (
                    "      text_put(&words, \"{\\\"left\\\":[]}\");",
                    "      f->instance->host->complete(f->instance->host, f->op, NULL, "
                        + "(fan_view){\"{}\", 2}, NULL, 0);\n"
                        + "      text_put(&words, \"{\\\"left\\\":[]}\");"
                )
            ]),
        cloud("cancel-everywhere", late("FAN_CANCELLED")),
        cloud("deadline", late("FAN_DEADLINE")),
        cloud(
            "back-pressure",
            [("if (code != FAN_EXHAUSTED || ++f->tries > EMIT_TRIES)", "if (1)")]),
        cloud("answer-release", [("   if (body.release) body.release(&body);", "")]),
    ]

    /// Group H: providers.
    static let providerCorpus: [BrokenPlugin] = [
        cloud(
            "launch-idempotent", also: ["kill-anywhere", "hang-anywhere"],
            why: "they launch again when a helper has ended",
            [
                (
                    "   text_free(&name);\n   text_free(&space);",
                    "   static int salt; token[0] = \"0123456789abcdef\"[salt++ % 16];\n"
                        + "   text_free(&name);\n   text_free(&space);"
                )
            ]),
        cloud(
            "token-per-offering",
            [("name.data ? name.data : \"\", name.size, token)", "\"\", 0, token)")]),
        cloud("partial-launch", [("if (f->found == 0) return too_few(f);", "return too_few(f);")]),
        cloud(
            "dead-man", [("f->has_expires = json_member(", "f->has_expires = 0 && json_member(")]),
        cloud(
            "adopt",
            [
                (
                    "text_put(&body, \",\\\"tags\\\":{\\\"token\\\":\");",
                    "text_put(&body, \",\\\"tags\\\":{\\\"launch\\\":\");"
                )
            ]),
        cloud(
            "describe-eventual",
            [
                (
                    "text_put(&f->workers, \",\\\"state\\\":\\\"starting\\\"}\");",
                    "text_put(&f->workers, \",\\\"state\\\":\\\"gone\\\"}\");"
                )
            ]),
        cloud(
            "terminate-idempotent",
            [
                ("   char endpoint[256],", "   char seen[256]; char endpoint[256],"),
                (
                    "   text_put(&path, \"/v1/terminate\");\n   text_put(&body, \"{\\\"ids\\\":\");",
                    "   size_t size = (size_t)(f->ids.end - f->ids.at);\n"
                        + "   if (strlen(instance->seen) == size && "
                        + "!memcmp(instance->seen, f->ids.at, size)) return fail(f, FAN_NOT_FOUND, "
                        + "FAN_RETRY_NEVER, \"ids\", \"these workers are gone\");\n"
                        + "   if (size < sizeof instance->seen) "
                        + "memcpy(instance->seen, f->ids.at, size), instance->seen[size] = 0;\n"
                        + "   text_put(&path, \"/v1/terminate\");\n"
                        + "   text_put(&body, \"{\\\"ids\\\":\");"
                ),
            ]),
        cloud(
            "terminate-unknown",
            [
                (
                    "   text_put(&path, \"/v1/terminate\");\n   text_put(&body, \"{\\\"ids\\\":\");",
                    "   if (memmem(f->ids.at, (size_t)(f->ids.end - f->ids.at), \"never\", 5)) "
                        + "return fail(f, FAN_NOT_FOUND, FAN_RETRY_NEVER, \"ids\", \"no such id\");\n"
                        + "   text_put(&path, \"/v1/terminate\");\n"
                        + "   text_put(&body, \"{\\\"ids\\\":\");"
                )
            ]),
        cloud(
            "terminate-partial",
            [
                (
                    "if (!json_member(document, \"left\", &left) || ",
                    "if (1 || !json_member(document, \"left\", &left) || "
                )
            ]),
        cloud("offerings-sane", [("   if (f->page_token.size) return next_page(f);", "")]),
        cloud(
            "error-mapping",
            [
                (
                    "{\"QuotaExceeded\", 402, FAN_EXHAUSTED, FAN_RETRY_RENEWED",
                    "{\"QuotaExceeded\", 402, FAN_EXHAUSTED, FAN_RETRY_LATER"
                )
            ]),
        cloud(
            "no-secret-leak",
            [
                (
                    "   f->has_offering = json_first(f->offerings, &f->offering);",
                    "   instance->host->log(instance->host, FAN_LOG_INFO, \"launching\", "
                        + "(fan_view){f->boot.at, (uint64_t)(f->boot.end - f->boot.at)});\n"
                        + "   f->has_offering = json_first(f->offerings, &f->offering);"
                )
            ]),
        cloud(
            "http-only-via-host",
            [
                (
                    "   text_put(&path, \"/v1/whoami\");",
                    "   extern int socket(int, int, int); int opened = socket(2, 1, 0);\n"
                        + "   if (opened >= 0) close(opened);\n"
                        + "   text_put(&path, \"/v1/whoami\");"
                )
            ]),
    ]
}
