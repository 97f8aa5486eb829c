import FanfoldPrediction
import Testing

struct PredictorTests {
    private static let gigabyte = 1e9

    private func row(
        _ taskClass: String = "sort", input: Double? = nil, words: [String: String] = [:],
        memory: Double?, runtime: Double? = 60
    ) -> HistoryRow {
        HistoryRow(
            taskClass: taskClass, features: features(input, words),
            requested: Quantities(memory: 16 * Self.gigabyte),
            used: Quantities(runtime: runtime, memory: memory))
    }

    private func features(_ input: Double?, _ words: [String: String] = [:]) -> Features {
        Features(numbers: input.map { [Features.inputBytes: $0] } ?? [:], words: words)
    }

    @Test func `without history or a default nothing is said`() {
        #expect(Predictor().predict(.memory, of: "sort", Features()) == nil)
    }

    @Test func `without history the default is given, and called one`() throws {
        let estimate = Predictor().predict(
            .memory, of: "sort", Features(), defaults: Quantities(memory: 5e9))
        #expect(try #require(estimate).value == 5e9)
        #expect(try #require(estimate).tier == .defaults)
    }

    @Test func `what was not measured is not learnt as 0`() throws {
        var predictor = Predictor()
        for _ in 0..<20 { predictor.observe(row(memory: nil, runtime: 10)) }
        #expect(predictor.predict(.memory, of: "sort", Features()) == nil)
        #expect(predictor.predict(.gpuMemory, of: "sort", Features()) == nil)
        let runtime = try #require(predictor.predict(.runtime, of: "sort", Features()))
        #expect(abs(runtime.value - 10) < 1)
    }

    @Test(arguments: [0, -1, Double.nan, .infinity])
    func `a measurement that is no quantity counts as missing`(_ value: Double) {
        #expect(Quantities(memory: value)[.memory] == nil)
    }

    @Test func `memory that grows with the input is predicted from the input`() throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: 1)
        for _ in 0..<60 {
            let input = 1e9 + numbers.next() * 9e9
            predictor.observe(
                row(input: input, memory: 5e8 + 2 * input * (1 + 0.02 * numbers.next())))
        }
        let estimate = try #require(predictor.predict(.memory, of: "sort", features(5e9)))
        #expect(estimate.tier == .model)
        #expect(estimate.value > 1.05e10)
        #expect(estimate.value < 1.2e10)
    }

    @Test func `memory that hangs on nothing known is predicted from statistics or the nearest`()
        throws
    {
        var predictor = Predictor()
        var numbers = Numbers(seed: 2)
        for _ in 0..<60 { predictor.observe(row(memory: 1e9 * (1 + 0.3 * numbers.next()))) }
        let estimate = try #require(predictor.predict(.memory, of: "sort", Features()))
        #expect(estimate.tier == .statistics)
        #expect(estimate.value > 1.25e9)
        #expect(estimate.value < 1.5e9)
    }

    @Test func `a class whose own numbers are right stays with the default`() throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: 3)
        // What the user asks for is what is used; what was seen before says nothing.
        for _ in 0..<80 {
            let memory = 1e9 * (1 + 30 * numbers.next())
            predictor.observe(
                HistoryRow(
                    taskClass: "sort", features: Features(),
                    requested: Quantities(memory: memory * 1.001),
                    used: Quantities(runtime: 60, memory: memory)))
        }
        let estimate = try #require(
            predictor.predict(
                .memory, of: "sort", Features(), defaults: Quantities(memory: 3e9)))
        #expect(estimate.tier == .defaults)
        #expect(abs(estimate.value - 3e9) < 1e8)
    }

    @Test func `a rare large task is not paid for by all the others`() throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: 4)
        for index in 1...300 {
            predictor.observe(row(memory: index % 60 == 0 ? 4e10 : 1e9 + 1e8 * numbers.next()))
        }
        let estimate = try #require(predictor.predict(.memory, of: "sort", Features()))
        #expect(estimate.value < 2e9)
        // The next rung holds the large ones.
        let next = predictor.next(after: estimate.value, .memory, of: "sort", Features())
        #expect(try #require(next) >= 4e10)
    }

    @Test func `no estimate and no rung is above the user's cap`() throws {
        var predictor = Predictor()
        for _ in 0..<30 { predictor.observe(row(memory: 8e9)) }
        let caps = Quantities(memory: 6e9)
        let estimate = predictor.predict(.memory, of: "sort", Features(), caps: caps)
        #expect(try #require(estimate).value == 6e9)
        let rung = predictor.next(after: 5e9, .memory, of: "sort", Features(), caps: caps)
        #expect(rung == 6e9)
        #expect(predictor.next(after: 6e9, .memory, of: "sort", Features(), caps: caps) == nil)
    }

    @Test func `rungs grow until a task fits, whatever was seen`() throws {
        let predictor = Predictor()
        var request = 1e9
        for _ in 0..<PredictionLimits.rungs {
            let next = try #require(
                predictor.next(after: request, .memory, of: "sort", Features()))
            #expect(next >= request * 1.5)
            request = next
        }
    }

    @Test func `tasks that differ in a word are told apart when that pays`() throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: 5)
        for index in 0..<120 {
            let large = index % 2 == 0
            predictor.observe(
                row(
                    words: ["model": large ? "large" : "small"],
                    memory: (large ? 2e10 : 1e9) * (1 + 0.05 * numbers.next())))
        }
        let small = predictor.predict(.memory, of: "sort", features(nil, ["model": "small"]))
        let large = predictor.predict(.memory, of: "sort", features(nil, ["model": "large"]))
        let other = predictor.predict(.memory, of: "sort", features(nil, ["model": "new"]))
        #expect(try #require(small).value < 1.2e9)
        #expect(try #require(large).value >= 2e10)
        // Of a word never seen the class as a whole is asked.
        #expect(try #require(other).rows == 120)
    }

    @Test func `the same rows give the same estimates`() {
        var one = Predictor()
        var other = Predictor()
        var numbers = Numbers(seed: 6)
        for _ in 0..<200 {
            let row = row(input: numbers.next() * 1e9, memory: 1e9 * (1 + numbers.next()))
            one.observe(row)
            other.observe(row)
        }
        let features = features(5e8)
        for quantity in Quantity.allCases {
            #expect(
                one.predict(quantity, of: "sort", features)
                    == other.predict(quantity, of: "sort", features))
        }
    }

    @Test func `classes are limited, and the one used longest ago goes first`() {
        var predictor = Predictor()
        for index in 0...PredictionLimits.classes {
            predictor.observe(row("class-\(index)", memory: 1e9))
        }
        #expect(predictor.known.count == PredictionLimits.classes)
        #expect(predictor.rows(of: "class-0") == 0)
        #expect(predictor.rows(of: "class-1") == 1)
    }

    @Test func `numbers past the limit, and numbers that are none, are left out`() throws {
        var numbers: [String: Double] = ["bad": .nan]
        for index in 0..<PredictionLimits.features + 3 { numbers["key\(index)"] = 1 }
        var predictor = Predictor()
        for _ in 0..<20 {
            predictor.observe(
                HistoryRow(
                    taskClass: "wide", features: Features(numbers: numbers),
                    requested: Quantities(), used: Quantities(memory: 1e9)))
        }
        let estimate = predictor.predict(.memory, of: "wide", Features(numbers: numbers))
        #expect(try #require(estimate).value < 1.3e9)
    }
}
