import PluginKit

/// Instances in answers of EC2.
enum AWSInstances {
    /// What stands in front of the tags by which workers are found.
    static let prefix = "fanfold:"

    /// The workers of a `DescribeInstances` or `RunInstances` document.
    static func workers(in document: XMLElement, address: String) -> [Worker] {
        let reservations =
            document.name == "RunInstancesResponse"
            ? [document] : document.items("reservationSet")
        return reservations.flatMap { $0.items("instancesSet") }
            .map { worker($0, address: address) }
    }

    private static func worker(_ instance: XMLElement, address: String) -> Worker {
        let tags = Dictionary(
            instance.items("tagSet").map { ($0.text("key"), $0.text("value")) },
            uniquingKeysWith: { first, _ in first })
        let found = instance.text(address == "public" ? "ipAddress" : "privateIpAddress")
        let since = instance.text("launchTime")
        return Worker(
            id: instance.text("instanceId"), token: tags[prefix + "token"],
            state: state(instance["instanceState"]?.text("name") ?? ""),
            address: found.isEmpty ? nil : found, offering: tags[prefix + "offering"],
            since: since.isEmpty ? nil : since)
    }

    /// A stopped instance is not at work and is not coming back by itself.
    static func state(_ name: String) -> Worker.State {
        switch name {
        case "running": .running
        case "shutting-down", "stopping", "stopped": .stopping
        case "terminated": .gone
        default: .starting
        }
    }

    /// The ids that the message of `InvalidInstanceID.NotFound` names.
    static func ids(in text: String) -> Set<String> {
        Set(
            text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")) }
                .filter { $0.hasPrefix("i-") }.map(String.init))
    }
}
