import FanfoldJSON

/// What a policy may be shown: moments of a run, usual and unusual, and nonsense.
enum PolicyMoments {
    /// What `place` is shown once.
    struct Moment {
        var document: JSON
        /// Whether a host could show it; an answer must then have a score for each pair.
        var isWellFormed = false
        var requests = 0
        var workers = 0
    }

    /// All of them, the same for one seed.
    static func all(_ seed: UInt64) -> [Moment] {
        var random = SeededGenerator(seed: seed)
        let usual = [(0, 0), (1, 0), (0, 5), (1, 1), (5, 15), (64, 25), (16, 500)]
        let moments = usual.map { requests, workers in
            Moment(
                document: moment(requests, workers, &random), isWellFormed: true,
                requests: requests, workers: workers)
        }
        return moments + [tomorrow(&random)] + nonsense.map { Moment(document: $0) }
    }

    /// What `observe` is told: attempts of such requests on such workers, usual and unusual.
    static func outcomes(_ seed: UInt64) -> [JSON] {
        var random = SeededGenerator(seed: seed &+ 1)
        return [0, 1, 7, 256].map { outcomes($0, &random) } + [
            ["outcomes": "none", "dropped": -1], ["outcomes": [.null, 3, [:], "ended"]],
            ["outcomes": [["request": 7, "worker": [], "ended": .null, "ran_ns": "long"]]],
            ["outcomes": [["request": [:], "worker": [:], "ended": "", "ran_ns": -1e308]]],
        ]
    }

    private static func outcomes(_ count: Int, _ random: inout SeededGenerator) -> JSON {
        let endings = [
            "succeeded", "exit-code", "out-of-memory", "worker-lost", "a word of tomorrow",
        ]
        let outcomes = (0..<count).map { number -> JSON in
            [
                "request": request(&random), "worker": worker(&random, load: number % 5),
                "ended": .string(endings[number % endings.count]),
                "ran_ns": .integer(Int64(random.next() % (1 << 62))),
                "peak_memory_bytes": .integer(Int64(random.next() % (1 << 40))), "new": 1,
            ]
        }
        return ["outcomes": .array(outcomes), "dropped": .integer(Int64(random.next() % 9))]
    }

    private static let nonsense: [JSON] = [
        [:], .array([]), .null, ["workers": "none", "requests": 7],
        ["workers": [.null, 3], "requests": [[:]]],
        ["requests": [["cpus": -1, "memory_bytes": 1e300]], "workers": [["cpus": "many"]]],
        ["items": 0, "ran_ns": 0, "bytes_in": 0, "kind": ""],
        ["items": 1e308, "ran_ns": 1e308, "bytes_in": -1e308, "kind": "rows"],
    ]

    /// Kinds of requests and workers that nobody knows today, and keys that come later.
    private static func tomorrow(_ random: inout SeededGenerator) -> Moment {
        var request = request(&random).objectValue ?? JSONObject()
        request["qubits"] = 7
        request["labels"] = ["a kind of tomorrow"]
        var worker = worker(&random, load: 0).objectValue ?? JSONObject()
        worker["gpus"] = 100_000
        worker["cpus"] = 0
        return Moment(
            document: [
                "requests": [.object(request)], "workers": [.object(worker)], "now": "late",
            ], isWellFormed: true, requests: 1, workers: 1)
    }

    private static func moment(
        _ requests: Int, _ workers: Int, _ random: inout SeededGenerator
    ) -> JSON {
        [
            "requests": .array((0..<requests).map { _ in request(&random) }),
            "workers": .array((0..<workers).map { worker(&random, load: $0 % 5) }),
        ]
    }

    private static func request(_ random: inout SeededGenerator) -> JSON {
        [
            "cpus": .number(Double(random.next() % 64_000) / 1000),
            "memory_bytes": .integer(Int64(random.next() % (1 << 40))),
            "gpus": .integer(Int64(random.next() % 9)), "gpu_share": 0.5,
            "gpu_memory_bytes": .integer(Int64(random.next() % (1 << 36))),
            "labels": random.next() % 2 == 0 ? [] : ["zone=a"],
        ]
    }

    private static func worker(_ random: inout SeededGenerator, load: Int) -> JSON {
        [
            "cpus": .number(Double(random.next() % 128_000) / 1000),
            "memory_bytes": .integer(Int64(random.next() % (1 << 40))),
            "gpus": .integer(Int64(random.next() % 9)),
            "gpu_memory_bytes": .integer(Int64(random.next() % (1 << 36))),
            "labels": random.next() % 2 == 0 ? ["zone=a", "disk=ssd"] : [],
            "used_up_to": .number(Double(load) / 4), "count": .integer(Int64(random.next() % 99)),
        ]
    }
}
