/// What the ends of attempts say about a worker: whether the worker is to blame for failures, or what
/// it was given.
struct WorkerHealth: Hashable, Sendable {
    /// Shapes that failed here last and succeeded elsewhere, each once.
    var blamedFor: [UInt32] = []
    /// Attempts that failed here since the last that succeeded.
    var failuresInARow = 0
    /// Whether an attempt has succeeded here.
    var hasSucceeded = false
    /// Until when it gets nothing new; `nil` while it is not in quarantine.
    var quarantinedUntil: Tick?
    /// Since when, and why; `nil` while it is not in quarantine, or if that began before a version
    /// that kept it.
    var quarantine: QuarantineStart?
    /// Times that it was put in quarantine since an attempt last succeeded here.
    var quarantines = 0

    /// Whether a failure here says more about the subtask than about the worker.
    var isGood: Bool {
        quarantinedUntil == nil && hasSucceeded
            && failuresInARow < Limits.failuresInARowPerWorker / 2 && blamedFor.isEmpty
    }

    /// Whether so many attempts failed here, one after the other, that it may be all that can.
    var failsAll: Bool { failuresInARow >= Limits.failuresInARowPerWorker }

    /// An attempt of the shape succeeded here.
    mutating func succeeded(_ shape: UInt32) {
        hasSucceeded = true
        failuresInARow = 0
        quarantines = 0
        if !blamedFor.isEmpty { blamedFor.removeAll { $0 == shape } }
    }

    /// An attempt of the shape failed here.
    ///
    /// - Parameter succeedsElsewhere: whether another worker did well with the shape.
    mutating func failed(_ shape: UInt32, succeedsElsewhere: Bool) {
        failuresInARow += 1
        guard succeedsElsewhere, !blamedFor.contains(shape),
            blamedFor.count < Limits.blamedShapesPerWorker
        else { return }
        blamedFor.append(shape)
    }

    /// Why the worker should get nothing new; `nil` if nothing speaks against it.
    var complaint: QuarantineReason? {
        if blamedFor.count >= Limits.blamedShapesPerWorker {
            return .severalShapes(blamedFor.count)
        }
        if failsAll, !blamedFor.isEmpty {
            return .failuresInARow(failuresInARow)
        }
        return nil
    }
}

/// When and why a worker was put in quarantine.
struct QuarantineStart: Hashable, Sendable {
    var since: Tick
    var reason: QuarantineReason
}

/// A worker's quarantine.
package struct Quarantine: Hashable, Sendable {
    /// Why it was put there.
    package var reason: QuarantineReason
    /// Since when; `nil` if a version that did not keep it put it there.
    package var since: Tick?
    /// When it gets another chance.
    package var until: Tick
}

/// Why a worker was put in quarantine.
package enum QuarantineReason: Hashable, Sendable {
    /// So many shapes failed on it that succeed on others.
    case severalShapes(Int)
    /// So many attempts failed on it, one after the other, of what succeeds on others.
    case failuresInARow(Int)
}

extension FailureClass {
    /// Whether the worker may be to blame for it.
    var blamesWorker: Bool {
        switch self {
        case .timeout, .exitCode, .pluginCrash, .unavailable, .other: true
        case .preempted, .workerLost, .outOfMemory, .inputMissing, .cancelled, .dependencyFailed,
            .misconfigured, .strategyFailed, .tooFewSucceeded:
            false
        }
    }

    /// Whether the subtask may be to blame for it.
    var blamesSubtask: Bool { blamesWorker && self != .unavailable }
}
