import FanfoldJSON

extension Schemas {
    static let plans: [(name: String, schema: JSON)] = [
        (
            "Plan",
            object([
                "fanfold_plan": integer(1), "pipeline": text,
                "workers": list(object(["name": text, "cpus": number, "memory_bytes": integer()])),
                "tasks": list(named("PlannedTask")),
            ])
        ),
        ("PlannedTask", plannedTask),
        ("PredictionList", object(["predictions": list(named("Prediction"))])),
        (
            "Prediction",
            object([
                "class": text, "attempts": integer(), "runtime_seconds?": named("Estimate"),
                "cpus?": named("Estimate"), "memory_bytes?": named("Estimate"),
                "gpu_memory_bytes?": named("Estimate"),
            ])
        ),
        (
            "Efficiency",
            object(["run": id, "tasks": list(efficiency)])
        ),
        (
            "Estimate",
            object([
                "value": number, "tier": oneOf(["model", "statistics", "defaults"]),
                "covered": integer(), "bounded": integer(), "least?": number, "most?": number,
                "changed?": integer(),
            ])
        ),
    ]

    private static let use = object(["given?": number, "used?": number, "share?": number])

    private static let efficiency = object([
        "class": text, "attempts": integer(), "out_of_memory": integer(), "memory_bytes": use,
        "cpus": use, "changed?": integer(),
        "predicted?": object(["memory_bytes": number, "attempts": integer(), "covered": integer()]),
        "suggestion?": object([
            "cpus": number, "memory_bytes": integer(), "attempts": integer(),
            "estimate": named("Estimate"),
        ]),
    ])

    /// A task that waits for others, or that cannot be split, has no numbers.
    private static let plannedTask = object([
        "name": text, "strategy": text, "summary": text, "why": list(text),
        "waits_for": list(text), "problem?": text,
        "needs?": object(["cpus": number, "memory_bytes": integer(), "gpus": integer()]),
        "subtasks?": integer(), "more_follow?": boolean,
        "items?": object(["least": integer(), "most": integer()]),
        "memory_bytes?": object(["least": integer(), "most": integer()]),
        "stages?": list(anything),
        "placement?": list(
            object([
                "worker": text, "starting": integer(), "free_cpus": number,
                "free_memory_bytes": integer(),
            ])),
        "waits?": text,
    ])
}
