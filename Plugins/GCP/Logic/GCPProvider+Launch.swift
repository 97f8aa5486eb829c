import FanfoldJSON
import PluginClouds
import PluginKit

/// An offering of Compute Engine: `us-central1-a/e2-standard-4/spot`.
struct GCPOffering: Hashable {
    var zone: String
    var type: String
    var market: GCPMarket

    init(zone: String, type: String, market: GCPMarket) {
        self.zone = zone
        self.type = type
        self.market = market
    }

    /// Reads an id.
    init(_ id: String) throws(PluginError) {
        let parts = id.split(separator: "/").map(String.init)
        guard parts.count == 3, let market = GCPMarket(rawValue: parts[2]) else {
            throw PluginError(
                .invalid, reason: "request./offerings",
                "wanted an offering such as us-central1-a/e2-standard-4/spot, found "
                    + "\(id.prefix(80))")
        }
        self.init(zone: parts[0], type: parts[1], market: market)
    }

    var id: String { "\(zone)/\(type)/\(market.rawValue)" }
}

extension GCPProvider {
    /// The workers of a launch that are not gone.
    public func rented(
        by token: String, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        list("labels.fanfold-token=\(GCPInstances.label(token))", for: call) { result in
            done(result.map { $0.filter { $0.state == .starting || $0.state == .running } })
        }
    }

    /// Inserts instances whose names follow from the token of the order, all at a time: a name that
    /// is taken is an instance of an earlier try.
    public func rent(
        _ order: RentOrder, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        let offering: GCPOffering
        do throws(PluginError) {
            offering = try GCPOffering(order.offering)
        } catch {
            return done(.failure(error))
        }
        let tries = (0..<order.most).map { index in
            { (one: @escaping (Result<Worker, PluginError>) -> Void) in
                insert(index, order, offering, call, one)
            }
        }
        Together.run(tries) { results in
            var made: [Worker] = []
            var problem: PluginError?
            for result in results {
                switch result {
                case .success(let worker): made.append(worker)
                // What no other place mends counts more than what was sold out.
                case .failure(let error):
                    if problem == nil || problem?.retry == .elsewhere { problem = error }
                }
            }
            if let problem, problem.retry != .elsewhere || made.isEmpty {
                return done(.failure(problem))
            }
            done(.success(made))
        }
    }

    private func insert(
        _ index: Int, _ order: RentOrder, _ offering: GCPOffering, _ call: ProviderCall<[Worker]>,
        _ done: @escaping (Result<Worker, PluginError>) -> Void
    ) {
        let name = "fanfold-\(order.token)-\(index)"
        let worker = Worker(
            id: "\(offering.zone)/\(name)", token: order.request.token, state: .starting,
            offering: order.offering)
        let path =
            "/zones/\(CloudText.percentEncoded(offering.zone))/instances"
            + "?requestId=\(cloudToken(order.token, "\(index)"))"
        let body = document(of: name, order, offering)
        send("POST", path, body, for: call) { result in
            switch result {
            case .failure(let error) where error.code == .exists: done(.success(worker))
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                ended(answer.json ?? .null, offering.zone, call) { result in
                    done(result.map { worker })
                }
            }
        }
    }

    /// Waits for an operation; what became of a launch is said there and not in the answer to it.
    private func ended(
        _ operation: JSON, _ zone: String, _ call: ProviderCall<[Worker]>, waits: Int = 0,
        _ done: @escaping (Result<Void, PluginError>) -> Void
    ) {
        if operation["status"]?.stringValue == "DONE" {
            let error = GCPErrors.refusal(ofOperation: operation)
            // A name that is taken is an instance of an earlier try.
            return done(
                error.map { $0.code == .exists ? .success(()) : .failure($0) } ?? .success(()))
        }
        guard let name = operation["name"]?.stringValue, waits < Self.mostWaits else {
            return done(
                .failure(
                    PluginError(
                        .unavailable, retry: .later, reason: "operation",
                        "Google has not ended the operation of a launch; ask again")))
        }
        let path =
            "/zones/\(CloudText.percentEncoded(zone))/operations/"
            + "\(CloudText.percentEncoded(name))/wait"
        send("POST", path, for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let answer):
                ended(answer.json ?? .null, zone, call, waits: waits + 1, done)
            }
        }
    }

    /// What Google is asked to make.
    private func document(
        of name: String, _ order: RentOrder, _ offering: GCPOffering
    ) -> JSON {
        let disk: JSON = [
            "boot": true, "autoDelete": true,
            "initializeParams": [
                "sourceImage": .string(configuration.image),
                "diskSizeGb": .string("\(configuration.diskGB)"),
            ],
        ]
        var network = JSONObject([("network", .string(configuration.network))])
        if !configuration.subnetwork.isEmpty {
            network["subnetwork"] = .string(configuration.subnetwork)
        }
        if configuration.isPublic {
            let access: JSON = ["name": "External NAT", "type": "ONE_TO_ONE_NAT"]
            network["accessConfigs"] = .array([access])
        }
        var instance = JSONObject([
            ("name", .string(name)),
            ("machineType", .string("zones/\(offering.zone)/machineTypes/\(offering.type)")),
            ("disks", .array([disk])), ("networkInterfaces", .array([.object(network)])),
            ("labels", .object(labels(order))), ("metadata", metadata(order)),
            ("scheduling", scheduling(offering)),
        ])
        if !configuration.serviceAccount.isEmpty {
            let account: JSON = [
                "email": .string(configuration.serviceAccount),
                "scopes": .array([.string("https://www.googleapis.com/auth/cloud-platform")]),
            ]
            instance["serviceAccounts"] = .array([account])
        }
        return .object(instance)
    }

    private func scheduling(_ offering: GCPOffering) -> JSON {
        guard offering.market == .spot else { return ["provisioningModel": "STANDARD"] }
        return [
            "provisioningModel": "SPOT", "instanceTerminationAction": "DELETE",
            "automaticRestart": false, "onHostMaintenance": "TERMINATE",
        ]
    }

    private func labels(_ order: RentOrder) -> JSONObject {
        var labels = configuration.labels.mapValues(GCPInstances.label)
        labels["fanfold"] = "worker"
        labels["fanfold-token"] = GCPInstances.label(order.request.token)
        for (key, value) in order.request.tags {
            labels["fanfold-" + GCPInstances.label(key)] = GCPInstances.label(value)
        }
        return JSONObject(
            labels.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) })
    }

    /// What a label cannot hold, and the boot data by both names that images know.
    private func metadata(_ order: RentOrder) -> JSON {
        var items = [
            ("user-data", order.request.userData), ("startup-script", order.request.userData),
            ("fanfold-token", order.request.token), ("fanfold-offering", order.offering),
            ("fanfold-expires", order.request.expires),
        ]
        // Images with cloud-init run the first, Google's own the second: the script runs once.
        items[1].1 =
            "command -v cloud-init >/dev/null || exec /bin/sh <<'FANFOLD_BOOT'\n"
            + order.request.userData + "FANFOLD_BOOT\n"
        return [
            "items": .array(
                items.map { ["key": .string($0.0), "value": .string($0.1)] })
        ]
    }
}
