import CFanfoldSystem
import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of time and of its end: clocks and cancelling.
enum TimeChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "cancelled-sink", subject: .instance,
            summary: "Told at any place that it is not wanted any more, it stops and lets go.",
            consequence: "A cancelled run would go on deciding, or lose memory.", timeout: 60,
            body: cancel),
        CheckCase(
            name: "clock-jump", subject: .instance,
            summary: "A clock that leaps by ten years changes nothing.",
            consequence: "A machine that was asleep would get another result.", body: leap),
        CheckCase(
            name: "no-own-clock", level: .should, subject: .instance,
            summary: "A strategy reads no clock of its own.",
            consequence: "A run that is taken up again after a crash would decide otherwise.",
            body: clocks),
    ]

    /// How many places of a task are tried.
    private static let maximumPlaces = 200

    private static func cancel(_ context: CheckContext) throws -> CheckOutcome {
        var places = 0
        try InstanceChecks.each(context) { component, configuration in
            for place in 0..<maximumPlaces {
                let driver = try StrategyDriver(context, component, configuration, items: 101)
                driver.sink.cancelsAfter = place
                let ended = try stopped(driver, place)
                driver.endTask()
                driver.destroy()
                let faults = driver.releaseFaults()
                if let fault = faults.first {
                    throw CheckStop.failed("cancelled at its put number \(place + 1): \(fault)")
                }
                places += 1
                if ended { break }
            }
        }
        return .passed("\(places) places")
    }

    /// Runs a task whose sink says FAN_CANCELLED from one place on.
    ///
    /// Returns: Whether the task ended before that place.
    private static func stopped(_ driver: StrategyDriver, _ place: Int) throws -> Bool {
        CheckTrace.phase("cancelled at its put number \(place + 1)")
        do {
            _ = try driver.run()
        } catch let stop as CheckStop {
            guard driver.sink.refusals > 0 else { throw stop }
        }
        if let fault = driver.cancelFault { throw CheckStop.failed(fault) }
        return driver.sink.refusals == 0
    }

    private static let tenYears: UInt64 = 315_576_000 * 1_000_000_000

    private static func leap(_ context: CheckContext) throws -> CheckOutcome {
        try InstanceChecks.each(context) { component, configuration in
            let still = try StrategyDriver(context, component, configuration, items: 1_009).run()
            let host = MockHost()
            host.leap = tenYears
            let driver = try StrategyDriver(
                context, component, configuration, items: 1_009, host: host)
            CheckTrace.phase("in a task during which the clock leaps by ten years")
            let record = try driver.run()
            let pairs = zip(still.transcript, record.transcript)
            if let pair = pairs.first(where: { $0 != $1 }) {
                throw CheckStop.failed(
                    "it answers differently when the clock leaps: \(pair.0.prefix(160)); then "
                        + "\(pair.1.prefix(160))")
            }
        }
        return .passed()
    }

    private static func clocks(_ context: CheckContext) throws -> CheckOutcome {
        let library = try context.loaded()
        _ = try context.strategies()
        let swiftClocks = try LinkChecks.details(context).imports.map(\.name).filter {
            $0.contains("ContinuousClockV3now") || $0.contains("SuspendingClockV3now")
        }
        guard swiftClocks.isEmpty else {
            return .failed("it wants \(swiftClocks[0]); take the time from fan_host.now")
        }
        fan_watch_clocks(library.handle)
        try InstanceChecks.each(context) { component, configuration in
            let driver = try StrategyDriver(context, component, configuration, items: 101)
            _ = try driver.run()
            driver.destroy()
        }
        guard let name = fan_clock_name() else { return .passed() }
        return .failed(
            "it reads a clock \(fan_clock_count()) times in one task, by \(String(cString: name)); "
                + "take the time from fan_host.now")
    }
}
