import FanfoldJSON

extension Schemas {
    static let runs: [(name: String, schema: JSON)] = [
        ("Failure", object(["kind": text, "reason": text, "message": text])),
        ("RunSummary", object(summaryMembers)),
        ("TaskDetail", taskDetail),
        ("Progress", progress),
        ("RunDetail", runDetail),
        ("RunList", runList),
        ("Output", output),
        ("OutputList", object(["outputs": list(named("Output"))])),
        ("Submission", submission),
        ("Subtask", subtask),
        ("SubtaskList", object(["subtasks": list(named("Subtask")), "total": integer()])),
        ("Attempt", attempt),
        ("AttemptList", object(["attempts": list(named("Attempt")), "total": integer()])),
        ("Explanation", explanation),
        ("LogList", logList),
    ]

    static let shortText: JSON = ["type": "string", "minLength": 1, "maxLength": 256]

    private static let summaryMembers: KeyValuePairs<String, JSON> = [
        "id": id, "name": text, "status": oneOf(RunStatus.allCases.map(\.rawValue)),
        "submitter": text, "queue": text, "priority": priority, "is_paused": boolean,
        "submitted": moment, "started?": moment, "ended?": moment,
        "subtasks": integer(), "succeeded": integer(), "failed": integer(), "begun?": number,
    ]

    private static let runDetail = object([
        "id": id, "name": text, "status": oneOf(RunStatus.allCases.map(\.rawValue)),
        "submitter": text, "queue": text, "priority": priority, "is_paused": boolean,
        "submitted": moment, "started?": moment, "ended?": moment,
        "subtasks": integer(), "succeeded": integer(), "failed": integer(), "begun?": number,
        "tasks": list(named("TaskDetail")), "failure?": named("Failure"),
        "outputs": list(named("Output")),
    ])

    private static let taskDetail = object([
        "name": text, "strategy": text, "status": oneOf(TaskStatus.allCases.map(\.rawValue)),
        "waiting": integer(), "ready": integer(), "queued": integer(), "running": integer(),
        "succeeded": integer(), "failed": integer(), "withdrawn": integer(), "put": integer(),
        "all_put": boolean, "failed_attempts": integer(), "failure?": named("Failure"),
        "progress?": list(named("Progress"), maximum: APILimits.listedProgress),
    ])

    /// What a running attempt said last of how far it is.
    private static let progress = object([
        "subtask": integer(), "attempt": integer(1), "worker": integer(), "fraction": number,
        "note": text,
    ])

    private static let runList = object([
        "runs": list(named("RunSummary"), maximum: APILimits.pageEntries), "total": integer(),
        "next?": text,
    ])

    private static let output = object([
        "name": text, "bytes?": integer(), "media_type": text, "href": text,
    ])

    /// The pipeline is checked by the engine, which names lines and columns.
    private static let submission = object([
        "pipeline": [
            "type": ["object", "string"],
            "description": "The document: an object, or its text in YAML.",
        ],
        "name?": name, "queue?": name, "priority?": priority,
        "overrides?": [
            "type": "object", "additionalProperties": text, "maxProperties": 1_000,
            "description": "Values that replace those of the document, by dotted path, in YAML.",
        ],
        "files?": [
            "type": "object",
            "additionalProperties": [
                "oneOf": [digest, object(["sha256": digest, "executable?": boolean])]
            ],
            "maxProperties": 100_000,
            "description":
                "SHA-256 of each file that was uploaded, by its path beside the document; as an object also whether its owner may execute it.",
        ],
    ])

    private static let subtask = object([
        "index": integer(), "status": oneOf(SubtaskStatus.allCases.map(\.rawValue)),
        "worker?": integer(), "attempts": integer(),
    ])

    private static let attempt = object([
        "subtask": integer(), "attempt": integer(1), "worker": text, "started": moment,
        "ended": moment, "failure?": text,
    ])

    private static let explanation = object([
        "status": oneOf(RunStatus.allCases.map(\.rawValue)),
        "reasons": list(
            object([
                "task?": text, "subtask?": integer(), "waiting?": integer(1), "code": text,
                "sentence": text, "would_run_if?": text,
            ])),
        "placement?": object([
            "chosen?": choice, "scores?": ["type": "object", "additionalProperties": number],
            "fallback?": object(["policy": text, "why": text]),
            "shadow?": choice,
            "rejected?": ["type": "object", "additionalProperties": integer()],
        ]),
    ])

    private static let choice = object([
        "policy": text, "worker": integer(), "score?": number,
    ])

    private static let logList = object([
        "logs": list(
            object([
                "task": text, "subtask": integer(), "attempt": integer(1), "worker?": integer(),
                "text": text, "is_cut": boolean,
            ]))
    ])
}
