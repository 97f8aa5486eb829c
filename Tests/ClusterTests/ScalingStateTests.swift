import FanfoldCore
import Testing

@testable import FanfoldCluster

/// What a coordinator finds its rented workers by, and what it keeps of them.
@Suite struct ScalingStateTests {
    @Test func `the token of a launch is a UUID that says whose it is, of which pool, and which`() {
        let pools = ["a", "b", "spot.large"]
        for pool in pools {
            for launch in [1, 7, 0xFFFF_FFFF_FFFF] as [UInt64] {
                let token = LaunchToken(owner: "fanfold-1", pool: pool, launch: launch)
                let parts = token.text.split(separator: "-")
                #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
                #expect(parts[2].first == "8")
                #expect("89ab".contains(parts[3].first ?? "x"))
                #expect(token.text.allSatisfy { $0 == "-" || $0.isHexDigit })
                #expect(LaunchToken(token.text, owner: "fanfold-1", pools: pools) == token)
                #expect(LaunchToken(token.text, owner: "fanfold-2", pools: pools) == nil)
                let others = pools.filter { $0 != pool }
                #expect(LaunchToken(token.text, owner: "fanfold-1", pools: others) == nil)
            }
        }
    }

    @Test(arguments: [
        "", "x", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "----", "a-b-c-d-zzzzzzzzzzzz",
    ])
    func `what is no token of ours belongs to nobody`(_ text: String) {
        #expect(LaunchToken(text, owner: "fanfold-1", pools: ["a"]) == nil)
    }

    @Test func `what pools were offered outlives the process, and is not given out unasked`()
        throws
    {
        var offering = ScalingOffering(
            name: "zone/large/spot",
            resources: ResourceVector(
                milliCores: 8_000, memoryBytes: 1 << 35, devices: [DeviceVector(memoryBytes: 9)]),
            microsPerHour: 123_456)
        offering.labels = ["pool=a", "tier=fast"]
        offering.isSpot = true
        offering.interruptionsPerHour = 0.25
        offering.bootNanoseconds = 40_000_000_000
        var memory = ScalingMemory()
        memory.currency = "USD"
        memory.spentBefore = ["EUR": 1_500_000]
        memory.offerings = ["a": [offering], "b": []]
        let scaler = Scaler(
            settings: ScalingSettings(pools: [
                ScalingPool(name: "a", maximum: 3, offerings: [offering])
            ]))
        let bytes = memory.bytes(scaler)
        var inner: [UInt8] = []
        var back = try ScalingMemory(bytes, scaler: &inner)
        #expect(try Scaler(settings: scaler.settings, from: inner) == scaler)
        #expect(back.offerings["a"]?.first?.isAvailable == false)
        back.offerings["a"]?[0].isAvailable = true
        #expect(back == memory)
        // What was written before amounts had a currency.
        memory.spentBefore = [:]
        var old = memory.bytes(scaler)
        let inside = scaler.encoded().count
        // The number of currencies stands before the length of the scaler's bytes.
        let place = old.count - inside - (inside < 128 ? 2 : 3)
        #expect(old[place] == 0)
        old.remove(at: place)
        old[0] = 1
        #expect(try ScalingMemory(old, scaler: &inner).spentBefore == [:])
        #expect(try Scaler(settings: scaler.settings, from: inner) == scaler)
        for length in 0..<bytes.count {
            #expect(throws: CodingError.self) {
                try ScalingMemory(Array(bytes.prefix(length)), scaler: &inner)
            }
        }
    }
}
