import FanfoldJSON
import PluginClouds
import PluginKit

/// A job that is a worker: its submission id is the worker's id, its metadata are the tags.
struct RayJob {
    /// What stands in front of the metadata by which workers are found.
    static let prefix = "fanfold."

    /// Its tags, without what stands in front of them.
    var labels: [String: String]
    var worker: Worker
    /// Whether Ray has not found room for it yet.
    var isWaiting: Bool

    /// Reads an item of `GET /api/jobs/`; `nil` for jobs of others.
    init?(_ json: JSON) {
        guard let id = json["submission_id"]?.stringValue,
            let said = json["metadata"]?.objectValue
        else { return nil }
        var labels: [String: String] = [:]
        for (key, value) in said.members where key.hasPrefix(Self.prefix) {
            labels[String(key.dropFirst(Self.prefix.count))] = value.stringValue
        }
        guard let token = labels["token"] else { return nil }
        self.labels = labels
        let status = json["status"]?.stringValue ?? ""
        isWaiting = status == "PENDING"
        let times = ["end_time", "start_time"].lazy.compactMap { json[$0]?.integerValue }
        worker = Worker(
            id: id, token: token, state: Self.state(status),
            address: json["driver_agent_http_address"]?.stringValue.flatMap(Self.host),
            offering: labels["offering"],
            since: times.first.map { CloudText.time(unixSeconds: $0 / 1_000) })
    }

    static func state(_ status: String) -> Worker.State {
        switch status {
        case "PENDING": .starting
        case "RUNNING": .running
        // SUCCEEDED, FAILED, STOPPED.
        default: .gone
        }
    }

    /// The host in `http://HOST:PORT`.
    private static func host(_ url: String) -> String? {
        let rest = url.split(separator: "/").last ?? ""
        let host = rest.lastIndex(of: ":").map { rest[..<$0] } ?? rest
        return host.isEmpty ? nil : String(host)
    }
}
