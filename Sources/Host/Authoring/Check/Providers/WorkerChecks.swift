import CPluginABI
import FanfoldJSON

/// Checks of `describe`, `terminate` and `offerings`.
enum WorkerChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "describe-eventual", subject: .instance,
            summary: "A worker that is not listed yet is starting, never gone.",
            consequence: "Workers that have just been rented would be given up, and others rented.",
            body: eventual),
        CheckCase(
            name: "terminate-idempotent", subject: .instance,
            summary: "Ending workers a second time is a success.",
            consequence: "A second try would fail, and be tried again for ever.",
            body: terminateTwice),
        CheckCase(
            name: "terminate-unknown", subject: .instance,
            summary: "An unknown id is a success and stops no other from being ended.",
            consequence: "Workers that ended by themselves could not be cleared away.",
            body: terminateUnknown),
        CheckCase(
            name: "terminate-partial", subject: .instance,
            summary: "Workers that the cloud did not take are named, and no others.",
            consequence: "Workers that the cloud did not end would run on, and nobody would know.",
            body: terminatePartial),
        CheckCase(
            name: "offerings-sane", subject: .instance,
            summary:
                "All offerings of all pages are there once, with price, currency, time and whether sold out.",
            consequence: "The wrong workers would be rented, or none.", body: offerings),
    ]

    private static let small = "here-a/small/on-demand"
    private static let states: Set<String> = ["starting", "running", "stopping", "gone"]

    private static func eventual(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let provider = try rig.provider()
            let ids = try provider.launch(
                ProviderDriver.request(rig.token(1), offerings: [small], max: 3)
            ).ids
            let query: JSON = ["ids": .array(ids.map { .string($0) })]
            let early = try states(provider.describe(query))
            for id in ids where early[id] != "starting" {
                throw CheckStop.failed(
                    "\(id) has just been launched and is not listed by the cloud yet: describe "
                        + "says \(early[id] ?? "nothing about it"), wanted \"starting\"")
            }
            rig.world.pass(2 * FakeCloud.lag)
            let later = try states(provider.describe(query))
            for id in ids where later[id] != "running" {
                throw CheckStop.failed(
                    "\(id) runs: describe says \(later[id] ?? "nothing about it")")
            }
            _ = try provider.answer(.terminate, query)
            rig.world.pass(FakeCloud.lag)
            let after = try states(provider.describe(query))
            for id in ids where after[id] != "gone" {
                throw CheckStop.failed(
                    "\(id) was terminated a minute ago: describe says "
                        + "\(after[id] ?? "nothing about it"), wanted \"gone\"")
            }
        }
    }

    private static func states(_ workers: [JSON]) throws -> [String: String] {
        var found: [String: String] = [:]
        for worker in workers {
            guard let id = worker["id"]?.stringValue, let state = worker["state"]?.stringValue,
                states.contains(state)
            else {
                throw CheckStop.failed(
                    "a worker is described as \(worker.text.prefix(200)); wanted a \"state\" of "
                        + "starting, running, stopping or gone")
            }
            guard found.updateValue(state, forKey: id) == nil else {
                throw CheckStop.failed("describe lists \(id) twice")
            }
        }
        return found
    }

    private static func terminateTwice(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let provider = try rig.provider()
            let ids = try provider.launch(
                ProviderDriver.request(rig.token(1), offerings: [small], max: 3)
            ).ids
            let query: JSON = ["ids": .array(ids.map { .string($0) })]
            try succeed(provider, query, "terminate")
            guard rig.cloud.living.isEmpty else {
                throw CheckStop.failed(
                    "terminate succeeds and \(rig.cloud.living.count) of 3 workers live on")
            }
            rig.world.pass(60_000_000_000)
            try succeed(provider, query, "terminate of workers that are gone")
            try succeed(rig.provider(), query, "terminate by a fresh instance")
        }
    }

    private static func terminateUnknown(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let provider = try rig.provider()
            let known = try provider.launch(
                ProviderDriver.request(rig.token(1), offerings: [small], max: 1)
            ).ids
            let ids: [JSON] = ["w-999999"] + known.map { .string($0) } + ["never was"]
            try succeed(provider, ["ids": .array(ids)], "terminate with unknown ids")
            guard rig.cloud.living.isEmpty else {
                throw CheckStop.failed("because of an unknown id, a known one is not terminated")
            }
        }
    }

    private static func succeed(
        _ provider: ProviderDriver, _ query: JSON, _ call: String
    ) throws {
        let answer = try provider.answer(.terminate, query)
        guard answer.isSuccess else { throw CheckStop.failed("\(call) fails: \(answer.brief)") }
    }

    private static func terminatePartial(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let provider = try rig.provider()
            let ids = try provider.launch(
                ProviderDriver.request(rig.token(1), offerings: [small], max: 3)
            ).ids
            rig.cloud.faults = [CloudFault(path: "/v1/terminate", kind: .leaves(ids[1]))]
            let answer = try provider.answer(
                .terminate, ["ids": .array(ids.map { .string($0) })])
            let left = answer.json["left"]?.arrayValue?.compactMap(\.stringValue) ?? []
            guard left.contains(ids[1]) || (!answer.isSuccess && answer.message.contains(ids[1]))
            else {
                throw CheckStop.failed(
                    "the cloud did not take \(ids[1]), and terminate does not name it: "
                        + answer.brief)
            }
            for id in [ids[0], ids[2]] where left.contains(id) {
                throw CheckStop.failed("terminate names \(id) as left, which the cloud has taken")
            }
        }
    }

    private static func offerings(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let count = 2 * FakeCloud.pageSize + 50
            rig.cloud.offerings = (0..<count).map { number in
                .init(
                    id: "here-a/kind-\(number)/spot", market: "spot",
                    capacity: number % 10 == 3 ? 0 : 10, price: 0.01 + Double(number) / 1_000)
            }
            let provider = try rig.provider()
            let record = provider.begin(.offerings, [:])
            let answer = try provider.calls.answer(record)
            guard answer.isSuccess else {
                throw CheckStop.failed("offerings fails: \(answer.brief)")
            }
            var seen: [String: JSON] = [:]
            for page in record.emitted + [answer] {
                let listed = page.json["offerings"]?.arrayValue ?? []
                guard listed.count <= maximumPage else {
                    throw CheckStop.failed(
                        "a page has \(listed.count) offerings; wanted at most \(maximumPage)")
                }
                for offering in listed {
                    let id = try judge(offering, rig)
                    guard seen.updateValue(offering, forKey: id) == nil else {
                        throw CheckStop.failed("the offering \(id) is listed twice")
                    }
                }
            }
            try compare(seen, rig)
        }
    }

    /// Offerings on one page of a provider, at most.
    private static let maximumPage = 1_000

    private static func compare(_ seen: [String: JSON], _ rig: ProviderRig) throws {
        guard seen.count == rig.cloud.offerings.count else {
            throw CheckStop.failed(
                "the cloud has \(rig.cloud.offerings.count) offerings on 3 pages, found "
                    + "\(seen.count)")
        }
        for wanted in rig.cloud.offerings {
            guard let found = seen[wanted.id] else {
                throw CheckStop.failed("the offering \(wanted.id) is missing")
            }
            guard found["available"]?.boolValue == (wanted.capacity > 0) else {
                throw CheckStop.failed(
                    "\(wanted.id) is \(wanted.capacity > 0 ? "for rent" : "sold out"), and listed "
                        + "with \"available\": \(found["available"]?.text ?? "nothing")")
            }
            guard found["price_per_hour"]?.doubleValue == wanted.price else {
                throw CheckStop.failed(
                    "\(wanted.id) costs \(wanted.price) an hour, and is listed with "
                        + "\(found["price_per_hour"]?.text ?? "no price")")
            }
        }
    }

    /// Returns: The id of the offering.
    private static func judge(_ offering: JSON, _ rig: ProviderRig) throws -> String {
        func wrong(_ what: String) -> CheckStop {
            .failed("\(what) in the offering \(offering.text.prefix(240))")
        }
        guard let id = offering["id"]?.stringValue, !id.isEmpty else { throw wrong("no \"id\"") }
        guard let price = offering["price_per_hour"]?.doubleValue, price > 0, price.isFinite
        else { throw wrong("wanted a \"price_per_hour\" above 0") }
        guard let currency = offering["currency"]?.stringValue, currency.utf8.count == 3,
            currency.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { throw wrong("wanted a \"currency\" of ISO 4217, three capitals") }
        guard let market = offering["market"]?.stringValue, ["spot", "on-demand"].contains(market)
        else { throw wrong("wanted the \"market\" spot or on-demand") }
        guard let cpu = offering["cpu"]?.doubleValue, cpu > 0 else {
            throw wrong("wanted a \"cpu\" above 0")
        }
        guard let memory = offering["memory"]?.doubleValue, memory > 1_048_576 else {
            throw wrong("wanted \"memory\" in bytes")
        }
        // A minute of slack for the time the call takes.
        guard let date = offering["as_of"]?.stringValue, date >= rig.cloud.date(0),
            date <= rig.cloud.date(rig.world.now + 60_000_000_000)
        else { throw wrong("wanted \"as_of\" to be the time of the price") }
        return id
    }
}
