import FanfoldCore
import FanfoldJSON

/// What a task cost and who did it, for the report.
struct TaskFigures {
    /// Subtasks whose provenance is kept one by one; past this many only sums are.
    static let maximumRecords = 10_000
    /// Failures that are kept with their text.
    static let maximumFailures = 100

    /// Who ran a subtask, for the provenance of the merged result.
    struct Record {
        var index: UInt32
        var label: String?
        var worker: String
        var attempt: UInt16
        var ranNanoseconds: UInt64
    }

    /// An attempt that failed.
    struct FailedAttempt {
        var index: UInt32
        var worker: String
        var attempt: UInt16
        var message: String
        var stderrTail: String
    }

    var begunAt: Tick?
    var endedAt: Tick?
    var records: [Record] = []
    var failures: [FailedAttempt] = []
    var ranNanoseconds: UInt64 = 0
    var cpuNanoseconds: UInt64 = 0
    var peakMemoryBytes: Int64 = 0
    var bytesIn: Int64 = 0
    var bytesOut: Int64 = 0
    var attempts = 0
    /// Shown by the strategy: agreement, missing members, utilisation.
    var reports: [JSON] = []

    /// Counts an attempt that ended.
    mutating func count(_ ended: EndedAttempt, label: String?, worker: String) {
        attempts += 1
        ranNanoseconds += ended.result.ranNanoseconds
        cpuNanoseconds += ended.result.cpuNanoseconds
        peakMemoryBytes = max(peakMemoryBytes, ended.result.peakMemoryBytes)
        bytesIn += ended.result.bytesIn
        switch ended.result.outcome {
        case .success:
            bytesOut += ended.result.bytesOut
            guard records.count < Self.maximumRecords else { return }
            records.append(
                Record(
                    index: ended.attempt.index, label: label, worker: worker,
                    attempt: ended.attempt.epoch, ranNanoseconds: ended.result.ranNanoseconds))
        case .failure(let failure):
            guard failure.kind != .cancelled, failures.count < Self.maximumFailures else { return }
            failures.append(
                FailedAttempt(
                    index: ended.attempt.index, worker: worker, attempt: ended.attempt.epoch,
                    message: failure.message, stderrTail: failure.stderrTail))
        }
    }
}
