import FanfoldJSON
import PluginClouds
import PluginKit

/// An offering of EC2: `eu-central-1a/m7i.large/spot`.
struct AWSOffering: Hashable {
    var zone: String
    var type: String
    var market: AWSMarket

    init(zone: String, type: String, market: AWSMarket) {
        self.zone = zone
        self.type = type
        self.market = market
    }

    /// Reads an id.
    init(_ id: String) throws(PluginError) {
        let parts = id.split(separator: "/").map(String.init)
        guard parts.count == 3, let market = AWSMarket(rawValue: parts[2]) else {
            throw PluginError(
                .invalid, reason: "request./offerings",
                "wanted an offering such as us-east-1a/m7i.large/spot, found \(id.prefix(80))")
        }
        self.init(zone: parts[0], type: parts[1], market: market)
    }

    var id: String { "\(zone)/\(type)/\(market.rawValue)" }
}

extension AWSProvider {
    /// The workers of a launch that are not gone.
    public func rented(
        by token: String, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        list("tag:\(AWSInstances.prefix)token", [token], for: call) { result in
            done(result.map { $0.filter { $0.state == .starting || $0.state == .running } })
        }
    }

    /// Rents workers of one offering.
    public func rent(
        _ order: RentOrder, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        let offering: AWSOffering
        do throws(PluginError) {
            offering = try AWSOffering(order.offering)
        } catch {
            return done(.failure(error))
        }
        image(for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let image):
                let members = self.members(of: order, offering, image: image)
                api.send("RunInstances", members, for: call) { result in
                    done(
                        result.map { document, _ in
                            AWSInstances.workers(in: document, address: configuration.address)
                                .map { worker in
                                    // The answer of some says tags only later.
                                    var worker = worker
                                    worker.token = worker.token ?? order.request.token
                                    worker.offering = worker.offering ?? order.offering
                                    return worker
                                }
                        })
                }
            }
        }
    }

    /// The id of the image, which a parameter of Systems Manager may hold.
    func image<Answer>(
        for call: ProviderCall<Answer>, done: @escaping (Result<String, PluginError>) -> Void
    ) {
        guard configuration.image.hasPrefix("ssm:") else {
            return done(.success(configuration.image))
        }
        let name = String(configuration.image.dropFirst(4))
        api.send("ssm", "AmazonSSM.GetParameter", ["Name": .string(name)], for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let json):
                guard let id = json["Parameter"]?["Value"]?.stringValue, id.hasPrefix("ami-") else {
                    return done(
                        .failure(
                            .configuration(
                                JSONPointer(["image"]),
                                "wanted the id of an image in the parameter \(name)")))
                }
                done(.success(id))
            }
        }
    }

    /// What `RunInstances` is asked.
    func members(
        of order: RentOrder, _ offering: AWSOffering, image: String
    ) -> [(name: String, value: String)] {
        var members: [(name: String, value: String)] = [
            ("ImageId", image), ("InstanceType", offering.type),
            ("MinCount", "\(order.least)"), ("MaxCount", "\(order.most)"),
            ("ClientToken", order.token),
            ("UserData", CloudText.base64(Array(order.request.userData.utf8))),
            ("InstanceInitiatedShutdownBehavior", "terminate"),
            ("MetadataOptions.HttpTokens", "required"),
            ("Placement.AvailabilityZone", offering.zone),
        ]
        if let subnet = configuration.subnets[offering.zone] {
            members.append(("SubnetId", subnet))
        }
        for (index, group) in configuration.securityGroups.enumerated() {
            members.append(("SecurityGroupId.\(index + 1)", group))
        }
        if !configuration.keyName.isEmpty { members.append(("KeyName", configuration.keyName)) }
        if !configuration.instanceProfile.isEmpty {
            members.append(("IamInstanceProfile.Name", configuration.instanceProfile))
        }
        if offering.market == .spot { members += spotMembers }
        return members + tagMembers(order)
    }

    private var spotMembers: [(name: String, value: String)] {
        let options = "InstanceMarketOptions"
        var members = [
            (name: "\(options).MarketType", value: "spot"),
            ("\(options).SpotOptions.SpotInstanceType", "one-time"),
            ("\(options).SpotOptions.InstanceInterruptionBehavior", "terminate"),
        ]
        if configuration.spotMaxPrice > 0 {
            members.append(("\(options).SpotOptions.MaxPrice", "\(configuration.spotMaxPrice)"))
        }
        return members
    }

    /// Tags are in a fixed order, so that the same launch is the same request.
    private func tagMembers(_ order: RentOrder) -> [(name: String, value: String)] {
        let prefix = AWSInstances.prefix
        var tags = configuration.tags
        for (key, value) in order.request.tags { tags[prefix + key] = value }
        tags[prefix + "token"] = order.request.token
        tags[prefix + "offering"] = order.offering
        tags[prefix + "expires"] = order.request.expires
        tags["Name"] = tags["Name"] ?? "fanfold worker"
        var members: [(name: String, value: String)] = []
        for (place, kind) in ["instance", "volume"].enumerated() {
            let start = "TagSpecification.\(place + 1)"
            members.append(("\(start).ResourceType", kind))
            for (index, tag) in tags.sorted(by: { $0.key < $1.key }).enumerated() {
                members.append(("\(start).Tag.\(index + 1).Key", tag.key))
                members.append(("\(start).Tag.\(index + 1).Value", tag.value))
            }
        }
        return members
    }
}
