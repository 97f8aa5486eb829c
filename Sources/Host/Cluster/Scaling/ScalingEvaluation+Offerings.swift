import FanfoldCore
import FanfoldRuntime

extension ClusterScaling {
    /// The settings with what the pools may be given now; pools of which nothing is known are left out.
    ///
    /// - Parameter isRefusing: whether a provider is left alone for a while.
    func settings(
        _ known: [String: [ScalingOffering]], isRefusing: (String) -> Bool
    ) -> ScalingSettings {
        var settings = declaration.settings
        settings.pools = pools.compactMap { declared in
            guard var offerings = known[declared.name], !offerings.isEmpty else { return nil }
            if isRefusing(declared.provider) {
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
}

extension ScalingEvaluation {
    /// Has the scaler go on with the settings as they are now.
    mutating func rebuild() {
        let settings = scaling.settings(memory.offerings) { provider in
            refusedUntil[provider].map { wall.nanoseconds < $0 } ?? false
        }
        guard settings != scaler.settings, settings.problem == nil else { return }
        do throws(CodingError) {
            scaler = try Scaler(settings: settings, after: scaler)
        } catch {
            preconditionFailure("a scaler reads what it wrote: \(error)")
        }
    }

    /// What providers have for rent becomes what the pools may be given.
    mutating func takeOffered() {
        let before = memory.currency
        chooseCurrency()
        changeCurrency(from: before)
        for pool in scaling.pools {
            guard let rentable = offered[pool.name] else { continue }
            take(rentable, of: pool)
        }
        offered = [:]
    }

    /// What a provider has for rent becomes what a pool may be given; what its workers have stays.
    private mutating func take(_ rentable: [RentableOffering], of pool: PoolDeclaration) {
        let isLocal = scaling.providers.contains { $0.name == pool.provider && $0.isLocal }
        let share = isLocal ? 1 : scaling.memoryShare
        let payable = rentable.filter { $0.isPayable(in: memory.currency) }
        if payable.isEmpty, let other = rentable.first {
            // Sums of two currencies are no sums: the pool is left alone, with its workers.
            let found = String(other.currency.prefix(ClusterScaling.currencyCharacters))
            foreign[pool.name] = found
            memory.offerings[pool.name] = nil
            warnings.append(
                Warning(pool: pool.name, message: Self.otherCurrency(found, memory.currency)))
            return
        }
        foreign[pool.name] = nil
        if payable.count < rentable.count {
            warnings.append(
                Warning(
                    pool: pool.name,
                    message: "\(rentable.count - payable.count) offerings are left out, whose "
                        + "prices are not in \(memory.currency), the currency of the budget"))
        }
        let cheapest = payable.sorted { left, right in
            let (a, b) = (
                left.pricePerHour / max(left.cpu, 0.01),
                right.pricePerHour / max(right.cpu, 0.01)
            )
            return a == b ? left.id < right.id : a < b
        }.prefix(ClusterScaling.offeringsPerPool)
        var offerings = cheapest.map { Self.offering($0, pool, memoryShare: share) }
        let names = Set(offerings.map(\.name))
        let used = scaler.offerings(inUseBy: pool.name)
        for var old in memory.offerings[pool.name] ?? []
        where !names.contains(old.name) && used.contains(old.name) {
            old.isAvailable = false
            offerings.append(old)
        }
        memory.offerings[pool.name] = offerings
        if rentable.isEmpty {
            warnings.append(
                Warning(
                    pool: pool.name,
                    message: "nothing that the pool may be given is for rent: offerings "
                        + "\(pool.offerings), spot \(pool.spot.rawValue)"))
        }
    }

    /// Why a pool is left alone, and what to do.
    static func otherCurrency(_ found: String, _ wanted: String) -> String {
        found.isEmpty
            ? "wanted prices in \(wanted), the currency of the budget, found prices without a "
                + "currency: the pool is left alone until its provider says one"
            : "wanted prices in \(wanted), the currency of the budget, found \(found): the pool is "
                + "left alone; say scaling: { budget: { currency: \(found) } } if the others are to "
                + "be left alone, or have another coordinator rent it"
    }

    /// The currency of the budget: what the settings say, or else that of the first pool that costs
    /// something; once it is known it stays while some pool has such prices, or may have.
    private mutating func chooseCurrency() {
        if !scaling.declaration.currency.isEmpty {
            memory.currency = scaling.declaration.currency
            return
        }
        let said = scaling.pools.map { pool -> String? in
            if let rentable = offered[pool.name] {
                return rentable.first { $0.pricePerHour > 0 }?.currency ?? ""
            }
            if let other = foreign[pool.name] { return other }
            // What it was offered before was in the currency of the budget.
            return memory.offerings[pool.name].map { known in
                known.contains { $0.microsPerHour > 0 } ? memory.currency : ""
            }
        }
        let stays = said.contains { $0 == nil || $0 == memory.currency }
        if memory.currency.isEmpty || !stays {
            let first = said.lazy.compactMap { $0 }.first { !$0.isEmpty }
            memory.currency = first ?? memory.currency
        }
    }

    /// A budget in another currency begins with what was spent in that one: sums of two are no sums.
    ///
    /// What pools were offered for the old one is no price any more.
    private mutating func changeCurrency(from before: String) {
        guard !before.isEmpty, memory.currency != before else { return }
        let spent = scaler.spentMicros
        memory.spentBefore[before] = spent
        scaler.goOn(spentMicros: memory.spentBefore.removeValue(forKey: memory.currency) ?? 0)
        for (pool, known) in memory.offerings where known.contains(where: { $0.microsPerHour > 0 })
        {
            memory.offerings[pool] = nil
        }
        warnings.append(
            Warning(
                pool: "",
                message: "the budget is in \(memory.currency) now and was in \(before): the "
                    + "\(Double(spent) / 1e6) \(before) that were spent count no more, and what is "
                    + "spent from now on does"))
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
    mutating func keepOffering(_ worker: RentedWorker, of pool: String, _ total: ResourceVector?) {
        let known = memory.offerings[pool] ?? []
        guard !known.contains(where: { $0.name == worker.offering }) else { return }
        var offering = ScalingOffering(
            name: worker.offering,
            resources: total ?? ResourceVector(milliCores: 1_000, memoryBytes: 1 << 30),
            microsPerHour: known.map(\.microsPerHour).max() ?? 0)
        offering.isAvailable = false
        memory.offerings[pool] = known + [offering]
    }
}

extension RentableOffering {
    /// Whether its price can be added to prices in a currency: what costs nothing can.
    fileprivate func isPayable(in currency: String) -> Bool {
        pricePerHour == 0 || self.currency == currency || currency.isEmpty
    }
}
