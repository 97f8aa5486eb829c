import FanfoldJSON
import PluginKit
import PluginMerges
import Testing

@Suite struct PartitionTests {
    private let worked = ChainPartition(
        layers: (0..<48).map {
            ChainLayer(name: "layer-\($0)", compute: 1, parameterBytes: 1.5e9)
        },
        devices: [
            ChainDevice(name: "A", speed: 4, memory: 24e9),
            ChainDevice(name: "B", speed: 1, memory: 64e9),
            ChainDevice(name: "C", speed: 1, memory: 64e9),
        ])

    @Test func `48 equal layers on unlike devices are cut 16, 16, 16, not by memory share`() throws
    {
        let stages = try worked.solve()
        #expect(stages.map(\.layers.count) == [16, 16, 16])
        #expect(Set(stages.map(\.device)) == [0, 1, 2])
        #expect(worked.period(stages) == 16)
        let share = worked.memoryShare()
        #expect(share.map(\.layers.count) == [8, 20, 20])
        #expect(worked.period(share) == 20)
    }

    @Test func `the reasons name the bottleneck, what lifts it, and the memory share`() throws {
        let reasons = worked.reasons(try worked.solve(), fixedOrder: false).joined(separator: " ")
        #expect(reasons.contains("The bottleneck is C: its 16 layers take 16.0 s"))
        #expect(reasons.contains("memory of A (24.0 GB) is full"))
        #expect(reasons.contains("the period would be 8.0 s"))
        #expect(reasons.contains("8/20/20, period 20.0 s"))
    }

    @Test func `no cut of a small chain is better, tried one by one`() throws {
        var random = Seeded(state: 11)
        for _ in 0..<150 {
            let layers = (0..<Int.random(in: 1...6, using: &random)).map {
                ChainLayer(
                    name: "\($0)", compute: Double(Int.random(in: 1...9, using: &random)),
                    activationBytes: Double(Int.random(in: 0...9, using: &random)),
                    parameterBytes: Double(Int.random(in: 1...4, using: &random)))
            }
            let devices = (0..<Int.random(in: 1...3, using: &random)).map {
                ChainDevice(
                    name: "\($0)", speed: Double(Int.random(in: 1...3, using: &random)),
                    memory: Double(Int.random(in: 4...14, using: &random)),
                    link: Double(Int.random(in: 1...2, using: &random)))
            }
            let problem = ChainPartition(layers: layers, devices: devices)
            for fixed in [false, true] {
                let best = exhaustive(problem, from: 0, left: Array(devices.indices), fixed: fixed)
                let found = (try? problem.solve(fixedOrder: fixed)).map { problem.period($0) }
                #expect(found ?? .infinity == best)
            }
        }
    }

    private func exhaustive(
        _ problem: ChainPartition, from start: Int, left: [Int], fixed: Bool
    ) -> Double {
        if start == problem.layers.count { return 0 }
        var best = Double.infinity
        for (place, device) in left.enumerated() {
            var rest = left
            if fixed { rest.removeSubrange(...place) } else { rest.remove(at: place) }
            for end in start + 1...problem.layers.count {
                let stage = problem.stage(start..<end, on: device)
                guard stage.memory <= problem.devices[device].memory else { break }
                best = min(
                    best,
                    max(stage.period, exhaustive(problem, from: end, left: rest, fixed: fixed)))
            }
        }
        return best
    }

    @Test func `layers that fit in no way are refused with the numbers`() {
        let problem = ChainPartition(
            layers: [ChainLayer(name: "a", compute: 1, parameterBytes: 9e9)],
            devices: [ChainDevice(name: "small", memory: 8e9)])
        let error = #expect(throws: PluginError.self) { try problem.solve() }
        #expect(error?.reason == "partition.memory")
        #expect(error?.message.contains("9.0 GB for the largest") == true)
    }

    @Test func `too many kinds of devices are refused, in a fixed order they are not`() throws {
        let problem = ChainPartition(
            layers: (0..<100).map { ChainLayer(name: "\($0)", compute: 1) },
            devices: (1...24).map { ChainDevice(name: "\($0)", speed: Double($0)) })
        #expect(throws: PluginError.self) { try problem.solve() }
        #expect(try !problem.solve(fixedOrder: true).isEmpty)
    }
}
