import FanfoldJSON

extension Schemas {
    static let orchestration: [(name: String, schema: JSON)] = [
        ("OrchestrationRequest", request),
        ("OrchestratedTask", task),
        ("OrchestratedTaskStatus", status),
        ("OrchestratedTaskList", tasks),
        ("OrchestratedResult", result),
    ]

    static let taskID: JSON = ["type": "string", "pattern": "^[1-9][0-9]{0,18}$"]
    static let orchestratedState = oneOf(OrchestratedState.allCases.map(\.rawValue))

    private static let request = object([
        "task_data": taskData,
        "strategy?": [
            "type": "string", "pattern": "^[a-z][a-z0-9_.-]{0,63}$", "default": "data_parallel",
            "description": "data_parallel, model_parallel, pipeline_parallel, ensemble, …",
        ],
        "queue?": name, "priority?": priority,
    ])

    private static let taskData = object([
        "items": list(anything, maximum: APILimits.taskItems),
        "command?": [
            "type": "array", "minItems": 1, "maxItems": 1_000, "items": text,
            "description": "The program and its arguments, as run.command of a pipeline.",
        ],
        "executor?": [
            "type": "string", "minLength": 1, "maxLength": 128,
            "description": "An executor by name, instead of a command, as run.use of a pipeline.",
        ],
        "executor_settings?": ["type": "object"],
        "parameters?": [
            "type": "object", "description": "The strategy's configuration, as strategy.with.",
        ],
        "stdin?": oneOf(["json", "jsonl", "lines", "none"]),
        "stdout?": oneOf(["json", "jsonl", "lines"]),
        "name?": name,
    ])

    private static let task = object(taskMembers)

    private static let taskMembers: KeyValuePairs<String, JSON> = [
        "task_id": taskID, "name": text, "status": orchestratedState, "created_at": moment,
        "started_at?": moment, "completed_at?": moment, "total_subtasks": integer(),
        "completed_subtasks": integer(), "failed_subtasks": integer(),
        "completion_percentage": ["type": "number", "minimum": 0, "maximum": 100],
    ]

    private static let status = object([
        "task_id": taskID, "name": text, "status": orchestratedState, "created_at": moment,
        "started_at?": moment, "completed_at?": moment, "total_subtasks": integer(),
        "completed_subtasks": integer(), "failed_subtasks": integer(),
        "completion_percentage": ["type": "number", "minimum": 0, "maximum": 100],
        "strategy": text, "error?": text,
        "subtasks": list(
            object([
                "index": integer(), "status": oneOf(SubtaskStatus.orchestratedNames),
                "worker_id?": text, "attempts": integer(),
            ]), maximum: APILimits.listedSubtasks),
    ])

    private static let tasks = object([
        "tasks": list(named("OrchestratedTask"), maximum: APILimits.pageEntries),
        "total": integer(), "limit": integer(1), "offset": integer(),
    ])

    private static let result = object([
        "task_id": taskID, "status": oneOf(["completed"]), "result": anything,
    ])
}
