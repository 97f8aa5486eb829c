import FanfoldCore
import FanfoldPlugins
import FanfoldRuntime
import Logging

/// Asks policies that are plugins, tells the coordinator what they said, and tells them how what was
/// placed turned out.
///
/// Each is called on a thread of its own, and what it says comes back as work for the loop, so the
/// loop never waits: until there is an answer the policy that is built in decides.  What it knows
/// belongs to the loop's thread.
final class PolicyDesk: Sendable {
    /// What became of calls to one plugin.
    struct Counts: Sendable {
        var answers: UInt64 = 0
        /// By ``PolicyFault``.
        var misses: [UInt64] = Array(repeating: 0, count: PolicyFault.allCases.count)
        var setAside: UInt64 = 0
        /// Attempts that ended of which it was told.
        var told: UInt64 = 0
        /// Those of which it was not: there was no room for them, or the call failed.
        var dropped: UInt64 = 0
    }

    /// One plugin.
    private struct Seat {
        let seat: PolicySeat
        let policy: ServedPolicy
        var counts = Counts()
        /// The call that is out, and since when.
        var asked: (number: UInt64, at: Tick)?
        /// Whether the call that is out has been counted as a miss.
        var isMissed = false
        var misses = 0
        var nextLook = Tick.zero
        var number: UInt64 = 0
        /// Since when attempts that ended wait for others.
        var gathersSince: Tick?
        /// Whether it was told of attempts since it was last asked again about everything.
        var mayHaveLearned = false
        /// The class of requests from which it is asked again; `nil` while it is not.
        var againFrom: Int?
        var againDue = Tick.zero
    }

    private final class Books: @unchecked Sendable {
        // Unchecked: touched by the loop's thread only.
        var seats: [Seat] = []
        var differed: UInt64 = 0
        var differenceDue = Tick.zero
    }

    /// The least time between two lines about what the policy in the shadow would have done.
    static let differenceNanoseconds: UInt64 = 1_000_000_000

    private let engine: EngineHost
    private let setAsideNanoseconds: UInt64
    private let askAgainNanoseconds: UInt64
    private let outcomes: PolicyOutcomes?
    private let logger: Logger
    private let books = Books()
    private let policies: [ServedPolicy]

    init(_ plugins: ClusterPolicies, engine: EngineHost, logger: Logger) {
        self.engine = engine
        self.logger = logger
        setAsideNanoseconds = plugins.setAsideNanoseconds
        askAgainNanoseconds = plugins.askAgainNanoseconds
        outcomes = plugins.outcomes
        policies = [plugins.placing, plugins.shadow].compactMap { $0 }
        if let policy = plugins.placing {
            books.seats.append(Seat(seat: .placing, policy: policy))
        }
        if let policy = plugins.shadow {
            books.seats.append(Seat(seat: .shadow, policy: policy))
        }
    }

    /// Ends the plugins; one that hangs is left alone.
    func close() {
        for policy in policies { policy.close() }
    }

    // MARK: On the loop's thread

    /// What became of calls, by the plugin's name.
    var counts: [(name: String, counts: Counts)] {
        books.seats.map { seat in
            var counts = seat.counts
            counts.dropped += outcomes?.dropped(for: seat.seat) ?? 0
            return (seat.policy.name, counts)
        }
    }

    /// Asks and tells what is to be asked, and says what the policy in the shadow would have done.
    func turned(_ loop: inout EngineLoop) {
        let now = loop.now
        for index in books.seats.indices {
            look(index, &loop, at: now)
        }
        tellDifferences(loop, at: now)
    }

    private func look(_ index: Int, _ loop: inout EngineLoop, at now: Tick) {
        let seat = books.seats[index]
        if let asked = seat.asked {
            // One inside the host that hangs can only be left alone, which is a miss each time.
            let wait = PolicyLimits.hangNanoseconds * UInt64(seat.misses + 1)
            guard seat.isMissed, seat.misses < PolicyLimits.missesInARow,
                now.nanoseconds - asked.at.nanoseconds > wait
            else { return }
            let miss = PolicyMiss(fault: .late, message: "it does not come back")
            return self.miss(index, miss, &loop, at: now)
        }
        guard now >= seat.nextLook else { return }
        if let question = loop.policyQuestion(for: seat.seat) {
            return ask(question, index, &loop, at: now)
        }
        if tellOutcomes(index, at: now) { return }
        askAgain(index, &loop, at: now)
    }

    private func ask(
        _ question: PolicyQuestion, _ index: Int, _ loop: inout EngineLoop, at now: Tick
    ) {
        guard question.kinds.count <= Limits.policyKinds else {
            let miss = PolicyMiss(
                fault: .tooManyKinds,
                message: "there are \(question.kinds.count) kinds of workers; it is asked about "
                    + "\(Limits.policyKinds) at most")
            books.seats[index].misses = PolicyLimits.missesInARow
            return self.miss(index, miss, &loop, at: now)
        }
        let number = begin(index, at: now)
        books.seats[index].policy.ask(question) { [self] reply in
            engine.perform { [self] loop, now in
                guard let scores = returned(index, number, reply, &loop, at: now) else { return }
                answered(index, PolicyAnswer(question, scores: scores), &loop, at: now)
            }
        }
    }

    /// Tells a plugin how attempts ended, once enough wait or they have waited long enough.
    ///
    /// - Returns: whether it is being told.
    private func tellOutcomes(_ index: Int, at now: Tick) -> Bool {
        let seat = books.seats[index]
        guard let outcomes, outcomes.count(for: seat.seat) > 0 else { return false }
        let since = seat.gathersSince ?? now
        books.seats[index].gathersSince = since
        guard
            outcomes.count(for: seat.seat) >= Limits.policyOutcomesTold
                || now.nanoseconds - since.nanoseconds >= PolicyLimits.gatherNanoseconds,
            let batch = outcomes.take(for: seat.seat)
        else { return false }
        books.seats[index].gathersSince = nil
        // What the call does not come to the end of was not told.
        let count = UInt64(batch.outcomes.count)
        books.seats[index].counts.dropped += count
        let number = begin(index, at: now)
        seat.policy.observe(batch) { [self] reply in
            engine.perform { [self] loop, now in
                guard returned(index, number, reply, &loop, at: now) != nil else { return }
                books.seats[index].counts.dropped -= count
                books.seats[index].counts.told += count
                books.seats[index].mayHaveLearned = true
            }
        }
        return true
    }

    /// Asks a plugin that may have learned about everything that it has scored, bit by bit.
    private func askAgain(_ index: Int, _ loop: inout EngineLoop, at now: Tick) {
        if books.seats[index].againFrom == nil {
            guard books.seats[index].mayHaveLearned, now >= books.seats[index].againDue else {
                return
            }
            books.seats[index].mayHaveLearned = false
            books.seats[index].againFrom = 0
        }
        let from = books.seats[index].againFrom ?? 0
        guard let (question, next) = loop.policyQuestion(for: books.seats[index].seat, again: from)
        else {
            books.seats[index].againFrom = nil
            books.seats[index].againDue = now.advanced(byNanoseconds: askAgainNanoseconds)
            return
        }
        books.seats[index].againFrom = next
        ask(question, index, &loop, at: now)
    }

    /// A call goes out.
    ///
    /// - Returns: its number.
    private func begin(_ index: Int, at now: Tick) -> UInt64 {
        books.seats[index].number += 1
        books.seats[index].asked = (books.seats[index].number, now)
        books.seats[index].isMissed = false
        return books.seats[index].number
    }

    /// What a call returned; `nil` if it does not count.
    private func returned<Value>(
        _ index: Int, _ number: UInt64, _ reply: ServedPolicy.Reply<Value>,
        _ loop: inout EngineLoop, at now: Tick
    ) -> Value? {
        guard books.seats[index].asked?.number == number else { return nil }
        guard case .done(let result) = reply else {
            guard !books.seats[index].isMissed else { return nil }
            let late = PolicyMiss(fault: .late, message: "it did not return within its budget")
            miss(index, late, &loop, at: now)
            return nil
        }
        books.seats[index].asked = nil
        // What comes too late counts for nothing: by then the other has decided.
        guard !books.seats[index].isMissed else { return nil }
        switch result {
        case .success(let value): return value
        case .failure(let why):
            miss(index, why, &loop, at: now)
            return nil
        }
    }

    private func answered(
        _ index: Int, _ answer: PolicyAnswer, _ loop: inout EngineLoop, at now: Tick
    ) {
        if books.seats[index].misses >= PolicyLimits.missesInARow {
            logger.notice(
                "a policy answers again",
                metadata: ["policy": "\(books.seats[index].policy.name)"])
        }
        books.seats[index].misses = 0
        books.seats[index].counts.answers += 1
        // An answer that is no news is no fact.
        guard !loop.isKnown(answer) else { return }
        loop.handle(.policyAnswered(answer), at: now)
    }

    private func miss(
        _ index: Int, _ miss: PolicyMiss, _ loop: inout EngineLoop, at now: Tick
    ) {
        books.seats[index].isMissed = true
        books.seats[index].misses += 1
        books.seats[index].counts.misses[Int(miss.fault.rawValue)] += 1
        let seat = books.seats[index]
        let isSetAside = seat.misses >= PolicyLimits.missesInARow
        let rest = isSetAside ? setAsideNanoseconds : PolicyLimits.restNanoseconds
        books.seats[index].nextLook = now.advanced(byNanoseconds: rest)
        var metadata: Logger.Metadata = [
            "policy": "\(seat.policy.name)", "why": "\(miss.message)",
            "fault": "\(miss.fault.name)",
        ]
        if isSetAside {
            books.seats[index].counts.setAside += 1
            metadata["again_in_ms"] = "\(rest / 1_000_000)"
            logger.warning(
                "a policy is set aside; the one that is built in decides", metadata: metadata)
        } else {
            logger.warning(
                "a policy gave no answer; the one that is built in decides", metadata: metadata)
        }
        let (fault, wasSetAside) = loop.policyFault(in: seat.seat)
        guard fault != miss.fault || wasSetAside != isSetAside else { return }
        loop.handle(.policyFailed(seat.seat, miss.fault, isSetAside: isSetAside), at: now)
    }

    private func tellDifferences(_ loop: EngineLoop, at now: Tick) {
        let differed = loop.placementCounts.differed
        guard differed != books.differed, now >= books.differenceDue,
            let note = loop.latestPlacementDifference, let shadow = note.shadow
        else { return }
        books.differenceDue = now.advanced(byNanoseconds: Self.differenceNanoseconds)
        logger.info(
            "the policy in the shadow would have taken another worker",
            metadata: [
                "policy": "\(note.decider)", "worker": "\(note.worker.index)",
                "shadow": "\(shadow.policy)", "shadow_worker": "\(shadow.worker.index)",
                "shadow_score": "\(shadow.score)", "score_of_taken": "\(shadow.scoreOfTaken)",
                "since_last_line": "\(differed - books.differed)", "in_all": "\(differed)",
            ])
        books.differed = differed
    }
}

/// Policies that are plugins, running.
package struct ClusterPolicies: Sendable {
    /// The one that places; `nil` if one that is built in does.
    package let placing: ServedPolicy?
    /// The one that looks on.
    package let shadow: ServedPolicy?
    /// How long one is not asked after misses in a row, in nanoseconds.
    package var setAsideNanoseconds: UInt64 = 30_000_000_000
    /// How long after its answers one that was told how attempts ended is asked again.
    package var askAgainNanoseconds: UInt64 = 10_000_000_000
    /// Where the loop tells how what was placed turned out; `nil` without plugins.
    package let outcomes: PolicyOutcomes?

    /// In these seats, if any.
    package init(placing: ServedPolicy? = nil, shadow: ServedPolicy? = nil) {
        self.placing = placing
        self.shadow = shadow
        let seats = PolicySeat.allCases.filter { ($0 == .placing ? placing : shadow) != nil }
        outcomes = seats.isEmpty ? nil : PolicyOutcomes(seats: seats)
    }
}
