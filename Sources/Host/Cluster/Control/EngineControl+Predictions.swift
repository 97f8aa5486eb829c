import FanfoldAPI
import FanfoldJSON
import FanfoldPrediction
import FanfoldRuntime

extension EngineControl {
    func predictions(taskClass: String?, limit: Int) async throws(ControlError) -> JSON {
        let predictor = try await onHistory { history throws(HistoryFileError) in
            try history?.predictor(of: taskClass.map { [$0] }) ?? Predictor()
        }
        let classes = predictor.known.prefix(limit).map { name, rows in
            var object = JSONObject([("class", .string(name)), ("attempts", .integer(Int64(rows)))])
            for quantity in Quantity.allCases {
                guard let estimate = predictor.predict(quantity, of: name, Features()) else {
                    continue
                }
                object[quantity.key] = estimate.json
            }
            return JSON.object(object)
        }
        return ["predictions": .array(classes)]
    }

    func efficiency(run id: UInt64) async throws(ControlError) -> JSON {
        _ = try await run(id)
        let found = try await onHistory { history throws(HistoryFileError) in
            try history?.efficiency(ofRun: "\(id)") ?? []
        }
        return ["run": .integer(Int64(id)), "tasks": .array(found.map(\.json))]
    }

    /// Reads the history on a thread of its own; so many at a time.
    private func onHistory<Value: Sendable>(
        _ body: @escaping @Sendable ((any HistoryKeeper)?) throws(HistoryFileError) -> Value
    ) async throws(ControlError) -> Value {
        guard plans.add(1, ordering: .relaxed).newValue <= APILimits.plans else {
            plans.subtract(1, ordering: .relaxed)
            throw ControlError(
                .tooMany,
                "\(APILimits.plans) plans and predictions are being made; ask again in a moment")
        }
        defer { plans.subtract(1, ordering: .relaxed) }
        let history = history
        return try await onThread { () throws(ControlError) -> Value in
            do throws(HistoryFileError) {
                return try body(history)
            } catch {
                throw ControlError(.unavailable, "the history cannot be read: \(error)")
            }
        }
    }
}
