import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of policies: whatever they are shown and told, they answer, in time and in numbers.
enum PolicyChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "policy-total", subject: .instance,
            summary:
                "Whatever it is shown and observes, it answers in time, in finite numbers, and the same "
                + "each time.",
            consequence: "An unusual moment of a run would stop it, or place it at random.",
            timeout: 60, body: total)
    ]

    /// Processor time of one call, at most.
    private static let budget = Duration.milliseconds(100)

    private static func total(_ context: CheckContext) throws -> CheckOutcome {
        let policies = try context.loaded().components.filter { $0.descriptor.kind == .policy }
        guard !policies.isEmpty else { throw CheckStop.skipped("it has no policy") }
        var count = 0
        for component in policies {
            guard let configuration = try component.configurations().first else { continue }
            let first = try answers(component, configuration, context.seed)
            let again = try answers(component, configuration, context.seed)
            for (one, two) in zip(first, again) where one != two {
                throw CheckStop.failed(
                    "the same questions are answered differently: \(one.prefix(160)); then "
                        + two.prefix(160))
            }
            count += first.count
        }
        return .passed("\(count) questions")
    }

    private static func answers(
        _ component: CheckedComponent, _ configuration: JSON, _ seed: UInt64
    ) throws -> [String] {
        let world = CallWorld()
        let calls = try CallDriver(component, configuration, world, FakeCloud(world))
        let table = try calls.table("fanfold.policy/1", as: fan_policy.self)
        let sink = ProbeSink()
        let error = LentError()
        var transcript: [String] = []
        let outcomes = PolicyMoments.outcomes(seed)
        for (number, question) in PolicyMoments.all(seed).enumerated() {
            let document = question.document
            for (name, function) in [
                ("predict", table.pointee.predict), ("place", table.pointee.place),
            ] {
                sink.clear()
                error.clear()
                let code = try timed(name, document) {
                    calls.perform("\(name) of document \(number)") {
                        function($0, document.lent, sink.table, error.pointer)
                    }
                }
                transcript.append(
                    "\(name) \(code) " + (try said(sink, error, code, name, document)))
                if name == "place" { try requireScores(sink, code, question, number) }
            }
            for told in [document, outcomes[number % outcomes.count]] {
                try timed("observe", told) {
                    calls.perform("observe of \(told.text.prefix(160))") {
                        table.pointee.observe($0, told.lent)
                    }
                }
            }
        }
        return transcript
    }

    private static func timed<Value>(
        _ name: String, _ document: JSON, _ call: () -> Value
    ) throws -> Value {
        let start = ProbeClock.now()
        let value = call()
        guard ProbeClock.now() - start < budget else {
            throw CheckStop.failed(
                "\(name) takes \(ProbeClock.now() - start) for \(document.text.count) "
                    + "bytes; wanted less than \(budget)")
        }
        return value
    }

    /// A moment that can come is answered by one number for each pair; nonsense may be refused.
    private static func requireScores(
        _ sink: ProbeSink, _ code: fan_code, _ question: PolicyMoments.Moment, _ number: Int
    ) throws {
        guard question.isWellFormed else { return }
        let shown = String(question.document.text.prefix(160))
        guard code == 0, sink.outputs.count == 1 else {
            throw CheckStop.failed(
                "place of \(shown) answers code \(code) and \(sink.outputs.count) outputs; wanted "
                    + "FAN_OK and one output")
        }
        let rows = (try? JSON(parsing: sink.outputs[0].json))?["scores"]?.arrayValue
        let text = String(decoding: sink.outputs[0].json.prefix(160), as: UTF8.self)
        guard let rows, rows.count == question.requests,
            rows.allSatisfy({ row in
                row.arrayValue?.count == question.workers
                    && row.arrayValue?.allSatisfy { $0.doubleValue?.isFinite == true } == true
            })
        else {
            throw CheckStop.failed(
                "place of \(shown) answers \(text); wanted \"scores\": a list for each of "
                    + "\(question.requests) requests with a finite number for each of "
                    + "\(question.workers) workers")
        }
    }

    private static func said(
        _ sink: ProbeSink, _ error: LentError, _ code: fan_code, _ name: String,
        _ document: JSON
    ) throws -> String {
        let shown = String(document.text.prefix(160))
        guard code == 0 else {
            guard error.code == code, !error.message.isEmpty else {
                throw CheckStop.failed(
                    "\(name) of \(shown) fails with code \(code) and without a message")
            }
            return error.message
        }
        for output in sink.outputs {
            let text = String(decoding: output.json, as: UTF8.self)
            guard let json = try? JSON(parsing: output.json), isFinite(json) else {
                throw CheckStop.failed(
                    "\(name) of \(shown) answers \(text.prefix(160)); wanted JSON whose numbers "
                        + "are finite")
            }
        }
        return sink.outputs.map { String(decoding: $0.json, as: UTF8.self) }.joined(separator: "\n")
    }

    private static func isFinite(_ json: JSON) -> Bool {
        switch json {
        case .number(let value): value.isFinite
        case .array(let values): values.allSatisfy(isFinite)
        case .object(let object): object.values.allSatisfy(isFinite)
        default: true
        }
    }
}
