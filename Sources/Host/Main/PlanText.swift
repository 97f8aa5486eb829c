import FanfoldJSON

/// A plan for people, from what `fanfold plan --output json` prints or `POST /plan` answers.
struct PlanText {
    private let plan: JSON

    init(_ plan: JSON) { self.plan = plan }

    var text: String {
        let workers = plan["workers"]?.arrayValue ?? []
        var lines = ["\(plan.shown("pipeline")) on \(Human.count(workers.count, "worker"))"]
        for worker in workers {
            lines.append(
                "  \(worker.shown("name"))  \(Self.cores(worker["cpus"])), "
                    + Self.bytes(worker["memory_bytes"]))
        }
        for task in plan["tasks"]?.arrayValue ?? [] {
            lines.append("\n\(task.shown("name"))  (\(task.shown("strategy")))")
            lines += Self.lines(for: task).map { "  " + $0 }
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(for task: JSON) -> [String] {
        var lines = [task.shown("summary")]
        lines += (task["why"]?.arrayValue ?? []).compactMap(\.stringValue).map { "because \($0)" }
        if let problem = task["problem"]?.stringValue {
            return lines + ["cannot be split: \(problem)"]
        }
        let waitsFor = (task["waits_for"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard waitsFor.isEmpty else {
            return lines + ["split when \(waitsFor.joined(separator: ", ")) has completed"]
        }
        lines.append(split(task))
        lines += (task["stages"]?.arrayValue ?? []).map { "stage   \($0.text)" }
        lines.append("needs   " + needs(task))
        for place in task["placement"]?.arrayValue ?? [] {
            guard let starting = place["starting"]?.integerValue, starting > 0 else { continue }
            lines.append(
                "place   \(place.shown("worker")): \(starting) at once, "
                    + free(place["free_cpus"]))
        }
        if let waiting = task["waits"]?.stringValue { lines.append("waits   \(waiting)") }
        return lines
    }

    private static func split(_ task: JSON) -> String {
        let count = Int(clamping: task["subtasks"]?.integerValue ?? 0)
        var split = "split   \(Human.count(count, "subtask"))"
        if task["more_follow"]?.boolValue == true {
            split += " at first, more as results come in"
        }
        guard let least = task["items"]?["least"]?.integerValue,
            let most = task["items"]?["most"]?.integerValue
        else { return split }
        return split
            + (least == most
                ? ", \(Human.count(Int(clamping: least), "item")) each"
                : ", \(least) to \(most) items each")
    }

    private static func needs(_ task: JSON) -> String {
        let bounds = task["memory_bytes"]
        let (least, most) = (bounds?["least"], bounds?["most"])
        let memory =
            least == most
            ? bytes(least ?? task["needs"]?["memory_bytes"]) : "\(bytes(least)) to \(bytes(most))"
        return "\(cores(task["needs"]?["cpus"])), \(memory) for each subtask"
    }

    private static func cores(_ value: JSON?) -> String {
        Human.thousandths(milli(value), "core")
    }

    private static func free(_ value: JSON?) -> String {
        "\(cores(value)) \(milli(value) == 1_000 ? "stays" : "stay") free"
    }

    private static func milli(_ value: JSON?) -> Int64 {
        Int64(((value?.doubleValue ?? 0) * 1_000).rounded())
    }

    private static func bytes(_ value: JSON?) -> String { Human.bytes(value?.integerValue ?? 0) }
}
