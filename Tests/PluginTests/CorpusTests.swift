import FanfoldJSON
@preconcurrency import Glibc
import Testing

/// Plugins that are broken on purpose, each in one way: the kit must find that and nothing else.
@Suite(.serialized) struct CorpusTests {
    @Test(.timeLimit(.minutes(5)), arguments: BrokenPlugin.corpus)
    func `a plugin that is broken in one way fails exactly the check for it`(
        _ broken: BrokenPlugin
    ) throws {
        let library = try CheckRig.build(broken)
        let only = broken.isAlone ? ["--only", broken.check] : []
        let report = try CheckRig.report(library, only + ["--since", CheckRig.good(broken.good)])
        #expect(report.failed == broken.expected, "\(report.text)")
        #expect(broken.also.isEmpty == broken.why.isEmpty, "say why \(broken.also) fail too")
    }

    @Test func `every check of the kit has a plugin in the corpus that it finds`() throws {
        let listed = CheckRig.run("\(CheckRig.program) plugin check --list --output json")
        let checks = try JSON(parsing: listed.text).arrayValue ?? []
        let names = Set(checks.compactMap { $0["name"]?.stringValue })
        let found = BrokenPlugin.corpus.map(\.check)
        #expect(names.subtracting(found) == [], "checks without a broken plugin")
        #expect(Set(found).subtracting(names) == [], "broken plugins without a check")
        #expect(found.count == Set(found).count)
    }

    @Test(.timeLimit(.minutes(2)), arguments: GoodPlugin.allCases)
    func `a good plugin raises no doubt at all, also against itself`(_ plugin: GoodPlugin) throws {
        let good = try CheckRig.good(plugin)
        let report = try CheckRig.report(good, ["--since", good])
        #expect(report.failed == [], "\(report.text)")
    }

    /// What is skipped because it is about another kind of component, or about a declaration that
    /// the example does not make.
    @Test(.timeLimit(.minutes(2)))
    func `of its own kind's checks a good plugin skips only what it does not declare`() throws {
        let isolation = [
            "same-inside-and-out", "kill-anywhere", "hang-anywhere", "upgrade-side-by-side",
        ]
        for (plugin, names) in [
            (
                GoodPlugin.rows,
                ["partition-complete", "replay", "graph-sane", "budget"] + isolation
            ),
            (
                .cloud,
                ["exactly-once", "launch-idempotent", "error-mapping", "http-only-via-host"]
                    + isolation
            ),
            (.words, ["exactly-once", "run-cancel-mid", "outputs-match-reference"] + isolation),
            (.policy, ["policy-total"]),
        ] {
            let report = try CheckRig.report(try CheckRig.good(plugin), [])
            for name in names {
                #expect(report.statuses[name] == "passed", "\(plugin): \(name)")
            }
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a check is switched off with a reason and not without one`() throws {
        let broken = try #require(BrokenPlugin.corpus.first { $0.check == "error-hygiene" })
        let library = try CheckRig.build(broken)
        let settings = CheckRig.folder + "/off.yaml"
        CheckRig.run("printf 'skip: {error-hygiene: \"known, see the tracker\"}' > \(settings)")
        let off = CheckRig.check(library, "--only", "error-hygiene", "--config", settings)
        #expect(off.code == 0, "\(off.text)")
        #expect(off.text.contains("switched off: known, see the tracker"))
        for (text, message) in [
            ("skip: {error-hygiene: \"\"}", "without a reason"),
            ("skip: {no-such-check: \"because of this\"}", "there is no check"),
            ("ignore: all", "there is no setting"), ("skip: [", "off.yaml:"),
        ] {
            CheckRig.run("printf '\(text)' > \(settings)")
            let refused = CheckRig.check(library, "--config", settings)
            #expect(refused.code == 2, "\(refused.text)")
            #expect(refused.text.contains(message), "\(refused.text)")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `the file that switches checks off is found beside the library`() throws {
        let broken = try #require(BrokenPlugin.corpus.first { $0.check == "error-hygiene" })
        let library = try CheckRig.build(broken)
        let folder = CheckRig.folder + "/beside"
        CheckRig.run("mkdir -p \(folder) && cp \(library) \(folder)/libfanfold-beside.so")
        CheckRig.run(
            "printf 'skip: {error-hygiene: not today}' > \(folder)/fanfold-check.yaml")
        let off = CheckRig.check("\(folder)/libfanfold-beside.so", "--only", "error-hygiene")
        #expect(off.code == 0, "\(off.text)")
        #expect(off.text.contains("not today"))
    }

    @Test(.timeLimit(.minutes(2)))
    func `the report is the same with one job and with eight`() throws {
        let good = try CheckRig.good()
        let one = try CheckRig.report(good, ["--jobs", "1"])
        let eight = try CheckRig.report(good, ["--jobs", "8"])
        #expect(one.statuses == eight.statuses)
        #expect(CheckRig.check(good, "--jobs", "0").code == 2)
        #expect(CheckRig.check(good, "--jobs", "257").code == 2)
    }

    @Test func `the page of the checks is the kit's own list`() throws {
        let listed = CheckRig.run("\(CheckRig.program) plugin check --list --output json")
        let checks = try JSON(parsing: listed.text).arrayValue ?? []
        let rows = checks.map { check in
            let parts = ["level", "summary", "consequence"].map { check[$0]?.stringValue ?? "" }
            return "| `\(check["name"]?.stringValue ?? "")` | " + parts.joined(separator: " | ")
                + " |"
        }
        let path = CheckRig.root + "/docs/plugins/check.md"
        let page = CheckRig.run("cat \(path)").text.split(separator: "\n").map(String.init)
        let written = page.filter { $0.hasPrefix("| `") }
        if getenv("FANFOLD_UPDATE_SNAPSHOTS") != nil, written != rows {
            try CheckRig.replaceTable(path, page: CheckRig.run("cat \(path)").text, rows)
            return
        }
        #expect(
            written == rows,
            "FANFOLD_UPDATE_SNAPSHOTS=1 swift test --filter CorpusTests writes the table")
        for check in checks {
            #expect(check["summary"]?.stringValue?.hasSuffix(".") == true, "\(check)")
        }
    }
}

extension CheckRig {
    /// What a run of the whole kit gave.
    struct Report {
        var text: String
        var statuses: [String: String]

        /// What failed, crashed or raised a doubt.
        var failed: Set<String> {
            Set(
                statuses.filter { ["failed", "crashed", "warning"].contains($0.value) }.keys)
        }
    }

    private static let goodLibraries = Dictionary(
        uniqueKeysWithValues: GoodPlugin.allCases.map { good in
            (good, Result { try build("good-\(good)", from: good) })
        })

    /// A good plugin as it is.
    static func good(_ plugin: GoodPlugin = .rows) throws -> String {
        try #require(goodLibraries[plugin]).get()
    }

    static func report(_ library: String, _ more: [String]) throws -> Report {
        let text = check(library, "--output", "json", more.joined(separator: " ")).text
        let checks = try JSON(parsing: text)["checks"]?.arrayValue ?? []
        var statuses: [String: String] = [:]
        for check in checks {
            statuses[check["name"]?.stringValue ?? ""] = check["status"]?.stringValue
        }
        let bad = checks.filter { !["passed", "skipped"].contains($0["status"]?.stringValue) }
        let lines = bad.map {
            "\($0["name"]?.stringValue ?? ""): \($0["status"]?.stringValue ?? "") "
                + ($0["message"]?.stringValue ?? "")
        }
        return Report(text: lines.joined(separator: "\n"), statuses: statuses)
    }

    /// A plugin of the corpus, built in a folder of its own.
    static func build(_ broken: BrokenPlugin) throws -> String {
        let own = folder + "/" + broken.check
        run("mkdir -p \(own) && printf 'GLIBC_2.99 { newest; };' > \(own)/newest.map")
        var flags = broken.flags
        if let neighbour = broken.neighbour {
            let extra = neighbour.flags.replacing("$folder", with: own)
            let made = run(
                "echo '\(neighbour.source)' | cc -xc - -fPIC -shared \(extra) "
                    + "-Wl,-soname,\(neighbour.name) -o \(own)/\(neighbour.name)")
            try #require(made.code == 0, "\(made.text)")
            flags = flags.replacing(
                "NEIGHBOUR", with: "-L\(own) -l:\(neighbour.name) -Wl,-rpath,'$ORIGIN'")
        }
        let built = try build(
            broken.check, from: broken.good, flags: flags,
            tail: "\n" + broken.tail + "\n",
            changes: broken.changes.map { ($0.find, $0.replace.replacing("OWN", with: own)) })
        let library = own + "/" + (broken.fileName ?? "libfanfold-\(broken.check).so")
        run("mv \(built) \(library)")
        if !broken.finish.isEmpty {
            let finished = run("library=\(library); \(broken.finish)")
            try #require(finished.code == 0, "\(finished.text)")
        }
        return library
    }

    /// Writes the rows of the table of a page anew.
    static func replaceTable(_ path: String, page: String, _ rows: [String]) throws {
        var lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let first = lines.firstIndex { $0.hasPrefix("| `") } ?? lines.count
        lines.removeAll { $0.hasPrefix("| `") }
        lines.insert(contentsOf: rows, at: first)
        let file = try #require(fopen(path, "w"))
        fputs(lines.joined(separator: "\n"), file)
        fclose(file)
    }
}
