import FanfoldCore
import FanfoldRuntime

extension ScalingDesk {
    /// The settings with what the pools may be given now; pools of which nothing is known are left out.
    func settings(at wall: UInt64) -> ScalingSettings {
        var settings = scaling.declaration.settings
        settings.pools = scaling.pools.compactMap { declared in
            guard var offerings = books.memory.offerings[declared.name], !offerings.isEmpty else {
                return nil
            }
            if let refusal = books.refusals[declared.provider], wall < refusal.until {
                for place in offerings.indices { offerings[place].isAvailable = false }
            }
            var pool = ScalingPool(
                name: declared.name, maximum: declared.maximum, offerings: offerings)
            pool.minimum = declared.minimum
            pool.step = declared.step
            return pool
        }
        // The least may cost more than the budget once prices change: then the budget wins.
        if settings.problem != nil {
            for place in settings.pools.indices { settings.pools[place].minimum = 0 }
        }
        return settings
    }

    /// Has the scaler go on with the settings as they are now.
    func rebuild() {
        let settings = settings(at: WallClock.now())
        guard settings != books.scaler.settings, settings.problem == nil else { return }
        do throws(CodingError) {
            books.scaler = try Scaler(settings: settings, after: books.scaler)
            books.isChanged = true
        } catch {
            preconditionFailure("a scaler reads what it wrote: \(error)")
        }
    }

    /// What a provider has for rent becomes what a pool may be given; what its workers have stays.
    func take(_ rentable: [RentableOffering], of pool: PoolDeclaration, isLocal: Bool) {
        let share = isLocal ? 1 : scaling.memoryShare
        let cheapest = rentable.sorted { left, right in
            let (a, b) = (
                left.pricePerHour / max(left.cpu, 0.01),
                right.pricePerHour / max(right.cpu, 0.01)
            )
            return a == b ? left.id < right.id : a < b
        }.prefix(ClusterScaling.offeringsPerPool)
        var offerings = cheapest.map { Self.offering($0, pool, memoryShare: share) }
        if let currency = cheapest.first?.currency {
            if !books.memory.currency.isEmpty, currency != books.memory.currency {
                logger.error(
                    "prices in two currencies are added up as they are",
                    metadata: ["pool": "\(pool.name)", "currency": "\(currency)"])
            }
            books.memory.currency = currency
        }
        let names = Set(offerings.map(\.name))
        let used = Set(
            books.scaler.memberViews.filter { $0.pool == pool.name }.map(\.offering))
        for var old in books.memory.offerings[pool.name] ?? []
        where !names.contains(old.name) && used.contains(old.name) {
            old.isAvailable = false
            offerings.append(old)
        }
        books.memory.offerings[pool.name] = offerings
        if rentable.isEmpty {
            logger.warning(
                "nothing that the pool may be given is for rent",
                metadata: [
                    "pool": "\(pool.name)", "offerings": "\(pool.offerings)",
                    "spot": "\(pool.spot.rawValue)",
                ])
        }
    }

    private static func offering(
        _ rentable: RentableOffering, _ pool: PoolDeclaration, memoryShare: Double
    ) -> ScalingOffering {
        let gpus = Int(min(rentable.gpu, Double(WorkerLabel.maximumGPUs)))
        var offering = ScalingOffering(
            name: rentable.id,
            resources: ResourceVector(
                milliCores: Int64(min(rentable.cpu * 1_000, 1e12)),
                memoryBytes: Int64(Double(rentable.memoryBytes) * memoryShare),
                devices: pool.devices(gpus, memoryBytes: rentable.gpuMemoryBytes)),
            microsPerHour: Int64(min((rentable.pricePerHour * 1e6).rounded(), 1e15)))
        offering.isSpot = rentable.market == "spot"
        offering.labels = pool.workerLabels(isSpot: offering.isSpot)
        offering.isAvailable = rentable.isAvailable
        offering.interruptionsPerHour = rentable.interruption
        offering.bootNanoseconds = UInt64(min(rentable.bootSeconds, 86_400) * 1e9)
        return offering
    }

    /// A worker of a pool is there whose offering nobody offers any more: it keeps its place.
    func keepOffering(_ worker: RentedWorker, of pool: String, _ total: ResourceVector?) {
        let known = books.memory.offerings[pool] ?? []
        guard !known.contains(where: { $0.name == worker.offering }) else { return }
        var offering = ScalingOffering(
            name: worker.offering,
            resources: total ?? ResourceVector(milliCores: 1_000, memoryBytes: 1 << 30),
            microsPerHour: known.map(\.microsPerHour).max() ?? 0)
        offering.isAvailable = false
        books.memory.offerings[pool] = known + [offering]
    }
}
