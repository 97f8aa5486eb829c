import Testing

@testable import FanfoldCore

/// Bounds of made-up loads.
@Suite struct LoadForecasterTests {
    /// Shares of the load that was above its bound, and bounds over loads, from a step on.
    private func follow(
        _ loads: [Double], stepsPerDay: Int, from begin: Int
    ) -> (missed: Double, cost: Double, forecaster: LoadForecaster) {
        var forecaster = LoadForecaster(stepsPerDay: stepsPerDay)
        var (missed, total, paid) = (0.0, 0.0, 0.0)
        var bound: Double?
        for (step, load) in loads.enumerated() {
            if step >= begin, let bound {
                total += load
                paid += bound
                if load > bound { missed += load }
            }
            forecaster.observe(load)
            bound = forecaster.bound
        }
        return (missed / total, paid / total, forecaster)
    }

    /// A day that swings between 10 and 30, and a little noise.
    private func swing(days: Int, stepsPerDay: Int, noise: Double = 0.03) -> [Double] {
        var random = SplitMix64(seed: 7)
        return (0..<days * stepsPerDay).map { step in
            let time = Double(step % stepsPerDay) / Double(stepsPerDay)
            let wave = time < 0.5 ? 4 * time - 1 : 3 - 4 * time
            let noise = 1 + noise * (Double(random.upTo(2000)) / 1000 - 1)
            return (20 + 10 * wave) * noise
        }
    }

    @Test func `nothing is forecast in the first day`() {
        var forecaster = LoadForecaster(stepsPerDay: 10)
        for _ in 0..<9 {
            forecaster.observe(3)
            #expect(forecaster.bound == nil)
        }
        forecaster.observe(3)
        #expect((forecaster.bound ?? 0) >= 3)
    }

    @Test func `a load that swings every day is bounded closely and is seldom above`() {
        let figures = follow(swing(days: 40, stepsPerDay: 24), stepsPerDay: 24, from: 480)
        #expect(figures.missed < 0.03)
        #expect(figures.cost < 1.12)
    }

    @Test(arguments: [2, 3])
    func `a bound of several steps is one of the largest of them`(ahead: Int) throws {
        let loads = swing(days: 40, stepsPerDay: 24)
        var forecaster = LoadForecaster(stepsPerDay: 24, ahead: ahead)
        var (missed, total, paid) = (0.0, 0.0, 0.0)
        for step in 0..<(loads.count - ahead) {
            forecaster.observe(loads[step])
            guard step >= 480 else { continue }
            let bound = try #require(forecaster.bound)
            let largest = try #require(loads[(step + 1)...(step + ahead)].max())
            total += largest
            paid += bound
            if largest > bound { missed += largest }
        }
        #expect(missed / total < 0.03)
        #expect(paid / total < 1.15)
    }

    @Test func `what is worse than the best method has no part`() {
        let parts = follow(swing(days: 40, stepsPerDay: 24), stepsPerDay: 24, from: 480)
            .forecaster.methods
        #expect(parts.contains(.model))
        #expect(!parts.contains(.smoothed))
    }

    @Test func `a steady load costs what it is`() {
        let figures = follow(
            [Double](repeating: 5, count: 400), stepsPerDay: 24, from: 100)
        #expect(figures.missed == 0)
        #expect(abs(figures.cost - 1) < 0.01)
    }

    @Test func `a load that grows for good raises the bounds within days`() {
        var loads = swing(days: 60, stepsPerDay: 24)
        for step in 720..<loads.count { loads[step] *= 1 + 0.01 * Double(step - 720) / 24 }
        #expect(follow(loads, stepsPerDay: 24, from: 960).missed < 0.03)
    }

    @Test func `no load, bad numbers and single peaks are survived`() {
        var loads = [Double](repeating: 0, count: 200)
        loads[60] = .nan
        loads[61] = .infinity
        loads[62] = -5
        loads[100] = 1e12
        var forecaster = LoadForecaster(stepsPerDay: 12)
        for load in loads {
            forecaster.observe(load)
            guard let bound = forecaster.bound else { continue }
            #expect(bound.isFinite && bound >= 0)
        }
        #expect((forecaster.bound ?? .infinity) < 1e9)
    }

    @Test func `the same loads give the same bounds`() {
        let loads = swing(days: 20, stepsPerDay: 24)
        let one = follow(loads, stepsPerDay: 24, from: 100).forecaster
        let other = follow(loads, stepsPerDay: 24, from: 100).forecaster
        #expect(one == other)
    }

    @Test func `bounds miss the share that is allowed and cost the least`() {
        // Two classes: a few loads far above the others, and always one half.
        let wide = (1...1000).map {
            ErrorBounds.Step(
                forecast: 1, state: 0, load: (1000 / Double($0)).squareRoot(), weight: 1)
        }
        let narrow = (1...1000).map { _ in
            ErrorBounds.Step(forecast: 1, state: 1, load: 0.5, weight: 1)
        }
        let bounds = ErrorBounds(wide + narrow, missShare: 0.05)
        let factor = bounds.factors[bounds.place(of: 0)]
        #expect((5..<20).contains(factor))
        #expect(bounds.factors[bounds.place(of: 1)] == 0.5)
        let missed = wide.filter { $0.load > factor }.reduce(0) { $0 + $1.load }
        #expect(missed <= 0.05 * (wide + narrow).reduce(0) { $0 + $1.load })
    }

    @Test(arguments: [1e-12, 0.3, 1, 1.4142135623730951, 2, 10, 12345.678, 1e300])
    func `a logarithm is the inverse of the exponential`(x: Double) {
        let back = Exponential.natural(Logarithm.natural(x))
        #expect(abs(back / x - 1) < 1e-12 || x > 1e299 && abs(back / x - 1) < 1e-10)
    }
}
