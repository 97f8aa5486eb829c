import FanfoldJSON

/// One thing that a strategy is told.
enum StrategyCall {
    case begin
    case split(UInt32)
    case result(UInt64, [UInt8])
    case failure(UInt64, UInt32, UInt32)
    case capacity
    case finish

    var text: String {
        switch self {
        case .begin: "begin"
        case .split(let want): "split \(want)"
        case .result(let id, _): "result \(id)"
        case .failure(let id, let retry, let attempts): "failure \(id) \(retry) \(attempts)"
        case .capacity: "capacity"
        case .finish: "finish"
        }
    }

    private static let workers: JSON = [worker("w0", 1), worker("w1", 2)]

    private static func worker(_ id: String, _ speed: Double) -> JSON {
        [
            "id": .string(id), "cpus": 1, "memory_bytes": 8_589_934_592, "gpus": 0,
            "speed": .number(speed), "com-example-unknown": true,
        ]
    }

    /// What `begin` is told about the made-up task.
    static func description(items: Int, seed: UInt64) -> JSON {
        let input: JSON = [
            "name": "rows", "format": "lines", "items": .integer(Int64(items)),
            "bytes": .integer(Int64(items) * 8), "com-example-unknown": nil,
        ]
        return [
            "task": "check", "seed": .integer(Int64(seed & 0xFFFF_FFFF)), "slots": 2,
            "run": ["command": ["cat"], "stdin": "lines", "stdout": "lines"],
            "inputs": [input], "workers": workers,
            "com-example-unknown": ["a host of tomorrow": true],
        ]
    }

    /// What `on_capacity` is told.
    static var capacityDescription: JSON {
        ["slots": 2, "workers": workers, "com-example-unknown": [1, 2]]
    }

    /// What a result says about itself.
    static var resultFacts: JSON {
        [
            "worker": "w0", "attempt": 1, "queued_ns": 0, "ran_ns": 1_000_000, "bytes_in": 1,
            "bytes_out": 1, "items": 1,
        ]
    }
}
