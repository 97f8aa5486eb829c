import FanfoldJSON

/// A worker as its provider sees it.
public struct Worker: ProviderValue, Decodable, Hashable {
    /// `workers`.
    public static let list = "workers"

    /// Where a worker is in its life.
    public enum State: String, Decodable, Sendable {
        /// Rented, not yet at work.
        case starting
        /// At work.
        case running
        /// On its way out.
        case stopping
        /// Ended.
        case gone
    }

    /// The provider's id; never used again for another.
    public var id: String
    /// The launch it came from; `nil` if nobody knows yet.
    public var token: String?
    /// Where it is in its life.
    public var state: State
    /// How it is reached; `nil` if it is not yet.
    public var address: String?
    /// The offering it was rented as; `nil` if nobody knows yet.
    public var offering: String?
    /// When it got into this state, in UTC by RFC 3339; `nil` if nobody knows yet.
    public var since: String?

    /// A worker.
    public init(
        id: String, token: String?, state: State, address: String? = nil, offering: String? = nil,
        since: String? = nil
    ) {
        self.id = id
        self.token = token
        self.state = state
        self.address = address
        self.offering = offering
        self.since = since
    }

    /// `{"id","token","state","address","offering","since"}`.
    public var json: JSON {
        let texts = [("address", address), ("offering", offering), ("since", since)]
        var object = JSONObject([("id", .string(id)), ("state", .string(state.rawValue))])
        object["token"] = token.map { .string($0) }
        for (key, text) in texts { object[key] = text.map { .string($0) } ?? .null }
        return .object(object)
    }
}

/// Something for rent.
public struct Offering: ProviderValue {
    /// `offerings`.
    public static let list = "offerings"

    /// How firmly a worker is rented.
    public enum Market: String, Decodable, Sendable {
        /// Cheaper, and taken back when somebody pays more.
        case spot
        /// Kept for as long as it is paid.
        case onDemand = "on-demand"
    }

    /// The provider's id.
    public var id: String
    /// Where it is: `eu-central`.
    public var region: String
    /// Where in the region; empty if the provider has no zones.
    public var zone: String
    /// Cores.
    public var cpu: Double
    /// Memory in bytes.
    public var memoryBytes: Int64
    /// GPUs.
    public var gpu: Double
    /// Memory of each GPU in bytes; `nil` if nobody knows.
    public var gpuMemoryBytes: Int64?
    /// How firmly it is rented.
    public var market: Market
    /// What it costs.
    public var pricePerHour: Double
    /// The ISO 4217 code of the currency: `USD`.
    public var currency: String
    /// When that was the price, in UTC by RFC 3339.
    public var asOf: String
    /// Whether there is one now; what is sold out is listed too.
    public var available: Bool
    /// How likely it is to be taken back within an hour, from 0 to 1.
    public var interruption: Double
    /// How long a worker takes to start.
    public var bootSeconds: Double

    /// Something for rent.
    public init(
        id: String, region: String, zone: String = "", cpu: Double, memoryBytes: Int64,
        gpu: Double = 0, gpuMemoryBytes: Int64? = nil, market: Market = .onDemand,
        pricePerHour: Double, currency: String, asOf: String, available: Bool,
        interruption: Double = 0, bootSeconds: Double = 0
    ) {
        self.id = id
        self.region = region
        self.zone = zone
        self.cpu = cpu
        self.memoryBytes = memoryBytes
        self.gpu = gpu
        self.gpuMemoryBytes = gpuMemoryBytes
        self.market = market
        self.pricePerHour = pricePerHour
        self.currency = currency
        self.asOf = asOf
        self.available = available
        self.interruption = interruption
        self.bootSeconds = bootSeconds
    }

    /// `{"id","region","zone","cpu","memory","gpu","market","price_per_hour","currency","as_of",
    /// "available","interruption","boot_s"}`, and `"gpu_memory"` where it is known.
    public var json: JSON {
        var json = JSONObject([
            ("id", .string(id)), ("region", .string(region)), ("zone", .string(zone)),
            ("cpu", .number(cpu)), ("memory", .integer(memoryBytes)), ("gpu", .number(gpu)),
            ("market", .string(market.rawValue)), ("price_per_hour", .number(pricePerHour)),
            ("currency", .string(currency)), ("as_of", .string(asOf)),
            ("available", .bool(available)),
            ("interruption", .number(interruption)), ("boot_s", .number(bootSeconds)),
        ])
        if let gpuMemoryBytes { json["gpu_memory"] = .integer(gpuMemoryBytes) }
        return .object(json)
    }
}
