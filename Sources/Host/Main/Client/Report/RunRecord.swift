import FanfoldAPI
import FanfoldJSON

/// What a report is made of.
struct RunRecord {
    /// An attempt that ended; moments in milliseconds since 1970.
    struct Attempt {
        var task: String
        var subtask: Int64
        var number: Int64
        var worker: String
        var started: Int64
        var ended: Int64
        var failure: String?

        /// `nil` if the answer is none.
        init?(_ json: JSON, task: String) {
            guard let started = (json["started"]?.stringValue).flatMap(Timestamp.init(text:)),
                let ended = (json["ended"]?.stringValue).flatMap(Timestamp.init(text:))
            else { return nil }
            self.task = task
            subtask = json["subtask"]?.integerValue ?? 0
            number = json["attempt"]?.integerValue ?? 1
            worker = json.shown("worker")
            self.started = min(started.milliseconds, ended.milliseconds)
            self.ended = ended.milliseconds
            failure = json["failure"]?.stringValue
        }
    }

    let run: JSON
    var attempts: [Attempt] = []
    /// Whether some attempts are missing.
    var isCut: Bool {
        let ended = tasks.reduce(Int64(0)) { sum, task in
            sum + (task["succeeded"]?.integerValue ?? 0)
                + (task["failed_attempts"]?.integerValue ?? 0)
        }
        return attempts.count < ended
    }
    /// What failed attempts wrote last.
    var logs: [JSON] = []

    init(run: JSON) { self.run = run }

    var tasks: [JSON] { run["tasks"]?.arrayValue ?? [] }

    /// Names of the workers, in the order of their names.
    var workers: [String] { Set(attempts.map(\.worker)).sorted() }

    /// From the first beginning to the last end, in milliseconds since 1970.
    var span: ClosedRange<Int64>? {
        guard let first = attempts.map(\.started).min(), let last = attempts.map(\.ended).max()
        else { return nil }
        return first...max(first + 1, last)
    }
}
