import Testing

/// A policy in C, broken in one of the ways that `policy-total` looks for.
struct BrokenPolicy: Sendable, CustomTestStringConvertible {
    /// The way.
    var testDescription: String
    /// What is replaced in the source, each once.
    var changes: [(find: String, replace: String)]
    /// What the check must say.
    var says: [String]

    private static let observe =
        "static void observe(fan_instance *instance, fan_view outcomes) { (void)instance, (void)outcomes; }"

    /// Answers that come late, lack something, change, or are no answers.
    static let corpus = [
        BrokenPolicy(
            testDescription: "an answer that comes late",
            changes: [
                (
                    "   text answer = {0};",
                    """
                       struct timespec begin, now;
                       clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
                       do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
                       while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 300);
                       text answer = {0};
                    """
                )
            ], says: ["place takes", "wanted less than 0.1 seconds"]),
        BrokenPolicy(
            testDescription: "an answer without its last worker",
            changes: [
                (
                    "   while (more) {\n      add(answer, score",
                    "   while (more) {\n      json last = worker;\n      if (!json_next(workers, &last)) break;\n      add(answer, score"
                )
            ], says: ["a finite number for each of"]),
        BrokenPolicy(
            testDescription: "an answer without its last request",
            changes: [
                (
                    "   while (more) {\n      add_scores",
                    "   while (more) {\n      json last = request;\n      if (!json_next(requests, &last)) break;\n      add_scores"
                )
            ], says: ["a list for each of"]),
        BrokenPolicy(
            testDescription: "an answer without scores",
            changes: [("{\\\"scores\\\":[", "{\\\"points\\\":[")],
            says: ["wanted \"scores\""]),
        BrokenPolicy(
            testDescription: "no answer at all",
            changes: [
                (
                    "sink->output(sink, (fan_view){answer.bytes, answer.size}, NULL, 0);",
                    "FAN_OK;"
                )
            ], says: ["answers code 0 and 0 outputs", "one output"]),
        BrokenPolicy(
            testDescription: "two answers",
            changes: [
                (
                    "   free(answer.bytes);",
                    "   code = sink->output(sink, (fan_view){answer.bytes, answer.size}, NULL, 0);\n   free(answer.bytes);"
                )
            ], says: ["answers code 0 and 2 outputs", "one output"]),
        BrokenPolicy(
            testDescription: "a refusal of what can come",
            changes: [
                (
                    "   text answer = {0};",
                    "   if (json_first(workers, &request) && json_next(workers, &request))\n      return fan_fail(err, FAN_INVALID, FAN_RETRY_NEVER, \"snapshot.\", \"too many workers\");\n   text answer = {0};"
                )
            ], says: ["and 0 outputs; wanted FAN_OK and one output"]),
        BrokenPolicy(
            testDescription: "an error without a message",
            changes: [
                (
                    "return fan_fail(err, FAN_UNIMPLEMENTED, FAN_RETRY_NEVER, \"predict\", \"this policy predicts nothing\");",
                    "return FAN_UNIMPLEMENTED;"
                )
            ], says: ["predict of", "without a message"]),
        BrokenPolicy(
            testDescription: "an answer that is no JSON", changes: [("\"]}\"", "\"]\"")],
            says: ["wanted JSON whose numbers are finite"]),
        BrokenPolicy(
            testDescription: "a score that is no number",
            changes: [("? \"1\" : \"0\"", "? \"1\" : \"null\"")],
            says: ["a finite number for each of"]),
        BrokenPolicy(
            testDescription: "a score that overflows",
            changes: [("? \"1\" : \"0\"", "? \"1\" : \"1e999\"")], says: ["finite"]),
        BrokenPolicy(
            testDescription: "an observe that takes long",
            changes: [
                (
                    Self.observe,
                    """
                    #include <time.h>
                    static void observe(fan_instance *instance, fan_view outcomes) {
                       struct timespec begin, now;
                       (void)instance, (void)outcomes;
                       clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
                       do clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
                       while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 300);
                    }
                    """
                )
            ], says: ["observe takes", "wanted less than 0.1 seconds"]),
        BrokenPolicy(
            testDescription: "an observe that believes what it is told",
            changes: [
                (
                    Self.observe,
                    """
                    static void observe(fan_instance *instance, fan_view outcomes) {
                       json document, list, one, ended;
                       (void)instance;
                       if (!json_read(outcomes.data, outcomes.size, &document)) return;
                       if (!json_member(document, "outcomes", &list)) return;
                       for (bool more = json_first(list, &one); more; more = json_next(list, &one))
                          if (!json_member(one, "ended", &ended)) abort();
                    }
                    """
                )
            ], says: ["observe of {\"outcomes\":[null"]),
        BrokenPolicy(
            testDescription: "an observe after which a score is no number",
            changes: [
                (
                    Self.observe,
                    "static bool told;\nstatic void observe(fan_instance *instance, fan_view outcomes) { (void)instance, (void)outcomes, told = true; }"
                ),
                ("/* The score of a kind", "static bool told;\n/* The score of a kind"),
                ("? \"1\" : \"0\"", "? \"1\" : told ? \"null\" : \"0\""),
            ], says: ["a finite number for each of"]),
        BrokenPolicy(
            testDescription: "scores that change from one time to the next",
            changes: [
                (
                    "   return has_label(worker, instance->label) ? \"1\" : \"0\";",
                    "   static unsigned asked;\n   return ++asked % 7 ? \"1\" : \"0\";"
                )
            ], says: ["the same questions are answered differently"]),
    ]
}

@Suite(.serialized) struct PolicyCorpusTests {
    @Test(.timeLimit(.minutes(2)), arguments: BrokenPolicy.corpus)
    func `each way in which a policy is broken is found and named`(_ broken: BrokenPolicy) throws {
        let place = broken.testDescription.replacing(" ", with: "-")
        let library = try CheckRig.build(
            "policy-\(place)", from: .policy, changes: broken.changes)
        let checked = CheckRig.check(library, "--only", "policy-total")
        #expect(checked.code == 1, "\(checked.text)")
        for words in broken.says { #expect(checked.text.contains(words), "\(checked.text)") }
    }
}
