import FanfoldPrediction
import Testing

struct BoundsTests {
    private func observe(
        _ predictor: inout Predictor, runtime: Double, memory: Double? = nil, input: Double = 1
    ) {
        predictor.observe(
            HistoryRow(
                taskClass: "t", features: Features(numbers: [Features.inputBytes: input]),
                requested: Quantities(), used: Quantities(runtime: runtime, memory: memory)))
    }

    private func estimate(_ predictor: Predictor, _ quantity: Quantity) throws -> Estimate {
        let features = Features(numbers: [Features.inputBytes: 1])
        return try #require(predictor.predict(quantity, of: "t", features))
    }

    @Test func `there are no bounds before 19 rows could be compared with what was learnt`() throws
    {
        var predictor = Predictor()
        var numbers = Numbers(seed: 1)
        for _ in 0..<21 { observe(&predictor, runtime: 10 + numbers.next()) }
        #expect(try estimate(predictor, .runtime).bounds == nil)
        observe(&predictor, runtime: 10 + numbers.next())
        #expect(try estimate(predictor, .runtime).bounds != nil)
    }

    @Test(arguments: [1, 2])
    func `nine of ten values lie within the bounds`(_ seed: UInt64) throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: seed)
        for _ in 0..<600 {
            let skewed = numbers.next() * numbers.next()
            observe(&predictor, runtime: 10 + 90 * skewed, memory: 1e9 * (1 + skewed))
        }
        for quantity in [Quantity.runtime, .memory] {
            let estimate = try estimate(predictor, quantity)
            let share = Double(estimate.covered) / Double(estimate.bounded)
            #expect(estimate.bounded > 550)
            #expect(share > 0.85)
            #expect(share < 0.95)
        }
    }

    @Test func `the runtime expected is the middle one, not the mean`() throws {
        var predictor = Predictor()
        for index in 0..<200 { observe(&predictor, runtime: index % 4 == 0 ? 1000 : 10) }
        #expect(try estimate(predictor, .runtime).value < 12)
    }

    @Test(arguments: [0.3, 3])
    func `a class that changes is noticed, and its older rows let go`(_ factor: Double) throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: 7)
        for _ in 0..<100 {
            observe(&predictor, runtime: 10, memory: 1e10 * (1 + 0.1 * numbers.next()))
        }
        #expect(try estimate(predictor, .memory).rowsSinceDrift == nil)
        for _ in 0..<20 {
            observe(&predictor, runtime: 10, memory: factor * 1e10 * (1 + 0.1 * numbers.next()))
        }
        let estimate = try estimate(predictor, .memory)
        #expect(try #require(estimate.rowsSinceDrift) == 8)
        #expect(estimate.rows == 20)
        #expect(estimate.value > factor * 1e10)
        #expect(estimate.value < factor * 1.4e10)
    }

    @Test(arguments: [1, 2, 3])
    func `inputs that grow are no change of the class`(_ seed: UInt64) throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: seed)
        for index in 1...300 {
            let input = Double(index)
            observe(
                &predictor, runtime: 10 * input,
                memory: 1e8 + 1e9 * input * (1 + 0.1 * numbers.next()), input: input)
        }
        #expect(try estimate(predictor, .memory).rowsSinceDrift == nil)
    }

    @Test(arguments: 1...6)
    func `a class that does not change is not said to have`(_ seed: UInt64) throws {
        var predictor = Predictor()
        var numbers = Numbers(seed: seed)
        for _ in 0..<200 {
            let isLarge = numbers.next() > 0.8
            observe(&predictor, runtime: 10, memory: (isLarge ? 5e9 : 1e9) * (1 + numbers.next()))
        }
        #expect(try estimate(predictor, .memory).rowsSinceDrift == nil)
    }
}
