import FanfoldAPI
import FanfoldCore
import FanfoldJournal
import FanfoldRuntime

/// How long runs that have ended are kept: whichever limit is reached first.
package struct RunRetention: Hashable, Sendable {
    /// Ended runs that are kept.
    package var runs = 10_000
    /// Milliseconds that an ended run is kept.
    package var milliseconds: Int64 = 30 * 86_400_000

    /// The usual times.
    package init() {}
}

/// The time of day as it was when the process began, and what has passed since: a clock that is set
/// meanwhile, or goes wrong, makes nothing old.
struct SteadyClock {
    private let began = Timestamp.now().milliseconds
    private let tick = monotonicNanoseconds()

    /// Milliseconds since 1970.
    var now: Int64 {
        began + Int64(clamping: (monotonicNanoseconds() - tick) / 1_000_000)
    }
}

extension EngineControl {
    /// The time between two looks at the side tables, in nanoseconds.
    static let pruneNanoseconds: UInt64 = 60_000_000_000

    /// Runs that one turn drops, each with a thread that removes its files.
    static let forgottenATurn = 32

    /// Drops runs that ended long ago, and rows of the side tables that are over; on the loop's thread.
    func retain(_ loop: inout EngineLoop) {
        let now = seen.clock.now
        var left = Self.forgottenATurn
        while left > 0, let oldest = seen.ended.first {
            left -= 1
            let age = now - (books.ended(oldest) ?? now)
            guard seen.ended.count > retention.runs || age > retention.milliseconds else { break }
            seen.ended.removeFirst()
            forget(oldest, &loop)
        }
        guard loop.now >= seen.pruneDue else { return }
        seen.pruneDue = loop.now.advanced(byNanoseconds: Self.pruneNanoseconds)
        var rows = Retention()
        // A row goes with its run, not before it.
        rows.runs = retention.runs + rows.rowsATurn
        rows.runMilliseconds = min(retention.milliseconds, .max / 4) * 2
        journal.change(.prune(now: now, rows))
        loop.demandCommit()
    }
}
