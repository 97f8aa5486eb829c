import FanfoldPrediction
import Testing

@testable import FanfoldRuntime

@Suite struct AutoNeedsTests {
    private let folder = TemporaryFolder()
    private static let megabyte = 1_048_576.0

    private func pipeline(_ needs: String, defaults: String = "{}") throws -> Pipeline {
        try load(
            """
            fanfold: 1
            name: demo
            defaults: \(defaults)
            inputs: { numbers: { range: 3 } }
            tasks:
              sort: { input: "${inputs.numbers}", run: { command: [cat] }, needs: \(needs) }
            """, in: folder)
    }

    private func predictor(memory: Double, cores: Double, words: [String: String] = [:])
        -> Predictor
    {
        var predictor = Predictor()
        for _ in 0..<40 {
            predictor.observe(
                HistoryRow(
                    taskClass: "demo/sort", features: Features(words: words),
                    requested: Quantities(), used: Quantities(cpu: cores, memory: memory)))
        }
        return predictor
    }

    private func needs(_ pipeline: Pipeline, _ predictor: Predictor) -> NeedsDeclaration {
        var pipeline = pipeline
        pipeline.fillNeeds(from: predictor)
        return pipeline.tasks[0].needs
    }

    @Test func `needs that are stated are left alone`() throws {
        let pipeline = try pipeline("{ cpus: 3 }")
        #expect(!pipeline.hasAutoNeeds)
        #expect(needs(pipeline, predictor(memory: 1e9, cores: 1)) == pipeline.tasks[0].needs)
    }

    @Test func `without a history it begins with the numbers for the kind of work`() throws {
        let other = needs(try pipeline("auto"), Predictor())
        #expect(other.cpuMillis == 2000)
        #expect(other.memoryBytes == 4096 << 20)
        let text = needs(
            try pipeline("{ auto: { kind: text-embedding, keys: { batch: 64 } }, gpus: 1 }"),
            Predictor())
        #expect(text.memoryBytes == 7131 << 20)
        #expect(text.gpuMemoryBytes == 3821 << 20)
    }

    @Test func `without a history it begins with what defaults say`() throws {
        let needs = needs(
            try pipeline("auto", defaults: "{ needs: { memory: 3GiB } }"), Predictor())
        #expect(needs.memoryBytes == 3 << 30)
        #expect(needs.cpuMillis == 2000)
    }

    @Test func `with a history it asks for what such tasks use, in whole steps`() throws {
        let needs = needs(
            try pipeline("auto"), predictor(memory: 700 * Self.megabyte, cores: 0.9))
        #expect(needs.memoryBytes % (1 << 20) == 0)
        #expect((700 << 20...800 << 20).contains(needs.memoryBytes))
        #expect(needs.cpuMillis == 1000)
    }

    @Test func `no need goes above its cap`() throws {
        let pipeline = try pipeline("{ auto: { max-memory: 1GiB, max-cpus: 1.5 } }")
        #expect(needs(pipeline, Predictor()).memoryBytes == 1 << 30)
        let filled = needs(pipeline, predictor(memory: 9e9, cores: 7))
        #expect(filled.memoryBytes == 1 << 30)
        #expect(filled.cpuMillis == 1500)
    }

    @Test func `what stands beside auto is not predicted`() throws {
        let pipeline = try pipeline("{ auto: {}, memory: 2GiB }")
        let filled = needs(pipeline, predictor(memory: 9e9, cores: 3.9))
        #expect(filled.memoryBytes == 2 << 30)
        #expect(filled.cpuMillis == 4000)
    }

    @Test func `the history of another class is asked for by its name`() throws {
        let pipeline = try pipeline("{ auto: { class: shared, keys: { model: bert, batch: 8 } } }")
        let label = HistoryLabel(pipeline.tasks[0], in: pipeline)
        #expect(label.taskClass == "shared")
        #expect(label.keys == Features(numbers: ["batch": 8], words: ["model": "bert"]))
    }

    @Test(arguments: [
        "automatic", "{ auto: { max-memory: none } }", "{ auto: { kind: sport } }",
        "{ auto: { max-memory: 0B } }", "{ auto: { keys: { a: [1] } } }",
    ])
    func `what is no such word is refused`(_ needs: String) {
        #expect(throws: DocumentErrors.self) { try pipeline(needs) }
    }
}
