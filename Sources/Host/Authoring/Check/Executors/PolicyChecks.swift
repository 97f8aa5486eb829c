import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of policies: whatever they are shown, they answer, in time and in numbers.
enum PolicyChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "policy-total", subject: .instance,
            summary:
                "Whatever it is shown, it answers in time, in finite numbers, and the same each time.",
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
        for (number, document) in documents(seed).enumerated() {
            for (name, function) in [
                ("predict", table.pointee.predict), ("place", table.pointee.place),
            ] {
                sink.clear()
                error.clear()
                let start = ProbeClock.now()
                let code = calls.perform("\(name) of document \(number)") {
                    function($0, document.lent, sink.table, error.pointer)
                }
                guard ProbeClock.now() - start < budget else {
                    throw CheckStop.failed(
                        "\(name) takes \(ProbeClock.now() - start) for \(document.text.count) "
                            + "bytes; wanted less than \(budget)")
                }
                transcript.append(
                    "\(name) \(code) " + (try said(sink, error, code, name, document)))
            }
            calls.perform("observe of document \(number)") {
                table.pointee.observe($0, document.lent)
            }
        }
        return transcript
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

    /// Moments of a run, usual and unusual.
    private static func documents(_ seed: UInt64) -> [JSON] {
        var random = SeededGenerator(seed: seed)
        func worker(_ id: Int) -> JSON {
            [
                "id": .string("w\(id)"), "cpus": .integer(Int64(random.next() % 64)),
                "memory_bytes": .integer(Int64(random.next() % (1 << 40))), "gpus": 0,
                "speed": .number(Double(random.next() % 100) / 10), "price_per_hour": 0.1,
            ]
        }
        func task(_ id: Int, kind: String) -> JSON {
            [
                "id": .integer(Int64(id)), "kind": .string(kind), "items": 1_000,
                "bytes_in": .integer(Int64(random.next() % (1 << 40))), "ran_ns": 1_000_000,
                "needs": ["cpus": 1, "memory": 1_073_741_824],
            ]
        }
        func moment(_ workers: Int, _ tasks: Int, kind: String) -> JSON {
            [
                "seed": .integer(Int64(seed & 0xFFFF_FFFF)), "now_ns": 1_000_000_000,
                "workers": .array((0..<workers).map(worker)),
                "tasks": .array((0..<tasks).map { task($0, kind: kind) }),
            ]
        }
        return [
            [:], .array([]), .null, moment(0, 0, kind: "rows"), moment(0, 5, kind: "rows"),
            moment(3, 0, kind: "rows"), moment(3, 20, kind: "rows"),
            moment(2, 10, kind: "a kind of tomorrow"), moment(200, 1_000, kind: "rows"),
            ["workers": "none", "tasks": 7], ["workers": [.null, 3], "tasks": [[:]]],
            ["tasks": [["id": -1, "items": 0, "ran_ns": -5, "bytes_in": 1e300]]],
            ["items": 0, "ran_ns": 0, "bytes_in": 0, "kind": ""],
            ["items": 1e308, "ran_ns": 1e308, "bytes_in": -1e308, "kind": "rows"],
        ]
    }
}
