import FanfoldCore
import FanfoldJSON

extension PlanReport {
    /// The plan as `fanfold plan --output json` prints it and `POST /plan` answers.
    package var json: JSON {
        [
            "fanfold_plan": 1,
            "pipeline": .string(pipeline),
            "workers": .array(
                workers.map {
                    [
                        "name": .string($0.name), "cpus": .number(Double($0.milliCores) / 1000),
                        "memory_bytes": .integer($0.memoryBytes),
                    ]
                }),
            "tasks": .array(tasks.map(\.json)),
        ]
    }
}

extension PlanReport.TaskPlan {
    fileprivate var json: JSON {
        var object = JSONObject()
        object["name"] = .string(name)
        object["strategy"] = .string(strategy)
        object["summary"] = .string(summary)
        object["why"] = .array(why.map { .string($0) })
        object["waits_for"] = .array(waitsFor.map { .string($0) })
        if let problem { object["problem"] = .string(problem) }
        object["needs"] = [
            "cpus": .number(Double(needs.milliCores) / 1000),
            "memory_bytes": .integer(needs.memoryBytes), "gpus": .integer(Int64(needs.devices)),
        ]
        guard waitsFor.isEmpty, problem == nil else { return .object(object) }
        object["subtasks"] = .integer(Int64(subtasks))
        object["more_follow"] = .bool(isOpen)
        if let items {
            object["items"] = [
                "least": .integer(Int64(items.lowerBound)),
                "most": .integer(Int64(items.upperBound)),
            ]
        }
        if let memoryBytes {
            object["memory_bytes"] = [
                "least": .integer(memoryBytes.lowerBound), "most": .integer(memoryBytes.upperBound),
            ]
        }
        object["stages"] = .array(stages)
        object["placement"] = .array(
            placement.map {
                [
                    "worker": .string($0.worker), "starting": .integer(Int64($0.starting)),
                    "free_cpus": .number(Double($0.freeMilliCores) / 1000),
                    "free_memory_bytes": .integer($0.freeMemoryBytes),
                ]
            })
        if let waiting { object["waits"] = .string(waiting.sentence) }
        return .object(object)
    }
}
