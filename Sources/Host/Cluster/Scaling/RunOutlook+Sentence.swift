import FanfoldCore

extension RunOutlook {
    /// How the run is served and why, for people.
    package var sentence: String {
        let left =
            "what is left of run \(run.rawValue) takes \(Self.time(neededNanoseconds)) on demand on "
            + "\(slots) \(slots == 1 ? "slot" : "slots"), and its deadline is in "
            + Self.time(leftNanoseconds)
        return switch market {
        case .net: "deadline net: \(left); it is served on demand alone"
        case .onDemand: "on demand is expected to cost least: \(left)"
        case .spot: "spot is expected to cost least: \(left); spot may be tried for \(spare)"
        case .wait: "it waits for spot, for \(spare) at most: \(left)"
        case .any: "what is cheapest serves it: \(left)"
        }
    }

    /// What serves it, for programs.
    package var marketName: String {
        switch market {
        case .any: "any"
        case .wait: "wait"
        case .spot: "spot"
        case .onDemand: "on-demand"
        case .net: "deadline-net"
        }
    }

    private var spare: String { Self.time(slackNanoseconds) }

    /// A time in the unit that suits it.
    private static func time(_ nanoseconds: UInt64) -> String {
        let seconds = Double(nanoseconds) / 1e9
        func tenths(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
        if seconds < 120 { return tenths(seconds) + " s" }
        return seconds < 7_200 ? tenths(seconds / 60) + " min" : tenths(seconds / 3_600) + " h"
    }
}
