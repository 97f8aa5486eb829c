import FanfoldJSON
import Testing

@testable import FanfoldRuntime

/// A pipeline from text; its files are looked for in `folder`.
func load(
    _ text: String, in folder: TemporaryFolder, _ overrides: [Override] = []
) throws(DocumentErrors) -> Pipeline {
    try Pipeline.load(
        bytes: Array(text.utf8), path: folder.path + "/test.yaml", overrides: overrides)
}

/// What is said about a document that is wrong, the first line of each diagnostic, without the
/// folder.
func complaints(
    _ text: String, in folder: TemporaryFolder, _ overrides: [Override] = []
) -> [String] {
    do throws(DocumentErrors) {
        _ = try load(text, in: folder, overrides)
        return []
    } catch {
        return error.diagnostics.map { diagnostic in
            let text = diagnostic.rendered().split(separator: "\n").first ?? ""
            return String(text).replacing(folder.path + "/", with: "")
        }
    }
}

private let whole = """
    fanfold: 1
    name: sentiment
    seed: 42
    deadline: 2h
    plugins:
      rows: {path: ./libfanfold-rows.so, sha256: \(String(repeating: "0a", count: 32)), isolate: none}
    inputs:
      reviews: {file: "data/*.jsonl"}
      notes: {files: ["notes/b.txt", "notes/*.txt"], format: files}
      threshold: {value: {low: 0.5}}
      numbers: {range: {from: 3, to: 10}}
    defaults:
      retry: {attempts: 3, backoff: 250ms}
      timeout: 10m
      needs: {cpus: 0.5, labels: {zone: a}}
      on-failure: {min-success: 0.95}
    tasks:
      verdict:
        input: {scores: "${tasks.score.output}", limit: "${inputs.threshold}"}
        strategy: {use: ensemble, with: {members: [{run: {command: [cat]}}]}}
        after: [list]
        retry: {attempts: 1}
        on-failure: best-effort
      score:
        input: ${inputs.reviews}
        strategy: data-parallel
        run: {command: [cat, "${items}"]}
        needs: {memory: 1GiB, gpus: 0.25, gpu-memory: 2GB, labels: {disk: ssd}}
        timeout: 1m30s
      list:
        input: ["${inputs.notes}", "${inputs.numbers}"]
        run: {command: [ls]}
        on-failure: fail-fast
    outputs:
      verdict: {from: "${tasks.verdict.output}", file: out/verdict.json, format: json}
      list: {from: "${tasks.list.output}"}
    """

@Suite struct `Pipelines` {
    private let folder = TemporaryFolder()

    init() {
        for name in ["data/b.jsonl", "data/a.jsonl", "notes/b.txt", "notes/a.txt"] {
            folder.write(name, "x\n")
        }
        folder.write("libfanfold-rows.so")
    }

    @Test func `a document with everything in it becomes a pipeline`() throws {
        let pipeline = try load(whole, in: folder)
        #expect(pipeline.name == "sentiment")
        #expect(pipeline.seed == 42)
        #expect(pipeline.deadlineNanoseconds == 7_200_000_000_000)
        #expect(pipeline.directory == folder.path)
        #expect(pipeline.warnings == [])
        #expect(pipeline.plugins.map(\.path) == [folder.path + "/libfanfold-rows.so"])
        #expect(pipeline.inputs.map(\.name) == ["reviews", "notes", "threshold", "numbers"])
        #expect(pipeline.inputs.map(\.format) == [.jsonl, .files, .json, .range])
        #expect(
            pipeline.inputs.map(\.source) == [
                .files([folder.path + "/data/a.jsonl", folder.path + "/data/b.jsonl"]),
                .files([folder.path + "/notes/b.txt", folder.path + "/notes/a.txt"]),
                .value(["low": 0.5]), .range(from: 3, to: 10),
            ])
        #expect(pipeline.tasks.map(\.name) == ["verdict", "score", "list"])
        #expect(pipeline.taskOrder == [1, 2, 0])
        #expect(
            pipeline.outputs == [
                OutputDeclaration(
                    name: "verdict", source: .task(0), path: folder.path + "/out/verdict.json",
                    format: .json),
                OutputDeclaration(name: "list", source: .task(2), path: nil, format: nil),
            ])
    }

    @Test func `tasks take what they do not say from the defaults`() throws {
        let tasks = try load(whole, in: folder).tasks
        #expect(
            tasks[0].inputs == [
                TaskInput(name: "scores", source: .task(1)),
                TaskInput(name: "limit", source: .input(2)),
            ])
        #expect(tasks[0].after == [2])
        #expect(tasks[0].dependencies == [1, 2])
        #expect(tasks[0].strategyUse == "ensemble")
        #expect(tasks[0].strategyConfiguration["members"]?.arrayValue?.count == 1)
        #expect(tasks[0].run == nil)
        #expect(tasks[0].retryAttempts == 1)
        #expect(tasks[0].backoffNanoseconds == 250_000_000)
        #expect(tasks[0].timeoutNanoseconds == 600_000_000_000)
        #expect(tasks[0].failurePolicy == .bestEffort)
        #expect(tasks[1].strategyUse == "data-parallel")
        #expect(tasks[1].strategyConfiguration == [:])
        #expect(tasks[1].timeoutNanoseconds == 90_000_000_000)
        #expect(tasks[1].failurePolicy == .minimumSuccess(0.95))
        #expect(
            tasks[1].needs
                == NeedsDeclaration(
                    cpuMillis: 500, memoryBytes: 1 << 30, gpuMillis: 250,
                    gpuMemoryBytes: 2_000_000_000,
                    labels: [.init(name: "disk", value: "ssd"), .init(name: "zone", value: "a")]))
        #expect(tasks[2].failurePolicy == .failFast)
    }

    @Test func `alternatives have what stands beside them, the first one first`() throws {
        let text = """
            fanfold: 1
            defaults: {needs: {labels: {zone: a}}}
            tasks:
              a:
                run: {command: [date]}
                needs:
                  memory: 2GiB
                  any_of: [{gpus: 0.5, gpu-memory: 8GiB}, {cpus: 8}, {cpus: 4, memory: 4GiB}]
            """
        let needs = try load(text, in: folder).tasks[0].needs
        let all = [needs] + needs.alternatives
        #expect(all.map(\.gpuMillis) == [500, 0, 0])
        #expect(all.map(\.cpuMillis) == [1_000, 8_000, 4_000])
        #expect(all.map(\.memoryBytes) == [2 << 30, 2 << 30, 4 << 30])
        #expect(all.allSatisfy { $0.labels == [.init(name: "zone", value: "a")] })
    }

    @Test func `several GPUs may have to be near to one another, one cannot`() throws {
        func needs(_ text: String) throws -> NeedsDeclaration {
            try load(
                "fanfold: 1\ntasks: {a: {run: {command: [date]}, needs: \(text)}}\n", in: folder
            ).tasks[0].needs
        }
        #expect(try needs("{gpus: 4, gpu-topology: nvlink}").gpuTopology == .link)
        #expect(try needs("{gpus: 2, gpu-topology: numa}").gpuTopology == .node)
        #expect(try needs("{gpus: 1, gpu-topology: any}").gpuTopology == .any)
        for text in ["{gpus: 1, gpu-topology: nvlink}", "{gpus: 2, gpu-topology: pcie}"] {
            #expect(throws: (any Error).self) { try needs(text) }
        }
    }

    @Test func `a short document has sensible defaults`() throws {
        let text =
            "fanfold: 1\ntasks: {a: {run: {command: [date]}}, b: {after: a, run: {command: [date]}}}\n"
        let pipeline = try load(text, in: folder)
        let task = pipeline.tasks[0]
        #expect(pipeline.name == "test")
        #expect(pipeline.seed == 0)
        #expect(pipeline.deadlineNanoseconds == nil)
        #expect(task.strategyUse == "data-parallel")
        #expect(task.strategyConfiguration == ["shards": 1])
        #expect(task.needs == .standard)
        #expect(task.retryAttempts == 1)
        #expect(task.backoffNanoseconds == 1_000_000_000)
        #expect(task.timeoutNanoseconds == nil)
        #expect(task.failurePolicy == .failFast)
        #expect(pipeline.outputs.map(\.name) == ["b"])
    }

    @Test func `the defaults in the schema are those of the code`() throws {
        let definitions = try #require(PipelineSchema.document["$defs"])
        func value(_ pointer: String) -> JSON? {
            JSONPointer(parsing: pointer).flatMap { definitions.value(at: $0) }
        }
        let standard = try NeedsDeclaration(
            json: [
                "cpus": try #require(value("/needs/properties/cpus/default")),
                "memory": try #require(value("/needs/properties/memory/default")),
                "gpus": try #require(value("/needs/properties/gpus/default")),
                "gpu-memory": try #require(value("/needs/properties/gpu-memory/default")),
            ], over: NeedsDeclaration(cpuMillis: 7, memoryBytes: 7, gpuMillis: 7))
        #expect(standard == .standard)
        #expect(value("/retry/properties/attempts/default") == 1)
        #expect(value("/retry/properties/backoff/default") == "1s")
        #expect(value("/on-failure/default") == "fail-fast")
    }

    @Test func `an input that nothing uses is a warning`() throws {
        let text = """
            fanfold: 1
            inputs: {a: {value: 1}, b: {value: 2}, c: {value: 3}}
            tasks:
              t: {input: "${inputs.a}", run: {command: [cat]}, strategy: {use: x, with: {y: "${inputs.c}"}}}
            """
        let warnings = try load(text, in: folder).warnings
        #expect(warnings.map(\.message) == ["nothing uses the input \"b\""])
        #expect(warnings[0].severity == .warning)
    }

    @Test func `a later diagnostic finds its line`() throws {
        let pipeline = try load(whole, in: folder)
        let missing = pipeline.diagnostic(
            task: 0, configuration: JSONPointer(["members", "0", "weight"]), atKey: false,
            message: "missing")
        #expect(missing.place == Place(line: 20, column: 48))
        let key = pipeline.diagnostic(
            task: 0, configuration: JSONPointer(["members"]), atKey: true,
            message: "unknown key \"members\"", suggestion: "did you mean \"member\"?")
        #expect(
            key.rendered().replacing(folder.path + "/", with: "") == """
                test.yaml:20:38: error: unknown key "members" in strategy ensemble; did you mean "member"?
                        strategy: {use: ensemble, with: {members: [{run: {command: [cat]}}]}}
                                                         ^~~~~~~
                help: docs/strategies/ensemble.md

                """)
        #expect(
            pipeline.diagnostic(.strategy(task: 1), message: "").place
                == Place(line: 26, column: 15))
        #expect(
            pipeline.diagnostic(.strategy(task: 0), message: "").place
                == Place(line: 20, column: 21))
        #expect(
            pipeline.diagnostic(.pluginPath(0), message: "").place == Place(line: 6, column: 16))
        #expect(
            pipeline.diagnostic(.strategy(task: 2), message: "").place == Place(line: 30, column: 3)
        )
        #expect(
            pipeline.diagnostic(.run(task: 1, JSONPointer(["command", "1"])), message: "").place
                == Place(line: 27, column: 26))
    }

    @Test func `a long chain of tasks is ordered and a long circle is reported`() throws {
        func chain(_ first: String) -> String {
            var text = "fanfold: 1\ntasks:\n  t0: {\(first)run: {command: [cat]}}\n"
            for index in 1..<5_000 {
                text += "  t\(index): {after: t\(index - 1), run: {command: [cat]}}\n"
            }
            return text
        }
        #expect(try load(chain(""), in: folder).taskOrder == Array(0..<5_000))
        let circle = complaints(chain("after: t4999, "), in: folder)
        #expect(circle.count == 1)
        #expect(circle[0].contains("-> … -> t0"))
    }

    @Test func `more than fifty diagnostics are counted and not shown`() {
        let keys = (0..<53).map { "x\($0): 1\n" }.joined()
        do throws(DocumentErrors) {
            _ = try load("fanfold: 1\ntasks: {a: {run: {command: [cat]}}}\n" + keys, in: folder)
            Issue.record("wanted a refusal")
        } catch {
            #expect(error.diagnostics.count == 53)
            #expect(error.description.hasSuffix("\nand 3 more\n"))
        }
    }

    @Test func `a diagnostic for programs has its place and its notes`() throws {
        do throws(DocumentErrors) {
            _ = try load("fanfold: 1\ntasks: {a: {after: a, run: {command: [cat]}}}\n", in: folder)
            Issue.record("wanted a refusal")
        } catch {
            let json = try #require(error.diagnostics.first).json
            #expect(json["severity"] == "error")
            #expect(json["line"] == 2)
            #expect(json["column"] == 9)
            #expect(json["notes"]?[0]?["column"] == 20)
            #expect(json["suggestion"] == nil)
        }
    }

    @Test func `color only when asked`() {
        let diagnostic = Diagnostic(file: "a.yaml", message: "wrong")
        #expect(diagnostic.rendered() == "a.yaml: error: wrong\n")
        #expect(diagnostic.rendered(color: true).contains("\u{1B}[1;31merror:\u{1B}[0m"))
    }

    @Test func `a long line is shown around the caret`() {
        let start = Place(line: 1, column: 501)
        let diagnostic = Diagnostic(
            file: "a.yaml", range: PlaceRange(start, Place(line: 1, column: 504)), message: "wrong",
            sourceLine: String(repeating: "x", count: 500) + "abc"
                + String(repeating: "y", count: 500))
        let lines = diagnostic.rendered().split(separator: "\n")
        #expect(lines[1].count < 180)
        let caret = lines[2].prefix { $0 == " " }.count
        #expect(lines[1].dropFirst(caret).prefix(3) == "abc")
    }

    @Test func `a document that is not there or a folder is refused`() {
        for path in [folder.path + "/none.yaml", folder.path] {
            #expect(throws: DocumentErrors.self) { try Pipeline.load(path: path) }
        }
    }

    @Test func `a pipeline with random changes is read or refused and never crashes`() {
        var generator = SplitMix(state: 11)
        let lines = whole.split(separator: "\n").map(String.init)
        let words = [
            "{}", "[]", "null", "12", "${tasks.score.output}", "x: y", "*a", "&a", "-1", ".nan",
            "\"", "'", "{", "]", "",
        ]
        for _ in 0..<1_500 {
            var lines = lines
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let line = Int.random(in: 0..<lines.count, using: &generator)
                let word = words.randomElement(using: &generator) ?? ""
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: lines.remove(at: line)
                case 1:
                    lines.insert(
                        lines[line], at: Int.random(in: 0..<lines.count, using: &generator))
                case 2:
                    let key = lines[line].prefix { $0 != ":" }
                    lines[line] = key + ": " + word
                default:
                    let end = Int.random(in: 0...lines[line].count, using: &generator)
                    lines[line] = lines[line].prefix(end) + word
                }
            }
            for complaint in complaints(lines.joined(separator: "\n"), in: folder) {
                #expect(complaint.contains(": error: "))
            }
        }
    }
}
