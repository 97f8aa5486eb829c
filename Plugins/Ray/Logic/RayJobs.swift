import FanfoldJSON
import PluginClouds
import PluginKit

/// What Ray says of a job by its submission id, whosever it is.
struct RayRecord {
    var id: String
    var state: Worker.State
    /// Whether Ray has not found room for it yet.
    var isWaiting: Bool

    /// Reads an item of `GET /api/jobs/`; `nil` for what was not handed in through the API.
    init?(_ json: JSON) {
        guard let id = json["submission_id"]?.stringValue else { return nil }
        let status = json["status"]?.stringValue ?? ""
        self.id = id
        isWaiting = status == "PENDING"
        state =
            switch status {
            case "PENDING": .starting
            case "RUNNING": .running
            // SUCCEEDED, FAILED, STOPPED.
            default: .gone
            }
    }
}

/// A job that is a worker: its submission id is the worker's id, its metadata are the tags.
public struct RayJob: ListedWorker {
    /// What stands in front of the metadata by which workers are found.
    static let prefix = "fanfold."

    /// Its tags, without what stands in front of them.
    public var labels: [String: String]
    /// The worker.
    public var worker: Worker

    /// Reads an item of `GET /api/jobs/`; `nil` for jobs of others.
    init?(_ json: JSON) {
        guard let record = RayRecord(json),
            let said = json["metadata"]?.objectValue
        else { return nil }
        var labels: [String: String] = [:]
        for (key, value) in said.members where key.hasPrefix(Self.prefix) {
            labels[String(key.dropFirst(Self.prefix.count))] = value.stringValue
        }
        guard let token = labels["token"] else { return nil }
        self.labels = labels
        let times = ["end_time", "start_time"].lazy.compactMap { json[$0]?.integerValue }
        worker = Worker(
            id: record.id, token: token, state: record.state,
            address: json["driver_agent_http_address"]?.stringValue.flatMap(Self.host),
            offering: labels["offering"],
            since: times.first.map { CloudText.time(unixSeconds: $0 / 1_000) })
    }

    /// The host in `http://HOST:PORT`.
    private static func host(_ url: String) -> String? {
        let rest = url.split(separator: "/").last ?? ""
        let host = rest.lastIndex(of: ":").map { rest[..<$0] } ?? rest
        return host.isEmpty ? nil : String(host)
    }
}
