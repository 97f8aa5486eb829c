import FanfoldJSON
import Foundation
import Testing

/// Each pipeline of config/pipelines against a computation that shares nothing with Fanfold.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(20)))
struct ExamplePipelineTests {
    private func run(_ name: String, _ more: [String] = []) async throws -> Data {
        try await Fanfold.output(["run", Fanfold.example(name)] + more)
    }

    /// Runs an example with two outputs, each into a file of its own.
    private func outputs(of name: String, _ names: [String]) async throws -> [Data] {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = names.map { folder.appendingPathComponent($0) }
        let settings = zip(names, files).flatMap { ["--set", "outputs.\($0).file=\($1.path)"] }
        _ = try await run(name, settings)
        return try files.map { try Data(contentsOf: $0) }
    }

    @Test func `the word count is that of tr, sort and uniq`() async throws {
        let expected = try await shell(
            """
            find /usr/include -name '*.h' -xtype f -print0 | LC_ALL=C sort -z | xargs -0 cat \
                | LC_ALL=C tr -cs A-Za-z '\\n' | LC_ALL=C sort | uniq -c
            """)
        #expect(try await run("wordcount") == expected)
    }

    @Test func `the text pipeline gives the long words in the order of the files`() async throws {
        let expected = try await shell(
            """
            cat /usr/share/common-licenses/* | grep -oiE '[a-z]+' | tr A-Z a-z \
                | python3 -c '
            import sys
            for w in sys.stdin.read().split():
                if len(w) >= 12: print(len(w), w)'
            """)
        #expect(try await run("text-pipeline") == expected)
    }

    @Test func `the ensemble gives what two of three classifiers say`() async throws {
        let members = ["bayes", "centroid", "keyword"].map {
            "<(ls -d /usr/share/common-licenses/* | LC_ALL=C sort "
                + "| python3 config/pipelines/scripts/classify.py \($0))"
        }
        let expected = try await shell(
            """
            python3 -c '
            import json, sys
            for rows in zip(*map(open, sys.argv[1:])):
                votes = [json.loads(row) for row in rows]
                print(votes[0]["file"], sum(v["copyleft"] for v in votes) >= 2)
            ' \(members.joined(separator: " "))
            """)
        let found = try jsonLines(try await run("ensemble")).map { verdict in
            let copyleft = verdict["copyleft"]?.boolValue == true
            return "\(verdict["file"]?.stringValue ?? "?") \(copyleft ? "True" : "False")\n"
        }
        #expect(found.joined() == String(bytes: expected, encoding: .utf8))
    }

    @Test func `native functions give what Python's math gives`() async throws {
        let found = try await outputs(of: "native", ["powers", "roots"])
        let expected = try await shell(
            """
            python3 -c '
            import math
            for i in range(500): print(repr(math.pow(1 + i / 8, (i % 21 - 10) / 4)))
            for i in range(1, 1001): print(repr(math.sqrt(i)))
            for i in range(1, 1001): print(repr(math.log(i)))'
            """)
        let powers = try jsonLines(found[0]).map { $0.doubleValue ?? .nan }
        let roots = try JSON(parsing: Array(found[1]))
        let numbers = ["square", "logarithm"].flatMap { name in
            (roots[name]?.arrayValue ?? []).map { $0.doubleValue ?? .nan }
        }
        #expect(powers + numbers == lines(expected).map { Double($0) ?? .nan })
        let cubes = roots["cube"]?.arrayValue ?? []
        #expect(cubes.count == 1_000)
        #expect(cubes.last?.doubleValue == 10)
    }

    @Test func `the model in two parts gives what it gives in one`() async throws {
        let expected = try await shell(
            """
            script=config/pipelines/scripts/network.py
            ls -d /usr/share/common-licenses/* | LC_ALL=C sort | python3 $script letters \
                | python3 $script hidden | python3 $script output
            """)
        let found = try jsonLines(try await run("model"))
        #expect(found == (try jsonLines(expected)))
        #expect(found.allSatisfy { $0.arrayValue?.count == 3 })
    }

    @Test func `the chain gives the profile that one pass over the database gives`() async throws {
        let found = try await outputs(of: "chain", ["profile", "verdict"])
        let expected = try await shell(
            """
            python3 -c '
            import collections, json, re
            text = open("/var/lib/dpkg/status").read()
            field = lambda name: re.findall("^" + name + ": (.*)$", text, re.M)
            sections = collections.Counter(s.split("/")[-1] for s in field("Section"))
            top = sorted(sections, key=lambda s: (-sections[s], s))[:5]
            print(json.dumps({
                "top-sections": top, "libraries": sections["libs"] + sections["libdevel"],
                "packages": sum(sections.values()), "optional": field("Priority").count("optional"),
                "mib": sum(map(int, field("Installed-Size"))) // 1024}))'
            """)
        let profile = try only(JSON(parsing: Array(found[0])))
        #expect(profile["summary"] == (try JSON(parsing: Array(expected))))
        let verdict = try only(JSON(parsing: Array(found[1]))).stringValue ?? ""
        #expect(["minimal", "server", "workstation"].contains(verdict))
    }

    @Test(arguments: Fanfold.examples)
    func `the same pipeline gives the same bytes, also on one worker`(_ name: String) async throws {
        // A few hundred headers will do here; all of them are counted above.
        let input = name == "wordcount" ? ["--input", "headers=/usr/include/linux/*.h"] : []
        let first = try await run(name, input)
        #expect(!first.isEmpty)
        #expect(try await run(name, input) == first)
        for workers in ["1", "2"] {
            #expect(try await run(name, input + ["--workers", workers]) == first)
        }
    }

    @Test(arguments: Fanfold.examples)
    func `an example is valid and can be planned`(_ name: String) async throws {
        for command in ["validate", "plan"] {
            let finished = try await Fanfold.run([command, Fanfold.example(name)])
            #expect(finished.code == 0, "\(command): \(finished.errors)")
        }
    }
}

/// The lines of a text, without an empty last one.
func lines(_ data: Data) -> [String] {
    (String(bytes: data, encoding: .utf8) ?? "").split(separator: "\n").map(String.init)
}

/// The values of JSON lines.
func jsonLines(_ data: Data) throws -> [JSON] {
    try lines(data).map { try JSON(parsing: Array($0.utf8)) }
}

/// A value that is the only element of a list stands for itself.
func only(_ json: JSON) -> JSON {
    if let elements = json.arrayValue, elements.count == 1 { return elements[0] }
    return json
}
