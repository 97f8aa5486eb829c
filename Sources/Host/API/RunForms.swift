import FanfoldJSON

/// How values are written as JSON; `Schemas` describes the same.
extension JSONObject {
    /// Sets a member that may be missing.
    mutating func set(_ name: String, _ value: JSON?) {
        if let value { self[name] = value }
    }

    mutating func set(_ name: String, _ moment: Timestamp?) {
        if let moment { self[name] = .string(moment.text) }
    }

    mutating func set(_ name: String, _ count: Int) {
        self[name] = .integer(Int64(count))
    }
}

extension FailureSummary {
    var json: JSON {
        ["kind": .string(kind), "reason": .string(reason), "message": .string(message)]
    }
}

extension RunSummary {
    var members: JSONObject {
        var object = JSONObject()
        object["id"] = .integer(Int64(clamping: id))
        object["name"] = .string(name)
        object["status"] = .string(status.rawValue)
        object["submitter"] = .string(submitter)
        object["queue"] = .string(queue)
        object.set("priority", priority)
        object["is_paused"] = .bool(isPaused)
        object.set("submitted", submitted)
        object.set("started", started)
        object.set("ended", ended)
        object.set("subtasks", subtasks)
        object.set("succeeded", succeeded)
        object.set("failed", failed)
        object.set("begun", begun.map(JSON.number))
        return object
    }

    var json: JSON { .object(members) }
}

extension TaskDetail {
    var json: JSON {
        var object = JSONObject()
        object["name"] = .string(name)
        object["strategy"] = .string(strategy)
        object["status"] = .string(status.rawValue)
        let numbers: [(String, Int)] = [
            ("waiting", waiting), ("ready", ready), ("queued", queued), ("running", running),
            ("succeeded", succeeded), ("failed", failed), ("withdrawn", withdrawn), ("put", put),
        ]
        for (name, number) in numbers { object.set(name, number) }
        object["all_put"] = .bool(allPut)
        object.set("failed_attempts", failedAttempts)
        if !progress.isEmpty { object["progress"] = .array(progress.map(\.json)) }
        object.set("failure", failure?.json)
        return .object(object)
    }
}

extension RunDetail {
    var json: JSON {
        var object = summary.members
        object["tasks"] = .array(tasks.map(\.json))
        object.set("failure", failure?.json)
        object["outputs"] = .array(outputs.map { $0.json(ofRun: summary.id) })
        return .object(object)
    }
}

extension OutputSummary {
    func json(ofRun run: UInt64) -> JSON {
        var object = JSONObject([("name", .string(name))])
        object.set("bytes", bytes.map(JSON.integer))
        object["media_type"] = .string(mediaType)
        object["href"] = .string("/api/v1/runs/\(run)/outputs/\(PercentCoding.encoded(name))")
        return .object(object)
    }
}

extension SubtaskDetail {
    var json: JSON {
        var object = JSONObject()
        object["index"] = .integer(Int64(index))
        object["status"] = .string(status.rawValue)
        object.set("worker", worker.map { .integer(Int64(clamping: $0)) })
        object.set("attempts", attempts)
        return .object(object)
    }
}

extension AttemptDetail {
    var json: JSON {
        var object = JSONObject()
        object["subtask"] = .integer(Int64(subtask))
        object.set("attempt", attempt)
        object["worker"] = .string(worker)
        object.set("started", started)
        object.set("ended", ended)
        object.set("failure", failure.map(JSON.string))
        return .object(object)
    }
}

extension Explanation {
    var json: JSON {
        var explanation = JSONObject()
        explanation["status"] = .string(status.rawValue)
        explanation["reasons"] = .array(
            reasons.map { reason in
                var object = JSONObject()
                object.set("task", reason.task.map(JSON.string))
                object.set("subtask", reason.subtask.map { .integer(Int64($0)) })
                object.set("waiting", reason.waiting.map { .integer(Int64($0)) })
                object["code"] = .string(reason.code)
                object["sentence"] = .string(reason.sentence)
                object.set("would_run_if", reason.wouldRunIf.map(JSON.string))
                return .object(object)
            })
        explanation.set("placement", placement?.json)
        return .object(explanation)
    }
}
