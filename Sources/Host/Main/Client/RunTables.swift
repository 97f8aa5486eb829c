import FanfoldJSON

/// What the API answers, for people.
enum RunTables {
    static func list(_ answer: JSON) -> String {
        var table = TextTable([
            "run", "name", "status", "queue", "priority", "subtasks", "failed", "submitted",
        ])
        for run in answer["runs"]?.arrayValue ?? [] {
            table.add([
                run.shown("id"), run.shown("name"), status(run), run.shown("queue"),
                run.shown("priority"), done(run), run.shown("failed"), run.shown("submitted"),
            ])
        }
        return table.text
    }

    private static func status(_ run: JSON) -> String {
        run.shown("status") + (run["is_paused"]?.boolValue == true ? ", paused" : "")
    }

    /// `3 of 10 (+1.4)`: with what running attempts say of how far they are.
    private static func done(_ run: JSON) -> String {
        let done = "\(run.shown("succeeded")) of \(run.shown("subtasks"))"
        guard let begun = run["begun"]?.doubleValue else { return done }
        let tenths = Int((begun * 10).rounded(.down))
        return done + " (+\(tenths / 10).\(tenths % 10))"
    }

    /// What running attempts of a task say of how far they are.
    private static func progress(_ task: JSON) -> [String] {
        (task["progress"]?.arrayValue ?? []).map { said in
            let percent = Int((said["fraction"]?.doubleValue ?? 0) * 100)
            let note = PlainText.line(said["note"]?.stringValue ?? "")
            return "\(task.shown("name"))/\(said.shown("subtask")), attempt "
                + "\(said.shown("attempt")), worker \(said.shown("worker")): \(percent) %"
                + (note.isEmpty ? "" : " (\(note))")
        }
    }

    static func detail(_ run: JSON) -> String {
        var lines = ["run \(run.shown("id")) (\(run.shown("name"))): \(status(run))"]
        lines.append("submitted \(run.shown("submitted")) by \(run.shown("submitter"))")
        lines.append("queue \(run.shown("queue")), priority \(run.shown("priority"))")
        if let ended = run["ended"]?.stringValue { lines.append("ended \(ended)") }
        if let message = run["failure"]?["message"]?.stringValue { lines.append(message) }
        var table = TextTable([
            "task", "strategy", "status", "done", "running", "waiting", "failed",
        ])
        for task in run["tasks"]?.arrayValue ?? [] {
            let waiting = ["waiting", "ready", "queued"].reduce(Int64(0)) {
                $0 + (task[$1]?.integerValue ?? 0)
            }
            table.add([
                task.shown("name"), task.shown("strategy"), task.shown("status"),
                "\(task.shown("succeeded")) of \(task.shown("put"))", task.shown("running"),
                "\(waiting)", task.shown("failed"),
            ])
        }
        lines.append(table.text)
        for task in run["tasks"]?.arrayValue ?? [] { lines += progress(task) }
        for output in run["outputs"]?.arrayValue ?? [] {
            let size = output["bytes"]?.integerValue.map { " (\(Human.bytes($0)))" } ?? ""
            let name = output.shown("name")
            lines.append("output \(name)\(size): fanfold output \(run.shown("id")) \(name)")
        }
        return lines.joined(separator: "\n")
    }

    /// Runs in detail, one after the other.
    static func details(_ answer: JSON) -> String {
        (answer["runs"]?.arrayValue ?? [answer]).map(detail).joined(separator: "\n\n")
    }

    /// Answers about several runs, each under its number.
    static func several(
        _ answer: JSON, _ numbers: [UInt64], _ table: (JSON) -> String
    ) -> String {
        guard let answers = answer["runs"]?.arrayValue else { return table(answer) }
        return zip(numbers, answers).map { "run \($0):\n" + table($1) }.joined(separator: "\n\n")
    }

    static func workers(_ answer: JSON) -> String {
        var table = TextTable([
            "worker", "name", "status", "cores", "used", "memory", "used", "gpus", "running",
            "queued", "heard",
        ])
        for worker in answer["workers"]?.arrayValue ?? [] {
            let (total, used) = (worker["total"], worker["measured"])
            table.add([
                worker.shown("id"), worker.shown("name"), worker.shown("status"),
                Human.cores(total?["milli_cores"]?.integerValue ?? 0),
                used?["milli_cores"]?.integerValue.map { Human.cores($0) } ?? "-",
                Human.bytes(total?["memory_bytes"]?.integerValue ?? 0),
                used?["memory_bytes"]?.integerValue.map { Human.bytes($0) } ?? "-",
                "\(worker["gpus"]?.arrayValue?.count ?? 0)", worker.shown("running"),
                worker.shown("queued"), worker.shown("heard"),
            ])
        }
        let quarantined = (answer["workers"]?.arrayValue ?? []).compactMap(QueueTables.quarantine)
        return ([table.text] + quarantined).joined(separator: "\n")
    }

    static func reasons(_ answer: JSON) -> String {
        let reasons = answer["reasons"]?.arrayValue ?? []
        let placement = placementLines(answer["placement"])
        guard !reasons.isEmpty || !placement.isEmpty else {
            let end =
                switch answer["status"]?.stringValue {
                case "completed": "it has completed: "
                case "failed": "it has failed: "
                case "cancelled": "it was cancelled: "
                default: ""
                }
            return end + "nothing waits"
        }
        let lines = reasons.map { reason in
            let place = [
                reason["task"]?.stringValue, reason["subtask"]?.integerValue.map { "\($0)" },
            ]
            .compactMap { $0 }.joined(separator: "/")
            let count = reason["waiting"]?.integerValue.map { "\($0) wait: " } ?? ""
            let remedy = reason["would_run_if"]?.stringValue.map { "; it would run if \($0)" } ?? ""
            return (place.isEmpty ? "" : place + ": ") + count + reason.shown("sentence") + remedy
        }
        return (lines + placement).joined(separator: "\n")
    }

    /// Who chose the worker that a subtask runs on and what every scorer said, or what is short.
    private static func placementLines(_ placement: JSON?) -> [String] {
        var lines: [String] = []
        if let chosen = placement?["chosen"] {
            lines.append(
                "runs on worker \(chosen.shown("worker")), chosen by \(chosen.shown("policy"))")
        }
        if let fallback = placement?["fallback"] {
            lines.append(
                "in place of \(fallback.shown("policy")): "
                    + sentence(ofFallback: fallback.shown("why")))
        }
        let scores = (placement?["scores"]?.objectValue?.members ?? []).map { name, value in
            "\(name) \(Human.fixed(value.doubleValue ?? 0, 3))"
        }
        if !scores.isEmpty { lines.append("scores: " + scores.joined(separator: ", ")) }
        if let shadow = placement?["shadow"] {
            lines.append(
                "\(shadow.shown("policy")) would have taken worker \(shadow.shown("worker"))")
        }
        let rejected = (placement?["rejected"]?.objectValue?.members ?? []).map { reason, workers in
            "\(reason) \(workers.integerValue ?? 0)"
        }
        if !rejected.isEmpty {
            lines.append("workers that do not suit now: " + rejected.joined(separator: ", "))
        }
        return lines
    }

    /// Why a policy that is a plugin did not choose.
    private static func sentence(ofFallback why: String) -> String {
        switch why {
        case "unanswered": "it had not answered yet for such a subtask on the workers there are"
        case "late": "it did not answer within its budget (late)"
        case "crashed": "it crashed (crashed)"
        case "wrong": "its answer was not one finite score for each pair (wrong)"
        case "refused": "it said that it cannot answer (refused)"
        case "too-many-kinds": "there are too many kinds of workers to ask it (too-many-kinds)"
        default: why
        }
    }

    static func tokens(_ answer: JSON) -> String {
        var table = TextTable(["id", "name", "role", "created", "expires", "state"])
        for token in answer["tokens"]?.arrayValue ?? [] {
            table.add([
                token.shown("id"), token.shown("name"), token.shown("role"),
                token.shown("created"), token.shown("expires"),
                token["is_revoked"]?.boolValue == true ? "revoked" : "",
            ])
        }
        for token in answer["join_tokens"]?.arrayValue ?? [] {
            table.add([
                token.shown("id"), "-", "worker", token.shown("created"), token.shown("expires"),
                "\(token.shown("remaining_uses")) left",
            ])
        }
        return table.text
    }
}
