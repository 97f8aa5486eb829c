import Testing

@testable import FanfoldCore

/// Packing by classes says what packing worker by worker says.
@Suite struct ProjectionTests {
    /// Every worker with a ledger of its own, looked at one after the other.
    private struct Simple {
        struct Worker {
            var name: String
            var pool: Int
            var offering: Int
            var ledger: Ledger
        }

        var workers: [Worker] = []
        private var next: UInt32 = 0

        mutating func add(
            _ name: String, pool: Int, offering place: Int, _ offering: ScalingOffering,
            running: [ScalingDemand] = []
        ) {
            workers.append(
                Worker(
                    name: name, pool: pool, offering: place,
                    ledger: Ledger(total: offering.resources, labels: offering.labels)))
            for demand in running { _ = fill(workers.count - 1, demand.request, demand.count) }
        }

        private mutating func fill(_ place: Int, _ request: ResourceRequest, _ count: Int) -> Int {
            var done = 0
            while done < count,
                workers[place].ledger.reserve(request, by: SlotID(index: next, generation: 0))
            {
                next += 1
                done += 1
            }
            return done
        }

        private func use(_ place: Int) -> Double {
            let ledger = workers[place].ledger
            return (ResourceAmount(ledger.total) - ResourceAmount(ledger.free)).dominantShare(
                of: ResourceAmount(ledger.total))
        }

        mutating func pack(_ request: ResourceRequest, count: Int) -> Int {
            let keys = workers.indices.map { place -> [Double] in
                let worker = workers[place]
                var key = [
                    -use(place), Double(worker.pool), Double(worker.offering),
                    Double(worker.ledger.free.milliCores), Double(worker.ledger.free.memoryBytes),
                ]
                for device in worker.ledger.free.devices {
                    key += [Double(device.milli), Double(device.memoryBytes)]
                }
                return key
            }
            let order = workers.indices.sorted { left, right in
                keys[left] == keys[right]
                    ? left < right : keys[left].lexicographicallyPrecedes(keys[right])
            }
            var left = count
            for place in order where left > 0 { left -= fill(place, request, left) }
            return left
        }

        func load(of pool: Int) -> Double {
            workers.indices.reduce(0) { $0 + (workers[$1].pool == pool ? use($1) : 0) }
        }
    }

    private func offering(_ number: Int, _ random: inout SplitMix64) -> ScalingOffering {
        let devices = random.upTo(2) == 0 ? Int(random.upTo(3)) + 1 : 0
        var offering = ScalingOffering(
            name: "o\(number)",
            resources: ResourceVector(
                milliCores: Int64(random.upTo(7) + 1) * 1000,
                memoryBytes: Int64(random.upTo(7) + 1) << 30,
                devices: (0..<devices).map { _ in DeviceVector(memoryBytes: 8 << 30) }),
            microsPerHour: 1)
        if random.upTo(1) == 0 { offering.labels = ["fast"] }
        return offering
    }

    private func request(_ random: inout SplitMix64) -> ResourceRequest {
        var request = ResourceRequest(
            milliCores: Int64(random.upTo(8)) * 250, memoryBytes: Int64(random.upTo(8)) << 28)
        if request.milliCores == 0, request.memoryBytes == 0 { request.milliCores = 500 }
        if random.upTo(3) == 0 {
            request.devices = Int(random.upTo(1)) + 1
            request.deviceMilli = [200, 500, 1000][Int(random.upTo(2))]
            request.deviceMemoryBytes = Int64(random.upTo(3)) << 30
        }
        if random.upTo(4) == 0 { request.labels = ["fast"] }
        return request
    }

    private func settings(_ random: inout SplitMix64) -> ScalingSettings {
        ScalingSettings(
            pools: (0...random.upTo(2)).map { number in
                ScalingPool(
                    name: "p\(number)", maximum: 100,
                    offerings: (0...Int(random.upTo(2))).map { offering($0, &random) })
            })
    }

    private func compare(_ projection: Projection, _ simple: Simple, pools: Int, _ seed: Int) {
        for pool in 0..<pools {
            #expect(
                projection.count(of: pool) == simple.workers.count { $0.pool == pool },
                "seed \(seed)")
            #expect(
                abs(projection.load(of: pool) - simple.load(of: pool)) < 1e-9, "seed \(seed)")
        }
    }

    @Test func `packing by classes leaves what packing worker by worker leaves`() {
        for seed in 0..<ScalingPropertyTests.workloads {
            var random = SplitMix64(seed: UInt64(seed))
            let settings = settings(&random)
            let requests = (0..<6).map { _ in request(&random) }
            var (projection, simple) = (Projection(), Simple())
            var named: [(name: String, pool: Int, offering: Int, running: [ScalingDemand])] = []
            for number in 0..<Int(random.upTo(40)) {
                let pool = Int(random.upTo(UInt64(settings.pools.count - 1)))
                let place = Int(random.upTo(UInt64(settings.pools[pool].offerings.count - 1)))
                let running = (0..<Int(random.upTo(2))).map { _ in
                    ScalingDemand(
                        request: requests[Int(random.upTo(5))], count: Int(random.upTo(3)))
                }
                named.append(("w\(number)", pool, place, running))
                simple.add(
                    "w\(number)", pool: pool, offering: place,
                    settings.pools[pool].offerings[place], running: running)
            }
            projection.add(named, settings)
            compare(projection, simple, pools: settings.pools.count, seed)
            for _ in 0..<12 {
                if random.upTo(4) == 0 {
                    let count = Int(random.upTo(3))
                    projection.add(
                        count: count, pool: 0, offering: 0, settings.pools[0].offerings[0])
                    for _ in 0..<count {
                        simple.add("", pool: 0, offering: 0, settings.pools[0].offerings[0])
                    }
                }
                let (request, count) = (requests[Int(random.upTo(5))], Int(random.upTo(30)))
                let left = projection.pack(request, count: count)
                #expect(left == simple.pack(request, count: count), "seed \(seed)")
                compare(projection, simple, pools: settings.pools.count, seed)
            }
        }
    }

    @Test func `workers that are removed before anything is packed are not packed on`() {
        for seed in 0..<ScalingPropertyTests.workloads {
            var random = SplitMix64(seed: UInt64(seed))
            let settings = settings(&random)
            let requests = (0..<4).map { _ in request(&random) }
            var (projection, simple) = (Projection(), Simple())
            let names = (0..<20).map { "w\($0)" }
            projection.add(
                names.map { ($0, 0, 0, [ScalingDemand(request: requests[0], count: 1)]) }, settings)
            let gone = names.filter { _ in random.upTo(2) == 0 } + ["nobody"]
            for name in names where !gone.contains(name) {
                simple.add(
                    name, pool: 0, offering: 0, settings.pools[0].offerings[0],
                    running: [ScalingDemand(request: requests[0], count: 1)])
            }
            // Twice is once.
            for name in gone + gone { projection.remove(name) }
            for request in requests {
                let count = Int(random.upTo(60))
                #expect(
                    projection.pack(request, count: count) == simple.pack(request, count: count),
                    "seed \(seed)")
                compare(projection, simple, pools: 1, seed)
            }
        }
    }

    @Test func `a worker of which part was packed goes with what was packed on it`() {
        let pool = ScalingWorld.pool(cores: 4)
        var projection = Projection()
        projection.add([("a", 0, 0, []), ("b", 0, 0, [])], ScalingSettings(pools: [pool]))
        #expect(projection.pack(ScalingWorld.core, count: 5) == 0)
        #expect(projection.load(of: 0) == 1.25)
        projection.remove("a")
        #expect(projection.load(of: 0) == 0.25)
        #expect(projection.count(of: 0) == 1)
        #expect(projection.pack(ScalingWorld.core, count: 5) == 2)
    }
}
