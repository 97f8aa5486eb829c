import FanfoldJSON
import FanfoldPrediction

extension Quantity {
    /// The member that holds it, with its unit.
    package var key: String {
        switch self {
        case .runtime: "runtime_seconds"
        case .cpu: "cpus"
        case .memory: "memory_bytes"
        case .gpuMemory: "gpu_memory_bytes"
        }
    }
}

extension Estimate {
    /// As `GET /api/v1/predictions` shows it.
    package var json: JSON {
        var object = JSONObject([
            ("value", .number(value)), ("tier", .string(tier.rawValue)),
            ("covered", .integer(Int64(covered))), ("bounded", .integer(Int64(bounded))),
        ])
        if let bounds {
            object["least"] = .number(bounds.lowerBound)
            object["most"] = .number(bounds.upperBound)
        }
        if let rowsSinceDrift { object["changed"] = .integer(Int64(rowsSinceDrift)) }
        return .object(object)
    }
}

extension Efficiency {
    /// As `GET /api/v1/runs/{run}/efficiency` shows it.
    package var json: JSON {
        var object = JSONObject([
            ("class", .string(taskClass)), ("attempts", .integer(Int64(attempts))),
            ("out_of_memory", .integer(Int64(outOfMemory))),
        ])
        for (quantity, share) in [(Quantity.memory, memoryShare), (.cpu, cpuShare)] {
            let members = [("given", given[quantity]), ("used", used[quantity]), ("share", share)]
            object[quantity.key] = .object(
                JSONObject(members.compactMap { name, value in value.map { (name, .number($0)) } }))
        }
        if let predictedMemory {
            object["predicted"] = [
                "memory_bytes": .number(predictedMemory), "attempts": .integer(Int64(predicted)),
                "covered": .integer(Int64(covered)),
            ]
        }
        if let rowsSinceDrift {
            object["changed"] = .integer(Int64(rowsSinceDrift + DriftWatch.newest))
        }
        if let memory = suggestion[.memory], let cpu = suggestion[.cpu] {
            let needs = NeedsDeclaration.asked(cores: cpu.value, memory: memory.value)
            object["suggestion"] = [
                "cpus": .number(Double(needs.cpuMillis) / 1000),
                "memory_bytes": .integer(needs.memoryBytes), "estimate": memory.json,
                "attempts": .integer(Int64(memory.rows)),
            ]
        }
        return .object(object)
    }
}
