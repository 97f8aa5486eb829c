import FanfoldJSON
import PluginKit

extension ChainPartition {
    /// The period of a cut: its slowest stage or transfer, in seconds.
    public func period(_ stages: [ChainStage]) -> Double {
        stages.map(\.period).max() ?? 0
    }

    /// Why the cut is as it is: the period, the bottleneck, what would lift it, and what a cut by
    /// share of memory would give.
    public func reasons(_ stages: [ChainStage], fixedOrder: Bool) -> [String] {
        let period = period(stages)
        guard let slowest = stages.first(where: { $0.period == period }) else { return [] }
        let device = devices[slowest.device].name
        var reasons: [String] = []
        if slowest.compute == period {
            reasons.append(
                "The bottleneck is \(device): its \(slowest.layers.count) layers take "
                    + "\(rounded(period)) s; every other stage is done by then.")
        } else {
            reasons.append(
                "The bottleneck is the link of \(device): a transfer takes \(rounded(period)) s.")
        }
        reasons.append(lift(stages, slowest, period, fixedOrder))
        let share = memoryShare()
        let fits = share.allSatisfy { $0.memory <= devices[$0.device].memory }
        if fits, !share.isEmpty, self.period(share) > period {
            let sizes = share.map { String($0.layers.count) }.joined(separator: "/")
            reasons.append(
                "A cut by share of memory would be \(sizes), period \(rounded(self.period(share))) s."
            )
        }
        return reasons
    }

    /// The stages for people and programs.
    public func described(_ stages: [ChainStage]) -> [JSON] {
        stages.enumerated().map { index, stage in
            [
                "name": .string("stage-\(index + 1)"),
                "layers": .string("\(stage.layers.lowerBound)-\(stage.layers.upperBound - 1)"),
                "compute": .number(stage.compute), "memory": .number(stage.memory),
                "device": .string(devices[stage.device].name),
            ]
        }
    }

    private func lift(
        _ stages: [ChainStage], _ slowest: ChainStage, _ period: Double, _ fixedOrder: Bool
    ) -> String {
        let device = devices[slowest.device].name
        guard slowest.compute == period else {
            return "A faster link on \(device), or a cut where less crosses, would lift it."
        }
        let full = stages.filter { stage in
            let free = devices[stage.device].memory - stage.memory
            let next = layers[min(stage.layers.upperBound, layers.count - 1)].parameterBytes
            return stage.device != slowest.device && free < next
        }
        var roomy = self
        for index in devices.indices { roomy.devices[index].memory = .infinity }
        if !full.isEmpty, let better = try? roomy.solve(fixedOrder: fixedOrder),
            roomy.period(better) < period
        {
            let names = full.map {
                "\(devices[$0.device].name) (\(gigabytes(devices[$0.device].memory)))"
            }
            return "The memory of \(names.joined(separator: ", ")) is full; with room for every "
                + "layer everywhere the period would be \(rounded(roomy.period(better))) s."
        }
        if slowest.layers.count == 1 {
            return "It is one layer, \(layers[slowest.layers.lowerBound].name): only a faster "
                + "device or a finer profile would lift it."
        }
        var faster = self
        faster.devices[slowest.device].speed *= 2
        guard let better = try? faster.solve(fixedOrder: fixedOrder),
            faster.period(better) < period
        else { return "One faster device would not lift it; another device would." }
        return "Twice the speed on \(device) would give a period of "
            + "\(rounded(faster.period(better))) s."
    }

    private func rounded(_ seconds: Double) -> Double { (seconds * 1e6).rounded() / 1e6 }
}
