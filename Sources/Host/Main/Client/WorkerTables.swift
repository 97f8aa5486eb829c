import FanfoldJSON

/// Workers in detail, for people.
enum WorkerTables {
    /// Workers, one after the other.
    static func details(_ answer: JSON) -> String {
        (answer["workers"]?.arrayValue ?? [answer]).map(detail).joined(separator: "\n\n")
    }

    private static func detail(_ worker: JSON) -> String {
        var lines = [
            "worker \(worker.shown("id")) (\(plain(worker, "name"))): \(worker.shown("status"))"
        ]
        lines.append(presence(worker))
        if worker["processor"] != nil { lines.append("machine: \(plain(worker, "processor"))") }
        let labels = (worker["labels"]?.arrayValue ?? []).compactMap(\.stringValue)
        if !labels.isEmpty {
            lines.append("labels: " + PlainText.line(labels.joined(separator: ", ")))
        }
        if let rental = worker["rental"] {
            lines.append(
                "rented in pool \(rental.shown("pool")) from \(rental.shown("provider")): "
                    + "\(rental.shown("name")), \(rental.shown("offering")), "
                    + "\(rental.shown("phase")), counted since \(rental.shown("since")), "
                    + "\(rental.shown("per_hour")) an hour")
        }
        guard !["lost", "revoked"].contains(worker.shown("status")) else {
            return lines.joined(separator: "\n")
        }
        lines.append(room(worker))
        lines += graphics(worker)
        lines += trouble(worker)
        lines += attempts(worker)
        return lines.joined(separator: "\n")
    }

    /// Where it is, since when, and whether it is well.
    private static func presence(_ worker: JSON) -> String {
        var text = worker["address"] == nil ? "" : "from \(plain(worker, "address")), "
        text += "version \(plain(worker, "version")), joined \(worker.shown("joined")), "
        text += "heard \(worker.shown("heard"))"
        switch worker["trust"]?.stringValue {
        case nil: return text
        case "doubted":
            text += "; it has been silent for so long that what it has not begun is "
            text += "asked back"
        case "suspected": text += "; it has been silent for longer than usual and gets nothing new"
        default: break
        }
        if let suspicion = worker["suspicion"]?.doubleValue {
            text += "; suspicion \(Human.fixed(suspicion, 2))"
        }
        return text + (worker["is_connected"]?.boolValue == true ? "" : "; not connected")
    }

    private static func room(_ worker: JSON) -> String {
        var table = TextTable(["", "all", "free", "used"])
        let (total, free, used) = (worker["total"], worker["free"], worker["measured"])
        func add(_ name: String, _ member: String, _ text: (Int64) -> String) {
            func shown(_ amounts: JSON?) -> String {
                amounts?[member]?.integerValue.map(text) ?? "-"
            }
            table.add([name, shown(total), shown(free), shown(used)])
        }
        add("cores", "milli_cores") { Human.cores($0) }
        add("memory", "memory_bytes") { Human.bytes($0) }
        if let disk = worker["free_disk_bytes"]?.integerValue {
            table.add(["disk", "-", Human.bytes(disk), "-"])
        }
        return table.text
    }

    private static func graphics(_ worker: JSON) -> [String] {
        let gpus = worker["gpus"]?.arrayValue ?? []
        guard !gpus.isEmpty else { return [] }
        var table = TextTable([
            "GPU", "model", "node", "links", "free", "memory", "free", "used", "busy",
        ])
        func bytes(_ gpu: JSON, _ member: String) -> String {
            gpu[member]?.integerValue.map { Human.bytes($0) } ?? "-"
        }
        for (place, gpu) in gpus.enumerated() {
            table.add([
                "\(place)", plain(gpu, "name"), gpu.shown("memory_node"), gpu.shown("link_group"),
                gpu["free_milli"]?.integerValue.map { Human.cores($0) } ?? "-",
                bytes(gpu, "memory_bytes"), bytes(gpu, "free_memory_bytes"),
                bytes(gpu, "used_memory_bytes"),
                gpu["busy_percent"]?.integerValue.map { "\($0) %" } ?? "-",
            ])
        }
        return [table.text]
    }

    /// What speaks against it, and what it is kept for.
    private static func trouble(_ worker: JSON) -> [String] {
        var lines: [String] = []
        if let quarantine = QueueTables.quarantine(worker) { lines.append(quarantine) }
        let inRow = worker["failures_in_a_row"]?.integerValue ?? 0
        if inRow > 0 {
            lines.append(
                inRow == 1 ? "what ended there last failed" : "the last \(inRow) ends were failures"
            )
        }
        let blamed = (worker["blamed_for"]?.arrayValue ?? []).map {
            "\($0.shown("run"))/\($0.shown("task"))"
        }
        if !blamed.isEmpty {
            lines.append(
                "failed there and succeeded elsewhere: \(blamed.joined(separator: ", "))")
        }
        let quarantines = worker["quarantines"]?.integerValue ?? 0
        if quarantines > 1 {
            lines.append("in quarantine \(quarantines) times since something succeeded there")
        }
        if let kept = worker["kept_for"] {
            let slots = kept["slots"]?.integerValue ?? 0
            lines.append(
                "kept for \(kept.shown("run"))/\(kept.shown("task")) until "
                    + "\(kept.shown("until")): room for \(slots == 1 ? "a subtask" : "\(slots) subtasks")"
                    + (kept["is_preemptive"]?.boolValue == true
                        ? ", for which attempts were ended there" : ""))
        }
        if worker.shown("status") == "draining" {
            lines.append("it gets nothing new, and goes when what runs there has ended")
        }
        return lines
    }

    private static func attempts(_ worker: JSON) -> [String] {
        let attempts = worker["attempts"]?.arrayValue ?? []
        guard !attempts.isEmpty else { return ["nothing is on it"] }
        var table = TextTable([
            "run", "task", "subtask", "attempt", "status", "since", "reserved", "GPUs", "done",
        ])
        for attempt in attempts {
            let gpus = (attempt["gpus"]?.arrayValue ?? []).compactMap(\.integerValue)
            table.add([
                attempt.shown("run"), attempt.shown("task"), attempt.shown("subtask"),
                attempt.shown("attempt"), attempt.shown("status"), attempt.shown("since"),
                QueueTables.amounts(attempt["reserved"]),
                gpus.isEmpty ? "-" : gpus.map { "\($0)" }.joined(separator: ","),
                attempt["fraction"]?.doubleValue.map { "\(Int($0 * 100)) %" } ?? "-",
            ])
        }
        let more = (worker["attempt_count"]?.integerValue ?? 0) - Int64(attempts.count)
        return [table.text] + (more > 0 ? ["and \(more) more"] : [])
    }

    /// A text that a machine said of itself, harmless for a terminal.
    private static func plain(_ object: JSON, _ member: String) -> String {
        PlainText.line(object.shown(member))
    }
}
