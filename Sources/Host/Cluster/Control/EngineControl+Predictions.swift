import FanfoldAPI
import FanfoldJSON
import FanfoldPrediction
import FanfoldRuntime

extension EngineControl {
    func predictions(taskClass: String?, limit: Int) async throws(ControlError) -> JSON {
        guard plans.add(1, ordering: .relaxed).newValue <= APILimits.plans else {
            plans.subtract(1, ordering: .relaxed)
            throw ControlError(
                .tooMany,
                "\(APILimits.plans) plans and predictions are being made; ask again in a moment")
        }
        defer { plans.subtract(1, ordering: .relaxed) }
        let history = history
        let predictor = try await onThread { () throws(ControlError) -> Predictor in
            do throws(HistoryFileError) {
                return try history?.predictor(of: taskClass.map { [$0] }) ?? Predictor()
            } catch {
                throw ControlError(.unavailable, "the history cannot be read: \(error)")
            }
        }
        let classes = predictor.known.prefix(limit).map { name, rows in
            var object = JSONObject([("class", .string(name)), ("attempts", .integer(Int64(rows)))])
            for quantity in Quantity.allCases {
                guard let estimate = predictor.predict(quantity, of: name, Features()) else {
                    continue
                }
                object[Self.key(quantity)] = Self.json(estimate)
            }
            return JSON.object(object)
        }
        return ["predictions": .array(classes)]
    }

    private static func key(_ quantity: Quantity) -> String {
        switch quantity {
        case .runtime: "runtime_seconds"
        case .cpu: "cpus"
        case .memory: "memory_bytes"
        case .gpuMemory: "gpu_memory_bytes"
        }
    }

    private static func json(_ estimate: Estimate) -> JSON {
        var object = JSONObject([
            ("value", .number(estimate.value)), ("tier", .string(estimate.tier.rawValue)),
            ("covered", .integer(Int64(estimate.covered))),
            ("bounded", .integer(Int64(estimate.bounded))),
        ])
        if let bounds = estimate.bounds {
            object["least"] = .number(bounds.lowerBound)
            object["most"] = .number(bounds.upperBound)
        }
        if let rows = estimate.rowsSinceDrift { object["changed"] = .integer(Int64(rows)) }
        return .object(object)
    }
}
