import FanfoldJSON

extension Schemas {
    static let scaling: [(name: String, schema: JSON)] = [
        (
            "Scaling",
            object([
                "mode": oneOf(["observe", "recommend", "act"]), "owner": text,
                "evaluated": text, "pools": list(named("ScalingPool")),
                "workers": list(
                    object([
                        "name": text, "pool": text, "offering": text,
                        "phase": oneOf(["starting", "active", "draining", "ending"]),
                        "since": text, "per_hour": number,
                    ])),
                "runs": list(named("ServedRun")),
            ])
        ),
        (
            "ServedRun",
            object([
                "run": text,
                "served_by": oneOf(["any", "wait", "spot", "on-demand", "deadline-net"]),
                "slots": integer(), "needed_s": number, "left_s": number, "slack_s": number,
                "why": text,
            ])
        ),
        (
            "ScalingPool",
            object([
                "name": text, "provider": text, "min": integer(), "max": integer(),
                "workers": integer(), "starting": integer(), "leaving": integer(),
                "utilisation": number, "per_hour": number, "offerings": integer(),
                "grows_after?": text, "shrinks_after?": text, "problem?": text,
            ])
        ),
        (
            "ScalingPlan",
            object([
                "at": text, "workers": integer(), "runs": list(named("ServedRun")),
                "demand": list(
                    object([
                        "count": integer(), "cpus": number, "memory_bytes": integer(),
                        "gpus": integer(), "labels": list(text), "seconds?": number,
                        "expected?": object(["run": text, "task": text, "ready_s": number]),
                    ])),
                "decisions": list(named("ScalingDecision")),
            ])
        ),
        ("ScalingDecisionList", object(["decisions": list(named("ScalingDecision"))])),
        (
            "ScalingDecision",
            object([
                "at": text, "pool": text,
                "action": oneOf([
                    "launch", "drain", "cancel-drain", "terminate", "adopt", "recommend", "keep",
                ]),
                "what": text, "why": text,
                "inputs": object([
                    "workers": integer(), "starting": integer(), "leaving": integer(),
                    "utilisation": number, "unmet_slots": integer(), "per_hour": number,
                    "spent": number, "forecast?": number,
                ]),
                "alternatives": list(
                    object(["name": text, "cost": number, "why_not": text])),
            ])
        ),
        (
            "Cost",
            object([
                "currency": text, "spent": number, "per_hour": number, "next_day": number,
                "hourly_budget?": number, "total_budget?": number, "left?": number,
                "hours_left?": number, "ends?": text,
                "spent_before?": list(object(["currency": text, "spent": number])),
                "pools": list(
                    object(["name": text, "workers": integer(), "per_hour": number])),
            ])
        ),
    ]
}
