import FanfoldCore
import FanfoldJSON
import FanfoldRuntime

/// Runs with a deadline; on the loop's thread.
extension ScalingDesk {
    /// Time after which the coordinator is told again how a run is served, in nanoseconds.
    private static let retoldNanoseconds: UInt64 = 300_000_000_000

    /// What is left of runs with a deadline, by the wall clock.
    func runs(_ loop: EngineLoop) -> [ScalingRun] {
        let now = loop.now
        let wall = Tick(max(WallClock.now(), books.scaler.latest.nanoseconds))
        return loop.scalingRuns().map { run in
            var run = run
            run.deadline =
                run.deadline > now
                ? wall.advanced(byNanoseconds: run.deadline.nanoseconds - now.nanoseconds)
                : wall
            return run
        }
    }

    /// Tells the coordinator how runs are served, so that it places by it and says so when it is
    /// asked.
    func tellRuns(_ loop: inout EngineLoop) {
        let outlooks = scaling.declaration.mode == .act ? books.scaler.outlooks : []
        // A run that is paused, or whose deadline is ignored from now on, is as all others.
        for run in loop.servedRuns() where !outlooks.contains(where: { $0.run == run }) {
            let plain = RunOutlook(
                run: run, market: .any, slots: 0, neededNanoseconds: 0, leftNanoseconds: 0,
                slackNanoseconds: 0)
            loop.handle(.runServed(plain), at: loop.now)
        }
        for outlook in outlooks {
            let told = loop.serving(of: outlook.run)
            if told?.market ?? .any == outlook.market {
                guard outlook.market == .wait, let told,
                    loop.now.nanoseconds >= told.at.nanoseconds + Self.retoldNanoseconds
                else { continue }
            }
            loop.handle(.runServed(outlook), at: loop.now)
        }
    }

    /// How runs with a deadline are served.
    static func runsJSON(_ outlooks: [RunOutlook]) -> JSON {
        .array(
            outlooks.map { outlook in
                [
                    "run": .string("\(outlook.run.rawValue)"),
                    "served_by": .string(outlook.marketName),
                    "slots": .integer(Int64(outlook.slots)),
                    "needed_s": .number(Double(outlook.neededNanoseconds) / 1e9),
                    "left_s": .number(Double(outlook.leftNanoseconds) / 1e9),
                    "slack_s": .number(Double(outlook.slackNanoseconds) / 1e9),
                    "why": .string(outlook.sentence),
                ]
            })
    }
}
