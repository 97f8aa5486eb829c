import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Signals that a helper is sent at places which follow from the seed.
struct Disturbance {
    /// Sent in turn.
    let signals: [Int32]
    /// How many are sent to the helpers of one component, at most.
    let count: Int

    /// A signal is sent so many microseconds after a call has begun, at most.
    private static let maximumDelay: UInt32 = 400
    /// What a call ends with whose helper is gone: FAN_UNAVAILABLE.
    private static let unavailable: Int32 = 14
    /// How long the host may take to see the end of a helper, in seconds.
    private static let noticeSeconds = 15
    /// The time that a stopped helper takes to end if it does not end itself when it is told to
    /// (SIGABRT, which writes its stack).
    private static let unwilling = Duration.nanoseconds(
        IsolationLimits.stoppedNanoseconds + IsolationLimits.abortNanoseconds)

    private var isStopping: Bool { signals.contains(SIGSTOP) }

    // MARK: Strategies

    /// A life of a strategy during which signals are sent, and the same without.
    ///
    /// Returns: How many were sent.
    func strategy(_ subject: LifeSubject, _ rig: HelperRig) throws -> Int {
        let items = try subject.items()
        let seed = rig.context.seed
        var calls = 0
        CheckTrace.phase("in a life in a helper")
        let wanted = try subject.transcript(in: rig.outside, seed: seed, items: items) {
            calls = max(calls, $0)
        }
        var random = SeededGenerator(seed: seed)
        let places = Array(1...calls).shuffled(using: &random).prefix(count)
        let turns = Dictionary(uniqueKeysWithValues: zip(places, 0...))
        CheckTrace.phase("in a life whose helper is \(isStopping ? "stopped" : "killed")")
        try rig.leavingNothing { watch in
            let instance = try HelperRig.strategy(
                subject.component, subject.configuration, in: rig.outside)
            defer { instance.destroy() }
            let life = StrategyLife(instance, seed: seed, items: items)
            let sender = SignalSender(watch: watch, instance: instance)
            life.onCall = { number in
                try sender.settle()
                guard let turn = turns[number] else { return }
                let signal = signals[turn % signals.count]
                let isWithin = turn / signals.count % 2 == 1
                let delay = UInt32.random(in: 0..<Self.maximumDelay, using: &random)
                try sender.send(signal, after: isWithin ? delay : nil)
            }
            let found = try life.transcript()
            try sender.settle()
            if let difference = LifeSubject.difference(wanted, found) {
                throw CheckStop.failed(
                    "with helpers that \(isStopping ? "hang" : "are killed") it answers differently "
                        + "than without: \(difference)")
            }
        }
        return places.count
    }

    /// Sends signals to the helper of a strategy, and judges how it took them.
    private final class SignalSender {
        private let watch: HelperWatch
        private let instance: any StrategyCalls
        private var thread: CheckThread<Void>?
        private var stopped: ContinuousClock.Instant?

        init(watch: HelperWatch, instance: any StrategyCalls) {
            self.watch = watch
            self.instance = instance
        }

        /// Sends one now and waits until it has worked, or from a thread during the next call.
        func send(_ signal: Int32, after delay: UInt32?) throws {
            if signal == SIGSTOP { stopped = .now }
            guard let delay else {
                guard let process = watch.send(signal, to: instance) else { return }
                if signal != SIGSTOP { try watch.awaitEnd(of: process, after: signal) }
                return
            }
            // Nobody but this signal ends the helper meanwhile, so the number stays its own.
            guard let process = watch.send(0, to: instance) else { return }
            thread = CheckThread {
                usleep(delay)
                kill(process, signal)
            }
        }

        /// Waits for what is under way, and looks how long it took.
        func settle() throws {
            thread?.join()
            thread = nil
            guard let start = stopped else { return }
            stopped = nil
            try Disturbance.judge(ContinuousClock.now - start)
        }
    }

    private static func judge(_ elapsed: Duration) throws {
        guard elapsed >= unwilling else { return }
        throw CheckStop.failed(
            "a helper that hangs is sent SIGABRT, so that it writes its stack and ends; this one took "
                + "\(elapsed.components.seconds) s and had to be killed: the plugin has changed how "
                + "the process takes SIGABRT")
    }

    // MARK: Executors and providers

    /// Calls whose helper is sent a signal, each followed by one that must be as good as ever.
    ///
    /// Returns: How many signals were sent.
    func calls(_ subject: LifeSubject, _ rig: HelperRig) throws -> Int {
        let life = try subject.callLife()
        var random = SeededGenerator(seed: rig.context.seed)
        let (name, call) = life.disturbed
        let warm = try instance(subject, rig, life)
        warm.close()
        CheckTrace.phase("in \(name) in a helper that is \(isStopping ? "stopped" : "killed")")
        try rig.leavingNothing { watch in
            let instance = try instance(subject, rig, life)
            defer { instance.close() }
            try life.prepare(instance)
            let good = try answer(instance, call, name)
            for turn in 0..<count {
                let signal = signals[turn % signals.count]
                let delay = UInt32.random(in: 0..<Self.maximumDelay, using: &random)
                let end = try disturbed(
                    instance, life, watch, signal,
                    delay: turn / signals.count % 2 == 1 ? nil : delay)
                if case .failure(let failure) = end, failure.code != Self.unavailable {
                    throw CheckStop.failed(
                        "\(name), whose helper ended, fails with code \(failure.code), "
                            + "\(failure.reason); wanted FAN_UNAVAILABLE")
                }
                let next = try answer(instance, call, name)
                guard next == good else {
                    throw CheckStop.failed(
                        "in the helper after one that ended, \(name) gives "
                            + "\(next.prefix(200)); before it gave \(good.prefix(200))")
                }
            }
        }
        if let workers = (life as? ProviderLife)?.livingWorkers, workers > 2 {
            throw CheckStop.failed(
                "launch with one token, tried again after its helper ended, has rented \(workers) "
                    + "workers instead of 2")
        }
        return count
    }

    private func instance(
        _ subject: LifeSubject, _ rig: HelperRig, _ life: any CallLife
    ) throws -> any PluginCalls {
        try HelperRig.calls(
            subject.component, subject.configuration, in: rig.outside, services: life.services)
    }

    private func answer(
        _ instance: any PluginCalls, _ call: PluginCall, _ name: String
    ) throws -> String {
        let counted = CountedCall()
        _ = instance.start(call, counted.handler)
        return CountedCall.text(try counted.end(name))
    }

    /// One call during which its helper is sent a signal.
    ///
    /// - Parameter delay: when, in microseconds after the call has begun; `nil` is when a provider
    ///   first asks for something, and the beginning for what asks for nothing.
    private func disturbed(
        _ instance: any PluginCalls, _ life: any CallLife, _ watch: HelperWatch, _ signal: Int32,
        delay: UInt32?
    ) throws -> Result<PluginAnswer, PluginFailure> {
        let (name, call) = life.disturbed
        let counted = CountedCall()
        guard let process = watch.send(0, to: instance) else {
            throw CheckStop.failed("no helper is left after \(name) has succeeded")
        }
        let start = ContinuousClock.now
        if let provider = life as? ProviderLife, delay == nil {
            provider.onRequest = { _ in kill(process, signal) }
            _ = instance.start(call, counted.handler)
            _ = try counted.end(name)
            provider.onRequest = { _ in }
        } else {
            _ = instance.start(call, counted.handler)
            if let delay { usleep(delay) }
        }
        kill(process, signal)
        if signal != SIGSTOP { try watch.awaitEnd(of: process, after: signal) }
        try watch.awaitChange(of: instance, from: process, seconds: Self.noticeSeconds)
        if signal == SIGSTOP { try Self.judge(ContinuousClock.now - start) }
        return try counted.end(name)
    }
}
