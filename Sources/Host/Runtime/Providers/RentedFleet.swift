import FanfoldJSON
import FanfoldPlugins
import Logging
import Synchronization

/// Something for rent, as a provider says it.
package struct RentableOffering: Hashable, Sendable {
    /// The provider's id.
    package var id: String
    /// Where it is.
    package var region: String
    /// Where in the region.
    package var zone: String
    /// Cores.
    package var cpu: Double
    /// Memory in bytes.
    package var memoryBytes: Int64
    /// GPUs.
    package var gpu: Double
    /// Memory of each GPU in bytes; `nil` if the provider does not say.
    package var gpuMemoryBytes: Int64?
    /// `spot` or `on-demand`.
    package var market: String
    /// What an hour costs.
    package var pricePerHour: Double
    /// The ISO 4217 code of the currency.
    package var currency: String
    /// When that was the price, in UTC by RFC 3339.
    package var asOf: String
    /// Whether there is one now.
    package var isAvailable: Bool
    /// How likely it is taken back within an hour, from 0 to 1.
    package var interruption: Double
    /// How long a worker takes to start.
    package var bootSeconds: Double

    /// Reads one; `nil` for what breaks the contract.
    package init?(_ json: JSON) {
        guard let id = json["id"]?.stringValue, !id.isEmpty,
            let cpu = json["cpu"]?.doubleValue, cpu >= 0,
            let memory = json["memory"]?.integerValue, memory >= 0,
            let price = json["price_per_hour"]?.doubleValue, price >= 0
        else { return nil }
        self.id = id
        region = json["region"]?.stringValue ?? ""
        zone = json["zone"]?.stringValue ?? ""
        self.cpu = cpu
        memoryBytes = memory
        gpu = json["gpu"]?.doubleValue ?? 0
        gpuMemoryBytes = json["gpu_memory"]?.integerValue.flatMap { $0 > 0 ? $0 : nil }
        market = json["market"]?.stringValue ?? "on-demand"
        pricePerHour = price
        currency = json["currency"]?.stringValue ?? ""
        asOf = json["as_of"]?.stringValue ?? ""
        isAvailable = json["available"]?.boolValue ?? true
        interruption = min(1, max(0, json["interruption"]?.doubleValue ?? 0))
        bootSeconds = max(0, json["boot_s"]?.doubleValue ?? 0)
    }

    /// What an hour of it costs with the work that is lost when it is taken back.
    ///
    /// An hour that is interrupted with probability p loses half of itself on average and another
    /// start: price × (1 + p × (0.5 + boot / 3600)).
    package var effectivePrice: Double {
        pricePerHour * (1 + interruption * (0.5 + bootSeconds / 3_600))
    }
}

/// A worker as its provider sees it.
package struct RentedWorker: Hashable, Sendable {
    /// The provider's id.
    package var id: String
    /// The launch that it came from; empty if nobody knows.
    package var token: String
    /// `starting`, `running`, `stopping` or `gone`.
    package var state: String
    /// How it is reached; empty if it is not yet.
    package var address: String
    /// What it was rented as; empty if nobody knows.
    package var offering: String
    /// When it got into this state, in UTC by RFC 3339.
    package var since: String

    /// Reads one; `nil` without an id.
    package init?(_ json: JSON) {
        guard let id = json["id"]?.stringValue, !id.isEmpty else { return nil }
        self.id = id
        token = json["token"]?.stringValue ?? ""
        state = json["state"]?.stringValue ?? "starting"
        address = json["address"]?.stringValue ?? ""
        offering = json["offering"]?.stringValue ?? ""
        since = json["since"]?.stringValue ?? ""
    }

    /// The worker as reports print it.
    package var json: JSON {
        [
            "id": .string(id), "token": .string(token), "state": .string(state),
            "address": .string(address), "offering": .string(offering), "since": .string(since),
        ]
    }
}

/// One thing that must be good before workers can be rented.
package struct RentalCheck: Hashable, Sendable {
    /// What was looked at.
    package var name: String
    /// Whether it is good.
    package var isFine: Bool
    /// What to do if it is not.
    package var fix: String
}

/// What a launch wants.
package struct RentalRequest: Hashable, Sendable {
    /// The UUID of the launch: the same gives the same workers.
    package var token: String
    /// Ids of offerings, best first.
    package var offerings: [String]
    /// Fewer are no use.
    package var least: Int
    /// How many, at the most.
    package var most: Int
    /// What a worker runs when it starts.
    package var boot: String
    /// What each worker is tagged with, beside the token.
    package var tags: [String: String]
    /// When a worker that nobody renews ends itself, in UTC by RFC 3339.
    package var expires: String

    /// A launch.
    package init(
        token: String, offerings: [String], least: Int, most: Int, boot: String,
        tags: [String: String], expires: String
    ) {
        self.token = token
        self.offerings = offerings
        self.least = least
        self.most = most
        self.boot = boot
        self.tags = tags
        self.expires = expires
    }

    var json: JSON {
        [
            "token": .string(token), "offerings": .array(offerings.map { .string($0) }),
            "count": ["min": .integer(Int64(least)), "max": .integer(Int64(most))],
            "boot": .string(boot),
            "tags": .object(
                JSONObject(tags.sorted { $0.key < $1.key }.map { ($0, .string($1)) })),
            "expires": .string(expires),
        ]
    }
}

/// A provider that runs, asked one thing after another on a thread that may wait.
package final class RentedFleet: Sendable {
    /// How long one call may take, in nanoseconds.
    package static let callNanoseconds: UInt64 = 120_000_000_000
    /// Offerings that are taken from one provider.
    package static let mostOfferings = 100_000

    private let calls: any PluginCalls

    /// A provider whose instance is `calls`.
    package init(_ calls: any PluginCalls) {
        self.calls = calls
    }

    /// Whether credentials, permissions and quota are good.
    package func check() throws(PluginFailure) -> [RentalCheck] {
        try json(PluginCall(.check, nanoseconds: Self.callNanoseconds))["checks"]?.arrayValue?
            .map { check in
                RentalCheck(
                    name: check["name"]?.stringValue ?? "", isFine: check["ok"]?.boolValue == true,
                    fix: check["fix"]?.stringValue ?? "")
            } ?? []
    }

    /// All that is for rent, in the provider's order.
    package func offerings() throws(PluginFailure) -> [RentableOffering] {
        let found = Mutex<[RentableOffering]>([])
        let call = PluginCall(
            .offerings, document: JSON.object(JSONObject()).bytes,
            nanoseconds: Self.callNanoseconds)
        _ = try calls.wait(for: call) { page in
            let items = Self.parse(page.document)["offerings"]?.arrayValue ?? []
            found.withLock { found in
                let room = max(0, Self.mostOfferings - found.count)
                found += items.compactMap(RentableOffering.init).prefix(room)
            }
        }
        return found.withLock { $0 }
    }

    /// Rents workers.
    package func launch(_ request: RentalRequest) throws(PluginFailure) -> [RentedWorker] {
        try workers(.launch, request.json)
    }

    /// The workers with this owner, of this launch, or with these ids.
    package func describe(_ query: Query) throws(PluginFailure) -> [RentedWorker] {
        switch query {
        case .owner(let owner): try workers(.describe, ["owner": .string(owner)])
        case .token(let token): try workers(.describe, ["token": .string(token)])
        case .ids(let ids): try workers(.describe, Self.ids(ids))
        }
    }

    /// Ends workers; one that is gone is ended.
    package func terminate(_ ids: [String]) throws(PluginFailure) {
        _ = try json(
            PluginCall(
                .terminate, document: Self.ids(ids).bytes,
                nanoseconds: Self.callNanoseconds))
    }

    /// Ends every call and the instance.
    package func close() {
        calls.close()
    }

    /// Which workers are asked about.
    package enum Query: Hashable, Sendable {
        /// All that belong to somebody.
        case owner(String)
        /// Those of a launch.
        case token(String)
        /// Those with these ids.
        case ids([String])
    }

    private func workers(
        _ method: PluginCall.Method, _ document: JSON
    ) throws(PluginFailure) -> [RentedWorker] {
        let answer = try json(
            PluginCall(method, document: document.bytes, nanoseconds: Self.callNanoseconds))
        return (answer["workers"]?.arrayValue ?? []).compactMap(RentedWorker.init)
    }

    private func json(_ call: PluginCall) throws(PluginFailure) -> JSON {
        Self.parse(try calls.wait(for: call).document)
    }

    private static func ids(_ ids: [String]) -> JSON {
        ["ids": .array(ids.map { .string($0) })]
    }

    private static func parse(_ bytes: [UInt8]) -> JSON {
        do throws(JSONParseError) {
            return try JSON(parsing: bytes)
        } catch {
            // What is no JSON says nothing: no workers, no offerings.
            return .null
        }
    }
}
