import FanfoldCore
import FanfoldJSON
import FanfoldRuntime

/// What was known of scaling at one moment, for the API: taken on the loop's thread, read elsewhere.
struct ScalingView: Sendable {
    let scaling: ClusterScaling
    let owner: String
    let scaler: Scaler
    let memory: ScalingMemory
    let lists: [String: ScalingDesk.WorkerList]
    let refusals: [String: (until: UInt64, why: String)]
    let foreign: [String: String]

    /// Pools, their workers, and what they wait for.
    func state() -> JSON {
        let views = Dictionary(scaler.poolViews.map { ($0.name, $0) }) { first, _ in first }
        let pools = scaling.pools.map { declared -> JSON in
            let view = views[declared.name]
            var pool = JSONObject([
                ("name", .string(declared.name)), ("provider", .string(declared.provider)),
                ("min", .integer(Int64(declared.minimum))),
                ("max", .integer(Int64(declared.maximum))),
                ("workers", .integer(Int64(view?.workers ?? 0))),
                ("starting", .integer(Int64(view?.starting ?? 0))),
                ("leaving", .integer(Int64(view?.leaving ?? 0))),
                ("utilisation", .number(view?.utilisation ?? 0)),
                ("per_hour", .number(Self.units(view?.microsPerHour ?? 0))),
                (
                    "offerings",
                    .integer(Int64(memory.offerings[declared.name]?.count ?? 0))
                ),
            ])
            let now = WallClock.now()
            if let up = view?.upUntil.nanoseconds, up > now {
                pool["grows_after"] = .string(WallClock.text(up))
            }
            if let down = view?.downUntil.nanoseconds, down > now {
                pool["shrinks_after"] = .string(WallClock.text(down))
            }
            if let problem = problem(of: declared) { pool["problem"] = .string(problem) }
            return .object(pool)
        }
        let workers = scaler.memberViews.map { member -> JSON in
            [
                "name": .string(member.name), "pool": .string(member.pool),
                "offering": .string(member.offering), "phase": .string(member.phase),
                "since": .string(WallClock.text(member.since.nanoseconds)),
                "per_hour": .number(Self.units(member.microsPerHour)),
            ]
        }
        return [
            "mode": .string(scaling.declaration.mode.rawValue), "owner": .string(owner),
            "evaluated": .string(WallClock.text(scaler.latest.nanoseconds)),
            "pools": .array(pools), "workers": .array(workers),
            "runs": ScalingDesk.runsJSON(scaler.outlooks),
        ]
    }

    private func problem(of pool: PoolDeclaration) -> String? {
        if let found = foreign[pool.name] {
            return ScalingEvaluation.otherCurrency(found, memory.currency)
        }
        if let refusal = refusals[pool.provider], refusal.until > WallClock.now() {
            return "\(refusal.why); asked again at \(WallClock.text(refusal.until))"
        }
        return lists[pool.provider]?.problem
    }

    /// What would be decided now.
    static func plan(_ evaluation: ScalingEvaluation) -> JSON {
        let outcome = evaluation.evaluated()
        let facts = outcome.facts
        let demand = facts.demand.map { demand -> JSON in
            var json = JSONObject([
                ("count", .integer(Int64(demand.count))),
                ("cpus", .number(Double(demand.request.milliCores) / 1_000)),
                ("memory_bytes", .integer(demand.request.memoryBytes)),
                ("gpus", .integer(Int64(demand.request.devices))),
                ("labels", .array(demand.request.labels.map { .string($0) })),
            ])
            if let task = demand.expected {
                json["expected"] = [
                    "run": .string("\(task.run.rawValue)"), "task": .string(task.name),
                    "ready_s": .number(Double(task.readyNanoseconds) / 1e9),
                ]
            }
            if let time = demand.nanoseconds { json["seconds"] = .number(Double(time) / 1e9) }
            return .object(json)
        }
        return [
            "at": .string(WallClock.text(facts.at.nanoseconds)), "demand": .array(demand),
            "workers": .integer(Int64(facts.workers.count)),
            "runs": ScalingDesk.runsJSON(outcome.outlooks),
            "decisions": .array(outcome.made.map(json)),
        ]
    }

    /// What was decided, the latest first.
    static func decisions(_ made: [ScalingDecision], limit: Int) -> JSON {
        ["decisions": .array(made.reversed().prefix(limit).map(json))]
    }

    /// What was spent, what is being spent, and when the budget ends at this rate.
    func cost() -> JSON {
        let spent = scaler.spentMicros
        let rate = scaler.microsPerHour
        var json = JSONObject([
            ("currency", .string(memory.currency)), ("spent", .number(Self.units(spent))),
            ("per_hour", .number(Self.units(rate))),
            ("next_day", .number(Self.units(rate) * 24)),
        ])
        if !memory.spentBefore.isEmpty {
            json["spent_before"] = .array(
                memory.spentBefore.sorted { $0.key < $1.key }.map { currency, micros in
                    ["currency": .string(currency), "spent": .number(Self.units(micros))]
                })
        }
        if let hourly = scaler.settings.hourlyBudgetMicros {
            json["hourly_budget"] = .number(Self.units(hourly))
        }
        if let total = scaler.settings.totalBudgetMicros {
            json["total_budget"] = .number(Self.units(total))
            json["left"] = .number(Self.units(max(0, total - spent)))
            if rate > 0 {
                let hours = Double(max(0, total - spent)) / Double(rate)
                json["hours_left"] = .number(hours)
                json["ends"] = .string(
                    WallClock.text(WallClock.now() + UInt64(min(hours * 3.6e12, 9e18))))
            }
        }
        json["pools"] = .array(
            scaler.poolViews.map { pool in
                [
                    "name": .string(pool.name), "workers": .integer(Int64(pool.workers)),
                    "per_hour": .number(Self.units(pool.microsPerHour)),
                ]
            })
        return .object(json)
    }

    private static func json(_ decision: ScalingDecision) -> JSON {
        let inputs = decision.inputs
        var json = JSONObject([
            ("at", .string(WallClock.text(decision.at.nanoseconds))),
            ("pool", .string(decision.pool)), ("action", .string(decision.actionName)),
            ("what", .string(decision.what)), ("why", .string(decision.why)),
        ])
        var numbers = JSONObject([
            ("workers", .integer(Int64(inputs.workers))),
            ("starting", .integer(Int64(inputs.starting))),
            ("leaving", .integer(Int64(inputs.leaving))),
            ("utilisation", .number(inputs.utilisation)),
            ("unmet_slots", .integer(Int64(inputs.unmetSlots))),
            ("per_hour", .number(units(inputs.microsPerHour))),
            ("spent", .number(units(inputs.spentMicros))),
        ])
        if let forecast = inputs.forecast { numbers["forecast"] = .number(forecast) }
        json["inputs"] = .object(numbers)
        json["alternatives"] = .array(
            decision.alternatives.map { other in
                [
                    "name": .string(other.name), "cost": .number(other.cost / 1e6),
                    "why_not": .string(other.reason),
                ]
            })
        return .object(json)
    }

    private static func units(_ micros: Int64) -> Double { Double(micros) / 1e6 }
}
