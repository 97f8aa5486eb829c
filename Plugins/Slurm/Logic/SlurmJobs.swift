import FanfoldJSON
import PluginClouds
import PluginKit

/// A job that is a worker: its name is the worker's id, its comment says whose it is.
public struct SlurmJob: ListedWorker {
    /// What names of such jobs begin with.
    static let prefix = "fanfold-"

    var number: Int64
    /// Its labels, without what stands in front of them.
    public var labels: [String: String]
    /// The worker.
    public var worker: Worker

    /// Reads a job of `GET /jobs`; `nil` for jobs of others.
    init?(_ json: JSON) {
        guard let name = json["name"]?.stringValue, name.hasPrefix(Self.prefix),
            let number = json["job_id"]?.integerValue,
            let comment = json["comment"]?.stringValue,
            let said = Self.parse(comment)?.objectValue
        else { return nil }
        self.number = number
        labels = Dictionary(
            said.members.map { ($0.0, $0.1.stringValue ?? "") }, uniquingKeysWith: { $1 })
        // A list of words in newer versions.
        let state = json["job_state"]?.stringValue ?? json["job_state"]?[0]?.stringValue ?? ""
        let nodes = json["nodes"]?.stringValue ?? ""
        let since = Self.time(json["start_time"]) ?? Self.time(json["submit_time"]) ?? 0
        worker = Worker(
            id: name, token: labels["token"], state: Self.state(state),
            address: nodes.isEmpty ? nil : nodes, offering: labels["offering"],
            since: since > 0 ? CloudText.time(unixSeconds: since) : nil)
    }

    static func state(_ name: String) -> Worker.State {
        switch name {
        case "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "RESIZING": .starting
        case "RUNNING", "SIGNALING": .running
        case "COMPLETING", "STAGE_OUT", "SUSPENDED", "STOPPED": .stopping
        default: .gone
        }
    }

    /// The newest job of each name: one whose controller crashed may have been handed in twice.
    static func newest(in list: JSON) -> [SlurmJob] {
        var jobs: [String: SlurmJob] = [:]
        for job in (list["jobs"]?.arrayValue ?? []).compactMap(SlurmJob.init) {
            guard let known = jobs[job.worker.id] else {
                jobs[job.worker.id] = job
                continue
            }
            let isBetter =
                known.worker.state == .gone && job.worker.state != .gone
                || (known.worker.state == .gone) == (job.worker.state == .gone)
                    && known.number < job.number
            if isBetter { jobs[job.worker.id] = job }
        }
        return jobs.values.sorted { $0.worker.id < $1.worker.id }
    }

    private static func parse(_ text: String) -> JSON? {
        do throws(JSONParseError) { return try JSON(parsing: text) } catch { return nil }
    }

    /// A number, or an object with one in newer versions.
    private static func time(_ json: JSON?) -> Int64? {
        let time = json?.integerValue ?? json?["number"]?.integerValue
        return time.flatMap { $0 > 0 ? $0 : nil }
    }
}
