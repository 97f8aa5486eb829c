import FanfoldCore
import FanfoldJSON

extension RunReport {
    /// The version of what `json` gives; raised when a key changes its meaning.
    package static let formatVersion = 1

    /// The report as `--output json` prints it: times in seconds, sizes in bytes.
    package var json: JSON {
        var object = JSONObject()
        object["fanfold_report"] = .integer(Int64(Self.formatVersion))
        object["outcome"] = .string(outcome.word)
        if let failure = outcome.failure { object["failure"] = failure.json }
        if case .cancelled(let reason) = outcome { object["reason"] = .string(reason) }
        object["seconds"] = .seconds(nanoseconds)
        object["slot_use"] = .number(slotUse)
        object["workers"] = .array(workers.map { .string($0) })
        object["tasks"] = .array(tasks.map(\.json))
        return .object(object)
    }
}

extension RunReport.TaskReport {
    /// What the strategy wants to show beside the result: agreement, utilisation.
    package var strategyReports: [JSON] { figures.reports }

    /// Attempts that failed, as sentences with the end of their standard error; bounded.
    package var failedAttempts: [(subtask: UInt32, message: String, stderrTail: String)] {
        figures.failures.map { ($0.index, $0.message, $0.stderrTail) }
    }

    /// Wall time of all attempts, in nanoseconds.
    package var ranNanoseconds: UInt64 { figures.ranNanoseconds }

    var json: JSON {
        var object = JSONObject()
        object["name"] = .string(name)
        object["strategy"] = .string(strategy)
        object["outcome"] = .string(outcome?.word ?? "not-begun")
        if let failure = outcome?.failure { object["failure"] = failure.json }
        object["seconds"] = .seconds(nanoseconds)
        object["subtasks"] = [
            "put": .integer(Int64(numbers.put)), "succeeded": .integer(Int64(numbers.succeeded)),
            "failed": .integer(Int64(numbers.failed)),
            "withdrawn": .integer(Int64(numbers.withdrawn)),
        ]
        object["attempts"] = .integer(Int64(figures.attempts))
        object["ran_seconds"] = .seconds(figures.ranNanoseconds)
        object["cpu_seconds"] = .seconds(figures.cpuNanoseconds)
        object["peak_memory_bytes"] = .integer(figures.peakMemoryBytes)
        object["bytes_in"] = .integer(figures.bytesIn)
        object["bytes_out"] = .integer(figures.bytesOut)
        if !figures.reports.isEmpty { object["report"] = .array(figures.reports) }
        object["provenance"] = provenance
        return .object(object)
    }

    /// Which subtasks the result was made of, and which attempts failed.
    private var provenance: JSON {
        let records = figures.records.sorted { $0.index < $1.index }
        var object = JSONObject()
        object["subtasks"] = .array(
            records.map { record in
                var entry = JSONObject()
                entry["subtask"] = .integer(Int64(record.index))
                if let label = record.label { entry["label"] = .string(label) }
                entry["worker"] = .string(record.worker)
                entry["attempt"] = .integer(Int64(record.attempt))
                entry["seconds"] = .seconds(record.ranNanoseconds)
                return .object(entry)
            })
        object["not_listed"] = .integer(Int64(max(0, numbers.succeeded - records.count)))
        object["failed_attempts"] = .array(
            figures.failures.map { failure in
                [
                    "subtask": .integer(Int64(failure.index)), "worker": .string(failure.worker),
                    "attempt": .integer(Int64(failure.attempt)),
                    "message": .string(failure.message), "stderr": .string(failure.stderrTail),
                ]
            })
        return .object(object)
    }
}

extension RunOutcome {
    /// `completed`, `failed` or `cancelled`.
    package var word: String {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// Why it failed, if it did.
    package var failure: Failure? {
        guard case .failed(_, let failure) = self else { return nil }
        return failure
    }
}

extension TaskOutcome {
    /// `completed`, `failed` or `cancelled`.
    package var word: String {
        switch self {
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
    }

    /// Why it failed, if it did.
    package var failure: Failure? {
        guard case .failed(let failure) = self else { return nil }
        return failure
    }
}

extension Failure {
    /// The failure as reports print it.
    package var json: JSON {
        [
            "class": .string("\(kind)"), "reason": .string(reason), "message": .string(message),
        ]
    }
}

extension JSON {
    /// A time in seconds, to the microsecond.
    static func seconds(_ nanoseconds: UInt64) -> JSON {
        .number(Double(nanoseconds / 1000) / 1_000_000)
    }
}
