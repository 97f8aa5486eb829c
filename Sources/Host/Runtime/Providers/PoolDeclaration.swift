import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldSimulation

/// Workers of one provider that are counted together: `pools:` of `fanfold.yaml`.
package struct PoolDeclaration: Hashable, Sendable {
    /// Which markets offerings are taken from.
    package enum Spot: String, Hashable, Sendable {
        /// Both.
        case allow
        /// What the provider does not take back.
        case never
        /// What it may take back.
        case only
    }

    /// How the user calls it.
    package var name: String
    /// The name of its provider.
    package var provider: String
    /// Patterns of the offerings that it may be given; `*` stands for anything.
    package var offerings: [String] = ["*"]
    /// The least number of workers.
    package var minimum = 0
    /// The largest number of workers.
    package var maximum: Int
    /// Workers added or removed at a time.
    package var step = 8
    /// Which markets.
    package var spot = Spot.allow
    /// Labels that its workers have, as NAME=VALUE.
    package var labels: [String] = []
    /// Memory of each GPU of its workers in bytes, where the provider does not say it.
    package var gpuMemoryBytes: Int64?
    /// How long a worker stays without its coordinator, in seconds.
    package var leaseSeconds: Int64 = 900
    /// Where a worker gets the program if its image has none; empty for nowhere.
    package var program = ""
    /// The SHA-256 of that archive.
    package var programSHA256 = ""

    /// A pool that may be given whatever its provider has.
    package init(name: String, provider: String, maximum: Int) {
        self.name = name
        self.provider = provider
        self.maximum = maximum
    }

    /// Whether the pool may be given an offering.
    package func takes(_ offering: RentableOffering) -> Bool {
        switch (spot, offering.market == "spot") {
        case (.never, true), (.only, false): return false
        default: break
        }
        return offerings.contains { Self.matches(offering.id[...], pattern: $0[...]) }
    }

    /// The pool with what a cloud in memory has for rent.
    package func simulated(_ cloud: FakeCloud) -> ScalingPool {
        let kinds = cloud.kinds.filter { kind in
            switch (spot, kind.isSpot) {
            case (.never, true), (.only, false): false
            default: offerings.contains { Self.matches(kind.name[...], pattern: $0[...]) }
            }
        }
        var pool = ScalingPool(
            name: name, maximum: maximum,
            offerings: kinds.map { kind in
                var offering = ScalingOffering(
                    name: kind.name,
                    resources: ResourceVector(
                        milliCores: kind.milliCores, memoryBytes: kind.memoryBytes,
                        devices: devices(kind.gpus, memoryBytes: kind.gpuMemoryBytes)),
                    microsPerHour: kind.microsPerHour(at: 0))
                offering.labels = workerLabels(isSpot: kind.isSpot)
                offering.isSpot = kind.isSpot
                offering.interruptionsPerHour = kind.interruptionsPerHour
                offering.bootNanoseconds = kind.bootNanoseconds
                return offering
            })
        pool.minimum = minimum
        pool.step = step
        return pool
    }

    /// What its workers are called.
    package func workerLabels(isSpot: Bool) -> [String] {
        ["pool=\(name)", isSpot ? RunMarket.spotLabel : RunMarket.steadyLabel] + labels
    }

    /// GPUs of a rented worker: memory that nobody says is taken for enough.
    package func devices(_ count: Int, memoryBytes: Int64?) -> [DeviceVector] {
        let memory = memoryBytes ?? gpuMemoryBytes ?? .max / 4_096
        return Array(repeating: DeviceVector(memoryBytes: memory), count: count)
    }

    /// Whether a text is what a pattern says.
    ///
    /// Complexity: O(text · pattern).
    static func matches(_ text: Substring, pattern: Substring) -> Bool {
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return text == pattern }
        guard text.hasPrefix(parts[0]) else { return false }
        var rest = text.dropFirst(parts[0].count)
        for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
            guard let found = rest.firstRange(of: part) else { return false }
            rest = rest[found.upperBound...]
        }
        return rest.hasSuffix(parts[parts.count - 1])
    }
}

/// How workers are added and removed: `scaling:` of `fanfold.yaml`.
package struct ScalingDeclaration: Hashable, Sendable {
    /// What becomes of decisions.
    package enum Mode: String, Hashable, Sendable {
        /// They are kept, for who asks.
        case observe
        /// They are logged too.
        case recommend
        /// They are carried out.
        case act
    }

    /// What becomes of decisions.
    package var mode = Mode.act
    /// The numbers, without pools.
    package var settings = ScalingSettings(pools: [])
    /// Whose the workers are; empty for a name of this coordinator's own.
    package var owner = ""
    /// The currency of the budgets, by ISO 4217; empty for that of the first pool that costs something.
    package var currency = ""

    /// The usual numbers.
    package init() {
        // Looking is cheap, and who waits for a worker waits for this too.
        settings.evaluationNanoseconds = 10_000_000_000
    }
}

extension Settings {
    /// The pools of a document that fits the schema.
    static func pools(_ json: JSON) -> [PoolDeclaration] {
        (json["pools"]?.objectValue?.members ?? []).map { name, value in
            var pool = PoolDeclaration(
                name: name, provider: value["provider"]?.stringValue ?? name,
                maximum: value["max"]?.integerValue.map(Int.init) ?? 0)
            if let patterns = value["offerings"]?.arrayValue {
                pool.offerings = patterns.compactMap(\.stringValue)
            }
            pool.minimum = value["min"]?.integerValue.map(Int.init) ?? pool.minimum
            pool.step = value["step"]?.integerValue.map(Int.init) ?? pool.step
            pool.spot = value["spot"]?.stringValue.flatMap(PoolDeclaration.Spot.init) ?? pool.spot
            pool.labels = (value["labels"]?.objectValue?.members ?? []).map {
                "\($0)=\($1.stringValue ?? "")"
            }
            if let lease = value["lease"]?.stringValue.flatMap(SchemaFormat.nanoseconds) {
                pool.leaseSeconds = max(60, lease / 1_000_000_000)
            }
            pool.gpuMemoryBytes = value["gpu-memory"]?.stringValue.flatMap(SchemaFormat.byteCount)
            pool.program = value["program"]?.stringValue ?? ""
            pool.programSHA256 = value["program-sha256"]?.stringValue ?? ""
            return pool
        }
    }

    /// The numbers of a document that fits the schema.
    static func scaling(_ json: JSON) -> ScalingDeclaration {
        var scaling = ScalingDeclaration()
        guard let json = json["scaling"] else { return scaling }
        func time(_ key: String, in part: JSON? = nil) -> UInt64? {
            (part ?? json)[key]?.stringValue.flatMap(SchemaFormat.nanoseconds).map {
                UInt64(clamping: $0)
            }
        }
        func micros(_ key: String) -> Int64? {
            json["budget"]?[key]?.doubleValue.map { Int64(($0 * 1e6).rounded()) }
        }
        var numbers = scaling.settings
        scaling.mode =
            json["mode"]?.stringValue.flatMap(ScalingDeclaration.Mode.init) ?? scaling.mode
        scaling.owner = json["owner"]?.stringValue ?? ""
        scaling.currency = json["budget"]?["currency"]?.stringValue ?? ""
        numbers.target = json["target"]?.doubleValue ?? numbers.target
        numbers.upper = json["up-at"]?.doubleValue ?? numbers.upper
        numbers.lower = json["down-at"]?.doubleValue ?? numbers.lower
        numbers.windowNanoseconds = time("window") ?? numbers.windowNanoseconds
        numbers.upCooldownNanoseconds = time("up-cooldown") ?? numbers.upCooldownNanoseconds
        numbers.downCooldownNanoseconds = time("down-cooldown") ?? numbers.downCooldownNanoseconds
        numbers.horizonNanoseconds = time("horizon") ?? numbers.horizonNanoseconds
        numbers.evaluationNanoseconds = time("interval") ?? numbers.evaluationNanoseconds
        numbers.hourlyBudgetMicros = micros("hour")
        numbers.totalBudgetMicros = micros("total")
        let spot = json["spot"]
        numbers.checkpointNanoseconds =
            time("checkpoint", in: spot) ?? numbers.checkpointNanoseconds
        numbers.checkpointCostNanoseconds =
            time("checkpoint-cost", in: spot) ?? numbers.checkpointCostNanoseconds
        numbers.replacementNanoseconds =
            time("replacement", in: spot) ?? numbers.replacementNanoseconds
        numbers.deadlines =
            spot?["deadlines"]?.stringValue.flatMap(DeadlineMode.init) ?? numbers.deadlines
        numbers.spareNanoseconds = time("spare", in: spot) ?? numbers.spareNanoseconds
        numbers.forecasts =
            switch json["forecasts"]?.stringValue {
            case "act": .act
            case "recommend": .recommend
            default: .observe
            }
        scaling.settings = numbers
        return scaling
    }

    /// What the schema cannot say of pools and numbers.
    static func scalingProblems(_ json: JSON, _ source: PipelineSource) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        func complain(_ tokens: [String], _ message: String) {
            problems.append(
                source.diagnostic(JSONPointer(tokens), message, help: "docs/scaling.md"))
        }
        let providers = providers(json).map(\.name)
        for pool in pools(json) {
            if !providers.contains(pool.provider) {
                complain(
                    ["pools", pool.name, "provider"],
                    "there is no provider \(pool.provider) under providers:"
                        + (providers.isEmpty
                            ? "" : "; there are " + providers.joined(separator: ", ")))
            }
            if pool.minimum > pool.maximum {
                complain(
                    ["pools", pool.name, "min"],
                    "wanted at most max, which is \(pool.maximum), found \(pool.minimum)")
            }
            if pool.program.isEmpty != pool.programSHA256.isEmpty {
                complain(
                    ["pools", pool.name, "program"],
                    "program and program-sha256 go together")
            }
        }
        problems += currencyProblems(json, source)
        let numbers = scaling(json).settings
        if !(numbers.lower < numbers.target && numbers.target < numbers.upper) {
            complain(
                ["scaling"],
                "wanted down-at < target < up-at, found \(numbers.lower), \(numbers.target), "
                    + "\(numbers.upper)")
        }
        for key in ["window", "interval", "horizon"]
        where json["scaling"]?[key]?.stringValue.flatMap(SchemaFormat.nanoseconds) == 0 {
            complain(["scaling", key], "wanted more than no time")
        }
        return problems
    }

    /// Pools whose prices are known to be in another currency than the budget, or than those of a pool
    /// before them: sums of two currencies are no sums.
    private static func currencyProblems(
        _ json: JSON, _ source: PipelineSource
    ) -> [Diagnostic] {
        var wanted = scaling(json).currency
        var why = "the currency of scaling.budget"
        var problems: [Diagnostic] = []
        let providers = providers(json)
        for pool in pools(json) {
            let provider = providers.first { $0.name == pool.provider }
            guard let provider, let found = provider.knownCurrency else { continue }
            if wanted.isEmpty {
                wanted = found
                why = "as pool \(pool.name) has"
            } else if found != wanted {
                problems.append(
                    source.diagnostic(
                        JSONPointer(["pools", pool.name]),
                        "wanted prices in \(wanted), \(why), found provider \(provider.name) "
                            + "(use: \(provider.use)) with prices in \(found): they are not added "
                            + "up, so have another coordinator rent it",
                        help: "docs/scaling.md"))
            }
        }
        return problems
    }
}

extension ProviderDeclaration {
    /// The currency of its prices where that is known before it is asked; `nil` for one that costs
    /// nothing, or that only a plugin knows.
    fileprivate var knownCurrency: String? {
        switch BuiltInProvider(use: use) {
        case .fake: FakeFleet.currency
        case .local:
            (configuration["price-per-hour"]?.doubleValue ?? 0) > 0 ? LocalFleet.currency : nil
        case nil: nil
        }
    }
}
