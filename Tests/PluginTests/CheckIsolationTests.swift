import Testing

/// What the corpus does not show of the checks that run a plugin in helpers.
@Suite(.serialized, .timeLimit(.minutes(5))) struct CheckIsolationTests {
    private static func failure(
        _ name: String, _ check: String, from good: GoodPlugin = .rows,
        _ changes: [(find: String, replace: String)]
    ) throws -> String {
        let library = try CheckRig.build(name, from: good, changes: changes)
        let report = try CheckRig.report(library, ["--only", check])
        #expect(report.statuses[check] == "failed", "\(report.text)")
        return report.text
    }

    @Test func `a strategy that depends on its process does not survive its helper`() throws {
        for check in ["kill-anywhere", "hang-anywhere"] {
            let text = try Self.failure(
                "pid-" + check, check,
                [
                    (
                        "instance->chunk = chunk;",
                        "instance->chunk = chunk + (uint64_t)getpid() % 997;"
                    )
                ])
            #expect(text.contains("answers differently"), "\(text)")
        }
    }

    @Test func `an executor that depends on its process gives other results after a crash`() throws
    {
        let text = try Self.failure(
            "pid-words", "kill-anywhere", from: .words,
            [
                (
                    "(unsigned long long)words, (unsigned",
                    "(unsigned long long)words + (unsigned)getpid(), (unsigned"
                )
            ])
        #expect(text.contains("in the helper after one that ended"), "\(text)")
    }

    @Test func `a provider whose token depends on its process rents twice after a crash`() throws {
        let text = try Self.failure(
            "pid-cloud", "kill-anywhere", from: .cloud,
            [
                (
                    "uuid5(space.data ? space.data : \"\"",
                    "((char *)space.data)[0] = \"0123456789abcdef\"[getpid() % 16]; "
                        + "uuid5(space.data ? space.data : \"\""
                )
            ])
        #expect(text.contains("launch"), "\(text)")
    }

    /// A run that overlaps with the load before it would find no module.
    @Test func `what was loaded is loaded again before the next helper runs anything`() throws {
        let slow = try CheckRig.build(
            "slow-load", from: .words,
            changes: [
                (
                    ".kind = FAN_KIND_EXECUTOR,",
                    ".kind = FAN_KIND_EXECUTOR, .flags = FAN_CONCURRENT,"
                ),
                (
                    "   module *m = calloc(1, sizeof *m);",
                    "   usleep(20000);\n   module *m = calloc(1, sizeof *m);"
                ),
            ])
        let report = try CheckRig.report(slow, ["--only", "kill-anywhere"])
        #expect(report.statuses["kill-anywhere"] == "passed", "\(report.text)")
    }

    @Test func `without a helper beside the program the checks are skipped and say why`() throws {
        let folder = CheckRig.folder + "/alone"
        let moved = CheckRig.run(
            "mkdir -p \(folder) && (ln -f \(CheckRig.program) \(folder)/fanfold || "
                + "cp \(CheckRig.program) \(folder)/fanfold)")
        try #require(moved.code == 0, "\(moved.text)")
        let good = try CheckRig.good()
        let found = CheckRig.run("\(folder)/fanfold plugin check \(good) --only kill-anywhere")
        #expect(found.code == 0, "\(found.text)")
        #expect(found.text.contains("no fanfold-helper beside this program"), "\(found.text)")
    }

    @Test func `a component that is made in helpers leaves none of them behind`() throws {
        let good = try CheckRig.good(.words)
        for check in ["same-inside-and-out", "kill-anywhere", "hang-anywhere"] {
            let found = CheckRig.check(good, "--only", check, "--seed", "7c21")
            #expect(found.text.contains("1 passed"), "\(found.text)")
        }
    }
}
