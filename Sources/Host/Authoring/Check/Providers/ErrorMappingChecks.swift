import CPluginABI
import FanfoldJSON

/// What a provider makes of a cloud's errors.
enum ErrorMappingChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "error-mapping", subject: .instance,
            summary: "Each error of the cloud becomes its code and its retry class.",
            consequence: "A run would try for ever what cannot work, or give up what can.",
            timeout: 60, body: mapping)
    ]

    /// A recorded error and what it must become.
    private struct Row {
        var name: String
        var kind: CloudFault.Kind
        var code: Int
        var retry: Int
        /// In milliseconds; 0 for any.
        var after: UInt32 = 0
        /// Whether only `launch` meets it.
        var isLaunchOnly = false
    }

    private static func row(
        _ status: Int, _ name: String, _ code: Int, _ retry: Int, isLaunchOnly: Bool = false
    ) -> Row {
        Row(
            name: "\(status) \(name)", kind: .reply(.error(status, name)), code: code,
            retry: retry, isLaunchOnly: isLaunchOnly)
    }

    private static var table: [Row] {
        let later = FAN_RETRY_LATER
        let html = CloudReply.answer(
            503, headers: ["content-type": "text/html"],
            body: Array("<html>Service Unavailable</html>".utf8))
        return [
            row(400, "InvalidParameter", FAN_INVALID, FAN_RETRY_NEVER),
            row(400, "BadImage", FAN_INVALID, FAN_RETRY_NEVER, isLaunchOnly: true),
            row(401, "AuthFailure", FAN_UNAUTHENTICATED, FAN_RETRY_RENEWED),
            row(401, "ExpiredToken", FAN_UNAUTHENTICATED, FAN_RETRY_RENEWED),
            row(402, "QuotaExceeded", FAN_EXHAUSTED, FAN_RETRY_RENEWED, isLaunchOnly: true),
            row(403, "Forbidden", FAN_DENIED, FAN_RETRY_RENEWED),
            row(
                409, "InsufficientCapacity", FAN_EXHAUSTED, FAN_RETRY_ELSEWHERE,
                isLaunchOnly: true),
            Row(
                name: "429 Throttled",
                kind: .reply(.error(429, "Throttled", headers: ["retry-after": "7"])),
                code: FAN_EXHAUSTED, retry: later, after: 7_000),
            row(500, "InternalError", FAN_UNAVAILABLE, later),
            row(503, "Unavailable", FAN_UNAVAILABLE, later),
            Row(name: "503 with HTML", kind: .reply(html), code: FAN_UNAVAILABLE, retry: later),
            Row(
                name: "a broken connection", kind: .reply(.broken), code: FAN_UNAVAILABLE,
                retry: later),
            Row(
                name: "half an answer", kind: .garbled, code: FAN_UNAVAILABLE, retry: later),
            Row(
                name: "200 with the error Forbidden",
                kind: .reply(.error(200, "Forbidden")), code: FAN_DENIED,
                retry: FAN_RETRY_RENEWED),
        ]
    }

    private static func mapping(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        let outcome = try ProviderRig.eachFake(context) { rig in
            for row in table {
                try judge(row, rig, .launch, "/v1/launch")
                count += 1
                guard !row.isLaunchOnly else { continue }
                try judge(row, rig, .describe, "/v1/workers")
                try judge(row, rig, .terminate, "/v1/terminate")
                try judge(row, rig, .offerings, "/v1/offerings")
                count += 3
            }
        }
        return outcome.status == .passed ? .passed("\(count) errors") : outcome
    }

    private static func judge(
        _ row: Row, _ rig: ProviderRig, _ call: ProviderDriver.Call, _ path: String
    ) throws {
        let document: JSON =
            switch call {
            case .launch:
                ProviderDriver.request(
                    rig.token(UInt64(rig.cloud.requests.count)),
                    offerings: ["here-a/small/on-demand"], max: 1)
            case .terminate: ["ids": ["w-000001"]]
            case .describe: ["owner": "check-1"]
            case .check, .offerings: [:]
            }
        rig.cloud.faults = [CloudFault(path: path, kind: row.kind)]
        let answer = try rig.provider().answer(call, document)
        rig.cloud.faults = []
        let wanted = "\(CallCode.name(fan_code(row.code))), \(CallCode.retry(UInt32(row.retry)))"
        guard answer.code == fan_code(row.code), answer.retry == UInt32(row.retry) else {
            throw CheckStop.failed(
                "\(call.rawValue) meets \(row.name): wanted \(wanted), found \(answer.brief)")
        }
        guard row.after == 0 || answer.retryAfterMilliseconds == row.after else {
            throw CheckStop.failed(
                "\(call.rawValue) meets \(row.name) with retry-after: wanted retry_after_ms "
                    + "\(row.after), found \(answer.retryAfterMilliseconds)")
        }
        guard !answer.message.isEmpty else {
            throw CheckStop.failed("\(call.rawValue) meets \(row.name) and says nothing to people")
        }
    }
}
