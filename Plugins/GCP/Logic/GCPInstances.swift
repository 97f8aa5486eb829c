import FanfoldJSON
import PluginClouds
import PluginKit

/// Instances in answers of Compute Engine; the id of a worker is `ZONE/NAME`.
enum GCPInstances {
    /// A label's value for any text: the text if it may be one, or else a UUID made of it.
    ///
    /// Source: Compute Engine, Requirements for labels.
    static func label(_ text: String) -> String {
        let isLabel =
            text.utf8.count <= 63
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
        return isLabel ? text : cloudToken("00000000-0000-0000-0000-000000000000", text)
    }

    /// The path of an instance below the project; `nil` for an id that is none of ours.
    static func path(of id: String) -> String? {
        let parts = id.split(separator: "/").map { CloudText.percentEncoded(String($0)) }
        return parts.count == 2 ? "/zones/\(parts[0])/instances/\(parts[1])" : nil
    }

    /// The workers of an aggregated list.
    static func workers(in list: JSON) -> [Worker] {
        (list["items"]?.objectValue?.values ?? [])
            .flatMap { $0["instances"]?.arrayValue ?? [] }.map(worker)
    }

    private static func worker(_ json: JSON) -> Worker {
        let zone = (json["zone"]?.stringValue ?? "").split(separator: "/").last ?? ""
        let items = json["metadata"]?["items"]?.arrayValue ?? []
        func said(_ key: String) -> String? {
            items.first { $0["key"]?.stringValue == key }?["value"]?.stringValue
        }
        let network = json["networkInterfaces"]?[0]
        return Worker(
            id: "\(zone)/\(json["name"]?.stringValue ?? "")", token: said("fanfold-token"),
            state: state(json["status"]?.stringValue ?? ""),
            address: network?["accessConfigs"]?[0]?["natIP"]?.stringValue
                ?? network?["networkIP"]?.stringValue,
            offering: said("fanfold-offering"),
            since: json["lastStartTimestamp"]?.stringValue
                ?? json["creationTimestamp"]?.stringValue)
    }

    /// A stopped instance, which Google calls terminated, is not coming back by itself.
    static func state(_ status: String) -> Worker.State {
        switch status {
        case "RUNNING": .running
        case "STOPPING", "STOPPED", "SUSPENDING", "SUSPENDED", "TERMINATED", "DEPROVISIONING":
            .stopping
        default: .starting
        }
    }
}
