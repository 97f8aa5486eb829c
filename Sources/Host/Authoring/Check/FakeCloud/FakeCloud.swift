import FanfoldJSON

/// A cloud that does not exist: docs/plugins/fake-cloud.md says what it answers.
///
/// Deterministic: its time is the world's, its offerings are those of the check, its faults are asked
/// for.  It is asked on the lane only.
final class FakeCloud {
    static let protocolName = "fake/1"
    static let endpoint = "http://fake-cloud.test"
    static let secret = "fake"
    /// Offerings on one page, at most.
    static let pageSize = 100
    /// How long a launched worker is not listed, in nanoseconds.
    static let lag: UInt64 = 60_000_000_000
    /// How long a terminated worker stays listed, in nanoseconds.
    static let memory: UInt64 = 3_600_000_000_000

    /// Something for rent.
    struct Offering {
        var id: String
        var region = "here"
        var market = "on-demand"
        var capacity = 1_000
        var price = 0.1
        /// Whether it is listed; what is sold out is.
        var isListed = true
    }

    /// A rented worker.
    struct Worker {
        var id: String
        var tags: [String: String]
        var offering: String
        var launched: UInt64
        var terminated: UInt64?
    }

    var offerings: [Offering] = [Offering(id: "here-a/small/on-demand")]
    var faults: [CloudFault] = []
    private(set) var requests: [CloudRequest] = []
    private(set) var workers: [Worker] = []
    private var launches: [String: (parameters: JSON, ids: [String])] = [:]
    private let now: () -> UInt64

    /// A cloud whose time is that of `world`.
    init(_ world: CallWorld) {
        now = { world.now }
    }

    /// The workers that cost something.
    var living: [Worker] { workers.filter { $0.terminated == nil } }

    /// The launches that were asked for, as they arrived.
    var launchRequests: [CloudRequest] {
        requests.filter { $0.path == "/v1/launch" && $0.method == "POST" }
    }

    /// The time as people read it.
    func date(_ time: UInt64) -> String {
        CloudDate.text(CloudDate.start + Int64(time / 1_000_000_000))
    }

    /// Does what a request asks for.
    func answer(_ request: CloudRequest) -> CloudReply {
        requests.append(request)
        guard request.url.hasPrefix(Self.endpoint + "/") else { return .broken }
        var fault: CloudFault.Kind?
        if let place = faults.firstIndex(where: { $0.path == request.path && $0.times > 0 }) {
            faults[place].times -= 1
            fault = faults[place].kind
        }
        if case .reply(let reply) = fault { return reply }
        guard request.secret == Self.secret else { return .error(401, "AuthFailure") }
        let reply = perform(request, fault)
        switch (fault, reply) {
        case (.brokenAfter, _): return .broken
        case (.garbled, .answer(let status, let headers, let body)):
            return .answer(status, headers: headers, body: Array(body.prefix(body.count / 2)))
        default: return reply
        }
    }

    private func perform(_ request: CloudRequest, _ fault: CloudFault.Kind?) -> CloudReply {
        switch (request.method, request.path) {
        case ("GET", "/v1/whoami"): .json(200, ["account": "acct-1"])
        case ("GET", "/v1/offerings"): list(request)
        case ("POST", "/v1/launch"): launch(request)
        case ("GET", "/v1/workers"): describe(request)
        case ("POST", "/v1/terminate"): terminate(request, fault)
        default: .error(404, "NotFound")
        }
    }

    private func list(_ request: CloudRequest) -> CloudReply {
        let region = request.query["region"]
        let listed = offerings.filter { $0.isListed && (region == nil || $0.region == region) }
        let start = request.query["page"].flatMap { Int($0.dropFirst()) } ?? 0
        guard start >= 0, start <= listed.count else { return .error(400, "InvalidParameter") }
        let page = listed[start...].prefix(Self.pageSize)
        let end = start + page.count
        return .json(
            200,
            [
                "offerings": .array(page.map(json)),
                "next": end < listed.count ? .string("p\(end)") : .null,
            ])
    }

    private func json(_ offering: Offering) -> JSON {
        [
            "id": .string(offering.id), "region": .string(offering.region),
            "zone": .string(offering.region + "-a"), "cpu": 4, "memory_bytes": 17_179_869_184,
            "gpu": 0, "market": .string(offering.market), "price_per_hour": .number(offering.price),
            "currency": "USD", "as_of": .string(date(now())),
            "available": .bool(offering.capacity > 0), "interruption": 0.05, "boot_s": 40,
        ]
    }

    private func launch(_ request: CloudRequest) -> CloudReply {
        guard let token = request.body["token"]?.stringValue, !token.isEmpty,
            let id = request.body["offering"]?.stringValue,
            let count = request.body["count"]?.integerValue, count > 0,
            let boot = request.body["boot"]?.stringValue,
            let tags = request.body["tags"]?.objectValue
        else { return .error(400, "InvalidParameter") }
        let parameters: JSON = [
            "offering": .string(id), "count": .integer(count), "boot": .string(boot),
            "tags": .object(tags.sorted()),
        ]
        if let known = launches[token] {
            guard known.parameters == parameters else {
                return .error(400, "IdempotentParameterMismatch")
            }
            if !known.ids.isEmpty { return .json(200, ["workers": .array(list(known.ids))]) }
        }
        launches[token] = (parameters, [])
        guard let place = offerings.firstIndex(where: { $0.id == id }) else {
            return .error(400, "InvalidParameter")
        }
        let given = min(Int(count), offerings[place].capacity)
        guard given > 0 else { return .error(409, "InsufficientCapacity") }
        offerings[place].capacity -= given
        var ids: [String] = []
        for _ in 0..<given {
            let number = String(workers.count + 1)
            let worker = Worker(
                id: "w-" + String(repeating: "0", count: max(0, 6 - number.count)) + number,
                tags: Dictionary(
                    tags.members.map { ($0.0, $0.1.stringValue ?? "") },
                    uniquingKeysWith: { $1 }),
                offering: id, launched: now())
            workers.append(worker)
            ids.append(worker.id)
        }
        launches[token] = (parameters, ids)
        return .json(200, ["workers": .array(list(ids))])
    }

    private func list(_ ids: [String]) -> [JSON] {
        workers.filter { ids.contains($0.id) }.map(json)
    }

    private func json(_ worker: Worker) -> JSON {
        let age = now() - worker.launched
        let isRunning = age >= 40_000_000_000
        var state = isRunning ? "running" : "starting"
        if let end = worker.terminated {
            state = now() - end >= 30_000_000_000 ? "gone" : "stopping"
        }
        return [
            "id": .string(worker.id), "token": .string(worker.tags["token"] ?? ""),
            "owner": .string(worker.tags["owner"] ?? ""), "state": .string(state),
            "address": isRunning ? .string("10.0.0.\(workers.count % 250 + 1):7000") : .null,
            "offering": .string(worker.offering), "since": .string(date(worker.launched)),
        ]
    }

    private func describe(_ request: CloudRequest) -> CloudReply {
        let ids = request.query["ids"].map { $0.split(separator: ",").map(String.init) }
        let found = workers.filter { worker in
            now() - worker.launched >= Self.lag
                && worker.terminated.map { now() - $0 < Self.memory } ?? true
                && request.query["owner"].map { worker.tags["owner"] == $0 } ?? true
                && request.query["token"].map { worker.tags["token"] == $0 } ?? true
                && ids.map { $0.contains(worker.id) } ?? true
        }
        return .json(200, ["workers": .array(found.map(json))])
    }

    private func terminate(_ request: CloudRequest, _ fault: CloudFault.Kind?) -> CloudReply {
        guard let ids = request.body["ids"]?.arrayValue?.compactMap(\.stringValue) else {
            return .error(400, "InvalidParameter")
        }
        var left: [JSON] = []
        for id in ids {
            if case .leaves(id) = fault {
                left.append(.string(id))
                continue
            }
            guard let place = workers.firstIndex(where: { $0.id == id }),
                workers[place].terminated == nil
            else { continue }
            workers[place].terminated = now()
        }
        return .json(202, ["left": .array(left)])
    }
}
