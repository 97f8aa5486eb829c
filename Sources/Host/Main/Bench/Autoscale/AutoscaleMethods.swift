import FanfoldCore

/// What the methods of `fanfold bench autoscale` forecast or desire at the end of each step.
struct AutoscaleMethods {
    let loads: [Double]
    let season: Int
    let stepsPerDay: Int

    /// The load as it is.
    var last: [Double] { loads }

    /// The largest of the latest five.
    var largestOfFive: [Double] {
        loads.indices.map { loads[max(0, $0 - 4)...$0].max() ?? 0 }
    }

    /// What came next a season ago.
    var seasonal: [Double] {
        loads.indices.map { $0 >= season ? loads[$0 + 1 - season] : loads[$0] }
    }

    /// Level and trend, at rates of 0.5 and 0.1.
    ///
    /// Source: C. Holt, "Forecasting Seasonals and Trends", 1957.
    var holt: [Double] {
        var (level, trend) = (loads[0], 0.0)
        return loads.map { load in
            let before = level
            level = 0.5 * load + 0.5 * (level + trend)
            trend = 0.1 * (level - before) + 0.9 * trend
            return max(level + trend, 0)
        }
    }

    /// Replicas by the rule of Kubernetes' HorizontalPodAutoscaler, with no window for removals.
    func kubernetes(target: Double) -> [Int] {
        var count = AutoscaleProtocol.need(loads[0])
        return loads.map { load in
            // A replica in order is used to 0.8.
            let ratio = 0.8 * load / Double(count) / target
            if abs(ratio - 1) > 0.1 {
                count = max(1, Int((Double(count) * ratio).rounded(.up)))
            }
            return count
        }
    }

    /// Replicas that the next step needs: it is known.
    var clairvoyant: [Int] {
        loads.dropFirst().map { AutoscaleProtocol.need($0) } + [1]
    }

    /// The production forecaster, step by step.
    ///
    /// - Returns: Bounds as they were made; and with those of the first half replaced by what the
    ///   forecaster, as it was at the end of that half, says of it.
    func production() -> (asMade: [Double], replayed: [Double], forecaster: LoadForecaster) {
        var forecaster = LoadForecaster(stepsPerDay: stepsPerDay)
        var asMade: [Double] = []
        var outlooks: [LoadOutlook?] = []
        var replayed: [Double] = []
        for (step, load) in loads.enumerated() {
            forecaster.observe(load)
            asMade.append(forecaster.bound ?? 2 * load)
            outlooks.append(forecaster.outlook)
            guard step == loads.count / 2 - 1 else { continue }
            replayed = zip(outlooks, asMade).map { outlook, bound in
                outlook.map { forecaster.bound(for: $0) } ?? bound
            }
        }
        return (asMade, replayed + asMade[replayed.count...], forecaster)
    }
}
