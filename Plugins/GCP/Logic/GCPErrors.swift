import FanfoldJSON
import PluginClouds
import PluginKit

/// What errors of Compute Engine mean, those of requests and those of operations.
///
/// Source: Compute Engine, Troubleshooting resource availability errors; Google API error reasons.
enum GCPErrors {
    static let table: CloudErrorTable = {
        var classes: [String: CloudErrorClass] = [:]
        func add(_ meaning: CloudErrorClass, _ codes: [String]) {
            for code in codes { classes[code] = meaning }
        }
        add(
            .capacity,
            [
                "ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS",
                "REGION_RESOURCE_POOL_EXHAUSTED", "RESOURCE_POOL_EXHAUSTED",
                "insufficientCapacity", "IP_SPACE_EXHAUSTED", "IP_SPACE_EXHAUSTED_WITH_DETAILS",
                "UNSUPPORTED_OPERATION",
            ])
        add(
            .throttled,
            [
                "rateLimitExceeded", "userRateLimitExceeded", "concurrentLimitExceeded",
                "RATE_LIMIT_EXCEEDED", "RESOURCE_OPERATION_RATE_EXCEEDED",
                "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
            ])
        add(
            .unavailable,
            [
                "backendError", "internalError", "INTERNAL_ERROR", "SERVICE_UNAVAILABLE",
                "serviceUnavailable", "UNAVAILABLE", "resourceNotReady", "RESOURCE_NOT_READY",
                "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", "resourceInUseByAnotherResource",
            ])
        add(.credentials, ["authError", "UNAUTHENTICATED", "expired", "ACCESS_TOKEN_EXPIRED"])
        add(
            .permission,
            [
                "forbidden", "PERMISSION_DENIED", "insufficientPermissions", "PERMISSIONS_ERROR",
                "accessNotConfigured", "SERVICE_DISABLED", "billingNotEnabled",
                "BILLING_DISABLED", "accountDisabled", "SERVICE_ACCOUNT_ACCESS_DENIED",
            ])
        add(
            .quota,
            [
                "QUOTA_EXCEEDED", "quotaExceeded", "limitExceeded", "dailyLimitExceeded",
                "RESOURCE_QUOTA_EXCEEDED",
            ])
        add(
            .wrong(""),
            [
                "invalid", "badRequest", "invalidParameter", "INVALID_FIELD_VALUE",
                "INVALID_ARGUMENT", "INVALID_USAGE", "parseError", "conditionNotMet",
                "CONDITION_NOT_MET",
            ])
        return CloudErrorTable("Google", classes)
    }()

    /// What in a sentence about something wrong or missing names a setting.
    private static let settings = [
        ("/images/", "/image"), ("sourceImage", "/image"), ("/machineTypes/", "/machine-types"),
        ("machineType", "/machine-types"), ("/subnetworks/", "/subnetwork"),
        ("subnetwork", "/subnetwork"), ("/networks/", "/network"), ("network", "/network"),
        ("serviceAccount", "/service-account"), ("service account", "/service-account"),
        ("diskSizeGb", "/disk-gb"), ("labels", "/labels"), ("/zones/", "/zones"),
        ("project", "/project"),
    ]

    /// What the host is told; `nil` for an answer that is no refusal.
    static func refusal(_ answer: HTTPAnswer) -> PluginError? {
        guard answer.status >= 400 else { return nil }
        let error = answer.json?["error"]
        let code =
            error?["errors"]?[0]?["reason"]?.stringValue ?? error?["status"]?.stringValue ?? ""
        return self.error(code, error?["message"]?.stringValue ?? "", answer)
    }

    /// What is wrong with an operation that has ended; `nil` if nothing is.
    static func refusal(ofOperation operation: JSON) -> PluginError? {
        guard let first = operation["error"]?["errors"]?[0] else { return nil }
        let status = operation["httpErrorStatusCode"]?.integerValue.map(Int.init) ?? 400
        return error(
            first["code"]?.stringValue ?? "", first["message"]?.stringValue ?? "",
            HTTPAnswer(status: status))
    }

    private static func error(_ code: String, _ said: String, _ answer: HTTPAnswer) -> PluginError {
        if code == "alreadyExists" || code == "RESOURCE_ALREADY_EXISTS" {
            return PluginError(
                .exists, reason: "request.\(code)", "there is such an instance already: \(said)")
        }
        let isMissing =
            ["notFound", "RESOURCE_NOT_FOUND", "EXTERNAL_RESOURCE_NOT_FOUND"].contains(code)
            || answer.status == 404
        let meaning = table.meaning(of: code, status: answer.status)
        // An instance that is missing is a matter of its own; all else is a setting's.
        if isMissing, said.contains("/instances/") || said.contains("/operations/") {
            return table.error(.missing, code, said)
        }
        // A rule of the organisation is no setting of ours: somebody has to allow it.
        if meaning == .wrong(""), said.contains("constraints/") {
            return table.error(.permission, code, said)
        }
        if isMissing || meaning == .wrong("") {
            let pointer = settings.first { said.contains($0.0) }?.1 ?? ""
            return table.error(.wrong(pointer), code, said)
        }
        return table.error(code, said, answer)
    }
}
