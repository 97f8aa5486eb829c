import FanfoldJSON

/// A worker as its provider sees it.
public struct Worker: ProviderValue, Hashable {
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
    /// The launch it came from.
    public var token: String
    /// Where it is in its life.
    public var state: State
    /// How it is reached; empty if not yet.
    public var address: String
    /// The offering it was rented as.
    public var offering: String
    /// When it got into this state, as the provider says it.
    public var since: JSON

    /// A worker.
    public init(
        id: String, token: String, state: State, address: String = "", offering: String = "",
        since: JSON = .null
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
        [
            "id": .string(id), "token": .string(token), "state": .string(state.rawValue),
            "address": .string(address), "offering": .string(offering), "since": since,
        ]
    }
}

/// Something for rent.
public struct Offering: ProviderValue, Decodable {
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
    /// Memory, in the unit of the contract.
    public var memory: JSON
    /// GPUs, in the shape of the contract.
    public var gpu: JSON
    /// How firmly it is rented.
    public var market: Market
    /// What it costs.
    public var pricePerHour: Double
    /// The ISO 4217 code of the currency: `USD`.
    public var currency: String
    /// When that was the price.
    public var asOf: JSON
    /// Whether there is one now; what is sold out is listed too.
    public var available: Bool
    /// How likely it is to be taken back.
    public var interruption: JSON
    /// How long a worker takes to start, in seconds.
    public var bootSeconds: JSON

    private enum CodingKeys: String, CodingKey {
        case id, region, zone, cpu, memory, gpu, market, currency, available, interruption
        case pricePerHour = "price_per_hour"
        case asOf = "as_of"
        case bootSeconds = "boot_s"
    }

    /// `{"id","region","zone","cpu","memory","gpu","market","price_per_hour","currency","as_of",
    /// "available","interruption","boot_s"}`.
    public var json: JSON {
        [
            "id": .string(id), "region": .string(region), "zone": .string(zone),
            "cpu": .number(cpu), "memory": memory, "gpu": gpu,
            "market": .string(market.rawValue), "price_per_hour": .number(pricePerHour),
            "currency": .string(currency), "as_of": asOf, "available": .bool(available),
            "interruption": interruption, "boot_s": bootSeconds,
        ]
    }
}
