import FanfoldJSON
import Testing

@testable import FanfoldRuntime

@Suite struct `Overrides` {
    private let folder = TemporaryFolder()
    private let text = """
        fanfold: 1
        inputs:
          text: {file: a.txt}
          list: {value: [1, 2]}
        tasks:
          count:
            input: ["${inputs.text}", "${inputs.list}"]
            strategy: data-parallel
            run: {command: [wc, -l]}
        """

    init() {
        folder.write("a.txt")
        folder.write("b.csv")
    }

    @Test func `a value is set wherever it stands`() throws {
        let pipeline = try load(
            text, in: folder,
            [
                .set("tasks.count.strategy.with.shards=4"), .set("tasks.count.retry.attempts=2"),
                .set("tasks.count.run.command.1=-w"), .set("inputs.list.value={a: [x]}"),
                .set("/name=other"), .set("tasks.count.strategy.with.size=\"1=2\""),
            ])
        #expect(pipeline.tasks[0].strategyUse == "data-parallel")
        #expect(pipeline.tasks[0].strategyConfiguration == ["shards": 4, "size": "1=2"])
        #expect(pipeline.tasks[0].retryAttempts == 2)
        #expect(pipeline.tasks[0].run?["command"] == ["wc", "-w"])
        #expect(pipeline.inputs[1].source == .value(["a": ["x"]]))
        #expect(pipeline.name == "other")
    }

    @Test func `an input takes another file`() throws {
        let pipeline = try load(text, in: folder, [.input("text=\(folder.path)/b.csv")])
        #expect(pipeline.inputs[0].source == .files([folder.path + "/b.csv"]))
        #expect(pipeline.inputs[0].format == .csv)
    }

    @Test func `mistakes name the argument`() {
        let cases: [(Override, String)] = [
            (
                .set("tasks.conut.timeout=1s"),
                "--set tasks.conut.timeout=1s: error: tasks.conut.timeout is not in the document: "
                    + "there is no task \"conut\"; did you mean \"tasks.count.timeout\"?"
            ),
            (
                .set("taks.count.timeout=1s"),
                "--set taks.count.timeout=1s: error: taks.count.timeout is not in a pipeline: "
                    + "unknown key \"taks\"; did you mean \"tasks.count.timeout\"?"
            ),
            (
                .set("tasks.count.timeot=1s"),
                "--set tasks.count.timeot=1s: error: unknown key \"timeot\"; did you mean \"timeout\"?"
            ),
            (
                .set("tasks.count.timeout=soon"),
                "--set tasks.count.timeout=soon: error: wanted \(Unit.duration.wanted), found \"soon\""
            ),
            (
                .set("tasks.count"),
                "--set tasks.count: error: wanted PATH=VALUE, for example tasks.count.timeout=10m"
            ),
            (
                .set("tasks..x=1"),
                "--set tasks..x=1: error: wanted keys joined by dots, found \"tasks..x\""
            ),
            (
                .set("seed=[1"),
                "--set seed=[1: error: the value is not YAML: wanted ',' or ']' in the sequence, found the end of the document"
            ),
            (
                .set("tasks.count.input.5=x"),
                "--set tasks.count.input.5=x: error: tasks.count.input.5 is not in the document: "
                    + "tasks.count.input is a list of 2, counted from 0"
            ),
            (
                .set("fanfold.x=1"),
                "--set fanfold.x=1: error: fanfold.x is not in the document: fanfold is 1, which holds nothing"
            ),
            (
                .input("txt=b.csv"),
                "--input txt=b.csv: error: there is no input \"txt\"; did you mean \"text\"?"
            ),
            (
                .input("text"),
                "--input text: error: wanted NAME=PATH, for example reviews=data/reviews.jsonl"
            ),
            (
                .input("text=/no/such.csv"),
                "--input text=/no/such.csv: error: there is no file /no/such.csv"
            ),
        ]
        for (override, wanted) in cases {
            #expect(complaints(text, in: folder, [override]) == [wanted])
        }
    }

    @Test func `a path is as deep as a document may be`() {
        let deep = "tasks.count.strategy.with" + String(repeating: ".x", count: 60)
        #expect(complaints(text, in: folder, [.set("\(deep)=1")]) == [])
        #expect(
            complaints(text, in: folder, [.set("\(deep).x=1")]) == [
                "--set \(deep).x=1: error: wanted at most 64 keys in a path"
            ])
    }

    @Test func `a later diagnostic about an override names the argument`() throws {
        let pipeline = try load(text, in: folder, [.set("tasks.count.strategy.with.shardz=4")])
        let diagnostic = pipeline.diagnostic(
            task: 0, configuration: JSONPointer(["shardz"]), atKey: true,
            message: "unknown key \"shardz\"")
        #expect(diagnostic.file == "--set tasks.count.strategy.with.shardz=4")
        #expect(diagnostic.place == nil)
    }
}
