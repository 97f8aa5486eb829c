import FanfoldCore
import FanfoldPlugins
import FanfoldRuntime
import Logging

/// Asks policies that are plugins, and tells the coordinator what they said.
///
/// Each is asked on a thread of its own, and what it says comes back as work for the loop, so the
/// loop never waits: until there is an answer the policy that is built in decides.  What it knows
/// belongs to the loop's thread.
final class PolicyDesk: Sendable {
    /// What became of questions to one plugin.
    struct Counts: Sendable {
        var answers: UInt64 = 0
        /// By ``PolicyFault``.
        var misses: [UInt64] = Array(repeating: 0, count: PolicyFault.allCases.count)
        var setAside: UInt64 = 0
    }

    /// One plugin.
    private struct Seat {
        let seat: PolicySeat
        let policy: ServedPolicy
        var counts = Counts()
        /// The question that is out, and since when.
        var asked: (number: UInt64, at: Tick)?
        /// Whether the question that is out has been counted as a miss.
        var isMissed = false
        var misses = 0
        var nextLook = Tick.zero
        var number: UInt64 = 0
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
    private let logger: Logger
    private let books = Books()
    private let policies: [ServedPolicy]

    init(_ plugins: ClusterPolicies, engine: EngineHost, logger: Logger) {
        self.engine = engine
        self.logger = logger
        setAsideNanoseconds = plugins.setAsideNanoseconds
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

    /// What became of questions, by the plugin's name.
    var counts: [(name: String, counts: Counts)] {
        books.seats.map { ($0.policy.name, $0.counts) }
    }

    /// Asks what is to be asked, and says what the policy in the shadow would have done.
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
        guard now >= seat.nextLook, let question = loop.policyQuestion(for: seat.seat) else {
            return
        }
        guard question.kinds.count <= Limits.policyKinds else {
            let miss = PolicyMiss(
                fault: .tooManyKinds,
                message: "there are \(question.kinds.count) kinds of workers; it is asked about "
                    + "\(Limits.policyKinds) at most")
            books.seats[index].misses = PolicyLimits.missesInARow
            return self.miss(index, miss, &loop, at: now)
        }
        books.seats[index].number += 1
        let number = books.seats[index].number
        books.seats[index].asked = (number, now)
        books.seats[index].isMissed = false
        seat.policy.ask(question) { [self] outcome in
            engine.perform { [self] loop, now in
                heard(index, number, outcome, question, &loop, at: now)
            }
        }
    }

    private func heard(
        _ index: Int, _ number: UInt64, _ outcome: ServedPolicy.Outcome,
        _ question: PolicyQuestion, _ loop: inout EngineLoop, at now: Tick
    ) {
        guard books.seats[index].asked?.number == number else { return }
        let late = PolicyMiss(fault: .late, message: "it did not answer within its budget")
        guard case .done(let result) = outcome else {
            guard !books.seats[index].isMissed else { return }
            return miss(index, late, &loop, at: now)
        }
        let wasMissed = books.seats[index].isMissed
        books.seats[index].asked = nil
        switch result {
        // What comes too late counts for nothing: by then the other has decided.
        case .success where wasMissed: return
        case .failure where wasMissed: return
        case .failure(let why): miss(index, why, &loop, at: now)
        case .success(let scores):
            if books.seats[index].misses >= PolicyLimits.missesInARow {
                logger.notice(
                    "a policy answers again",
                    metadata: ["policy": "\(books.seats[index].policy.name)"])
            }
            books.seats[index].misses = 0
            books.seats[index].counts.answers += 1
            loop.handle(.policyAnswered(PolicyAnswer(question, scores: scores)), at: now)
        }
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
    package var placing: ServedPolicy?
    /// The one that looks on.
    package var shadow: ServedPolicy?
    /// How long one is not asked after misses in a row, in nanoseconds.
    package var setAsideNanoseconds: UInt64 = 30_000_000_000

    /// None.
    package init() {}
}
