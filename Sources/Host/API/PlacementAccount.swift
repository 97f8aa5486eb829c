import FanfoldJSON

/// Where a subtask was put, or what is short on workers where it is not.
package struct PlacementAccount: Hashable, Sendable {
    /// A worker that was chosen.
    package struct Choice: Hashable, Sendable {
        /// The policy that chose.
        package var policy: String
        /// The worker's number.
        package var worker: UInt64
        /// Its score for the worker, of a policy in the shadow; `nil` for the policy that took it.
        package var score: Double?

        /// A choice.
        package init(policy: String, worker: UInt64, score: Double? = nil) {
            self.policy = policy
            self.worker = worker
            self.score = score
        }
    }

    /// A plugin that was to choose, and did not.
    package struct Fallback: Hashable, Sendable {
        /// The plugin.
        package var policy: String
        /// Why not: `unanswered`, `late`, `crashed`, `wrong`, `refused`, `too-many-kinds`.
        package var reason: String

        /// A plugin in whose place another policy chose.
        package init(policy: String, reason: String) {
            self.policy = policy
            self.reason = reason
        }
    }

    /// Who chose the worker that it runs on; `nil` if it does not run or that is not known now.
    package var choice: Choice?
    /// The plugin in whose place that was chosen; `nil` if none was to choose, or it did.
    package var fallback: Fallback?
    /// What every scorer said about that worker, in order.
    package var scores: [(name: String, value: Double)]
    /// What a policy in the shadow would have done.
    package var shadow: Choice?
    /// How many workers do not suit now, by what is short: `cpu`, `memory`, `gpu`, `label`,
    /// `worker_not_found`.
    package var rejected: [(reason: String, workers: Int)]

    /// Where a subtask was put.
    package init(
        choice: Choice? = nil, fallback: Fallback? = nil,
        scores: [(name: String, value: Double)] = [], shadow: Choice? = nil,
        rejected: [(reason: String, workers: Int)] = []
    ) {
        self.choice = choice
        self.fallback = fallback
        self.scores = scores
        self.shadow = shadow
        self.rejected = rejected
    }

    /// Equal in all parts.
    package static func == (left: PlacementAccount, right: PlacementAccount) -> Bool {
        left.json == right.json
    }

    /// As ``json``.
    package func hash(into hasher: inout Hasher) { hasher.combine(json) }

    /// As clients have it.
    var json: JSON {
        var object = JSONObject()
        object.set("chosen", choice?.json)
        if let fallback {
            object["fallback"] = [
                "policy": .string(fallback.policy), "why": .string(fallback.reason),
            ]
        }
        if !scores.isEmpty {
            var values = JSONObject()
            for (name, value) in scores { values[name] = .number(value) }
            object["scores"] = .object(values)
        }
        object.set("shadow", shadow?.json)
        if !rejected.isEmpty {
            var counts = JSONObject()
            for (reason, workers) in rejected { counts[reason] = .integer(Int64(workers)) }
            object["rejected"] = .object(counts)
        }
        return .object(object)
    }
}

extension PlacementAccount.Choice {
    fileprivate var json: JSON {
        var object = JSONObject()
        object["policy"] = .string(policy)
        object["worker"] = .integer(Int64(clamping: worker))
        object.set("score", score.map(JSON.number))
        return .object(object)
    }
}
