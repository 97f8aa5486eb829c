import FanfoldJSON

extension Schemas {
    static let cluster: [(name: String, schema: JSON)] = [
        (
            "Amounts",
            object([
                "milli_cores": integer(), "memory_bytes": integer(), "milli_gpus": integer(),
            ])
        ),
        ("Worker", object(workerMembers)),
        ("WorkerAccount", object(workerMembers, and: accountMembers)),
        ("WorkerList", object(["workers": list(named("Worker"))])),
        (
            "Resources",
            object([
                "workers": integer(), "total": named("Amounts"), "free": named("Amounts"),
                "measured?": named("Amounts"), "utilisation?": named("Utilisation"),
            ])
        ),
        ("JoinTokenRequest", joinTokenRequest),
        ("JoinToken", object(joinTokenMembers)),
        ("NewJoinToken", newJoinToken),
        ("JoinTokenList", object(["join_tokens": list(named("JoinToken"))])),
        ("TokenRequest", tokenRequest),
        ("Token", token),
        ("NewToken", object(["token": named("Token"), "secret": text])),
        ("TokenList", object(["tokens": list(named("Token"), maximum: APILimits.tokens)])),
        (
            "File",
            object(["sha256": digest, "offset": integer(), "is_complete": boolean])
        ),
    ]

    private static let workerMembers: KeyValuePairs<String, JSON> = [
        "id": integer(), "name": text, "status": oneOf(WorkerStatus.allCases.map(\.rawValue)),
        "address?": text, "version": text, "total": named("Amounts"), "free": named("Amounts"),
        "measured?": named("Amounts"), "labels": list(text), "processor?": text,
        "gpus": list(
            object([
                "name": text, "uuid": text, "memory_bytes": integer(),
                "memory_node?": integer(), "link_group?": integer(),
                "free_milli?": integer(), "free_memory_bytes?": integer(),
                "used_memory_bytes?": integer(), "busy_percent?": integer(0, 100),
            ])),
        "free_disk_bytes?": integer(), "quarantine?": named("Quarantine"),
        "running": integer(), "queued": integer(), "joined": moment, "heard": moment,
    ]

    /// Seconds in ten years, the longest life of a token.
    static let longestLife: Int64 = 315_360_000

    private static let joinTokenRequest = object([
        "lifetime_seconds?": integer(1, longestLife, standard: 3_600),
        "maximum_uses?": integer(1, 1_000_000, standard: 1),
        "labels?": list(label, maximum: 64),
    ])

    private static let joinTokenMembers: KeyValuePairs<String, JSON> = [
        "id": text, "created": moment, "expires": moment, "remaining_uses": integer(),
        "labels": list(text),
    ]

    private static let newJoinToken = object([
        "join_token": named("JoinToken"), "secret": text,
    ])

    private static let tokenRequest = object([
        "name": name, "role": oneOf(["admin", "submit", "read"]),
        "lifetime_seconds?": integer(1, longestLife),
    ])

    private static let token = object([
        "id": text, "name": text, "role": oneOf(Role.allCases.map(\.rawValue)),
        "created": moment, "expires?": moment, "is_revoked": boolean,
    ])
}
