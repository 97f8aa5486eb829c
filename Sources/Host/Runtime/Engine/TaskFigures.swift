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
        var endedAt: Tick
    }

    /// An attempt that failed.
    struct FailedAttempt {
        var index: UInt32
        var worker: String
        var attempt: UInt16
        var message: String
        var stderrTail: String
        var ranNanoseconds: UInt64
        var endedAt: Tick
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
    mutating func count(
        _ report: AttemptReport, label: String?, worker: String, stderrTail: String, at now: Tick
    ) {
        let usage = report.usage
        attempts += 1
        // What a worker says is no reason to trap.
        ranNanoseconds.add(usage.ranNanoseconds)
        cpuNanoseconds.add(usage.cpuNanoseconds)
        peakMemoryBytes = max(peakMemoryBytes, Int64(clamping: usage.peakMemoryBytes))
        bytesIn.add(Int64(clamping: usage.bytesIn))
        switch report.outcome {
        case .succeeded:
            bytesOut.add(Int64(clamping: usage.bytesOut))
            guard records.count < Self.maximumRecords else { return }
            records.append(
                Record(
                    index: report.attempt.index, label: label, worker: worker,
                    attempt: report.attempt.epoch, ranNanoseconds: usage.ranNanoseconds,
                    endedAt: now))
        case .failed(let failure):
            guard failure.kind != .cancelled, failures.count < Self.maximumFailures else { return }
            failures.append(
                FailedAttempt(
                    index: report.attempt.index, worker: worker, attempt: report.attempt.epoch,
                    message: failure.message, stderrTail: stderrTail,
                    ranNanoseconds: usage.ranNanoseconds, endedAt: now))
        }
    }
}

extension FixedWidthInteger {
    /// Adds a number that is not negative; where the sum does not fit it stays the largest.
    mutating func add(_ more: Self) {
        let (sum, overflow) = addingReportingOverflow(more)
        self = overflow ? .max : sum
    }
}
