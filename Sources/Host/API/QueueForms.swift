import FanfoldJSON

extension QueueQuota {
    var json: JSON {
        var object = JSONObject()
        object.set("milli_cores", milliCores.map(JSON.integer))
        object.set("memory_bytes", memoryBytes.map(JSON.integer))
        object.set("milli_gpus", milliGPUs.map(JSON.integer))
        object["may_borrow"] = .bool(mayBorrow)
        object.set("most_borrowed", mostBorrowed?.json)
        return .object(object)
    }
}

extension QueueBorrowing {
    var json: JSON {
        var object = JSONObject()
        object.set("milli_cores", milliCores.map(JSON.integer))
        object.set("memory_bytes", memoryBytes.map(JSON.integer))
        object.set("milli_gpus", milliGPUs.map(JSON.integer))
        return .object(object)
    }
}

extension QueueDetail {
    var json: JSON {
        var object = JSONObject()
        object["name"] = .string(name)
        object.set("weight", weight)
        object["quota"] = quota.json
        object.set("max_priority", maximumPriority)
        object.set("users", users.map { .array($0.map(JSON.string)) })
        object["is_configured"] = .bool(isConfigured)
        object["is_paused"] = .bool(isPaused)
        object["used"] = used.json
        object["share"] = .number(share)
        object["borrowed"] = borrowed.json
        object.set("runs", runs)
        object.set("paused_runs", pausedRuns)
        object.set("running", running)
        object.set("waiting", waiting)
        object.set("waiting_since", waitingSince)
        return .object(object)
    }
}

extension QuarantineDetail {
    var json: JSON {
        var object = JSONObject()
        object["code"] = .string(code)
        object["sentence"] = .string(sentence)
        object.set("since", since)
        object.set("until", until)
        return .object(object)
    }
}

extension UtilisationDetail {
    var json: JSON {
        var object = JSONObject()
        object.set("cpu", cpu.map(JSON.number))
        object.set("memory", memory.map(JSON.number))
        object.set("gpu", gpu.map(JSON.number))
        object["overall"] = .number(overall)
        object.set("efficiency", efficiency.map(JSON.number))
        return .object(object)
    }
}

extension Schemas {
    static let queues: [(name: String, schema: JSON)] = [
        (
            "Quota",
            object([
                "milli_cores?": integer(), "memory_bytes?": integer(), "milli_gpus?": integer(),
                "may_borrow": boolean, "most_borrowed?": named("BorrowingLimit"),
            ])
        ),
        (
            "BorrowingLimit",
            object([
                "milli_cores?": integer(), "memory_bytes?": integer(), "milli_gpus?": integer(),
            ])
        ),
        ("Queue", queue),
        ("QueueList", object(["queues": list(named("Queue"))])),
        (
            "Quarantine",
            object(["code": text, "sentence": text, "since?": moment, "until": moment])
        ),
        (
            "Utilisation",
            object([
                "cpu?": number, "memory?": number, "gpu?": number, "overall": number,
                "efficiency?": number,
            ])
        ),
    ]

    /// The bounds of `priority:` in a pipeline.
    static let priority = integer(-100, 100)

    private static let queue = object([
        "name": name, "weight": integer(1), "quota": named("Quota"), "max_priority": priority,
        "users?": list(text),
        "is_configured": boolean, "is_paused": boolean, "used": named("Amounts"),
        "share": number, "borrowed": named("Amounts"), "runs": integer(),
        "paused_runs": integer(), "running": integer(), "waiting": integer(),
        "waiting_since?": moment,
    ])
}
