import FanfoldJSON
import PluginKit
import Testing

@testable import GCPLogic

extension `Errors of clouds become their classes` {
    /// What Google said, and what it must become.
    struct GoogleError {
        var status: Int
        var code: String
        var said: String
        var number: Int32
        var retry: UInt32
        var reason: String

        init(
            _ status: Int, _ code: String, _ number: Int32, _ retry: UInt32, _ reason: String
        ) {
            self.init(status, code, "said", number, retry, reason)
        }

        init(
            _ status: Int, _ code: String, _ said: String, _ number: Int32, _ retry: UInt32,
            _ reason: String
        ) {
            self.status = status
            self.code = code
            self.said = said
            self.number = number
            self.retry = retry
            self.reason = reason
        }
    }

    /// Reasons of refused requests.
    ///
    /// Source: Compute Engine's troubleshooting pages, Google's clients and public bug reports.
    static let gcpRequests: [GoogleError] = [
        .init(503, "insufficientCapacity", 8, elsewhere, "capacity."),
        .init(403, "rateLimitExceeded", "Rate Limit Exceeded", 8, later, "throttled."),
        .init(403, "userRateLimitExceeded", 8, later, "throttled."),
        .init(403, "concurrentLimitExceeded", 8, later, "throttled."),
        .init(429, "rateLimitExceeded", 8, later, "throttled."),
        .init(429, "RATE_LIMIT_EXCEEDED", 8, later, "throttled."),
        .init(429, "RESOURCE_EXHAUSTED", 8, later, "throttled."),
        .init(403, "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED", 8, later, "throttled."),
        .init(500, "internalError", 14, later, "cloud."),
        .init(500, "backendError", 14, later, "cloud."),
        .init(503, "backendError", 14, later, "cloud."),
        .init(503, "serviceUnavailable", 14, later, "cloud."),
        .init(503, "UNAVAILABLE", 14, later, "cloud."),
        .init(502, "", 14, later, "cloud.502"),
        .init(
            400, "resourceNotReady", "The resource 'projects/p/global/networks/n' is not ready", 14,
            later, "cloud."),
        .init(400, "resourceInUseByAnotherResource", 14, later, "cloud."),
        .init(401, "authError", "Invalid Credentials", 16, renewed, "credentials."),
        .init(401, "UNAUTHENTICATED", 16, renewed, "credentials."),
        .init(401, "expired", 16, renewed, "credentials."),
        .init(401, "ACCESS_TOKEN_EXPIRED", 16, renewed, "credentials."),
        .init(401, "required", "Login Required.", 16, renewed, "credentials."),
        .init(
            403, "forbidden", "Required 'compute.instances.create' permission for 'projects/p/…'",
            7, renewed, "permission."),
        .init(403, "PERMISSION_DENIED", 7, renewed, "permission."),
        .init(403, "insufficientPermissions", 7, renewed, "permission."),
        .init(
            403, "accessNotConfigured", "Compute Engine API has not been used in project 1 before",
            7, renewed, "permission."),
        .init(403, "SERVICE_DISABLED", 7, renewed, "permission."),
        .init(403, "billingNotEnabled", 7, renewed, "permission."),
        .init(403, "BILLING_DISABLED", 7, renewed, "permission."),
        .init(403, "accountDisabled", 7, renewed, "permission."),
        .init(
            412, "conditionNotMet",
            "Constraint constraints/compute.vmExternalIpAccess violated for project 1", 7, renewed,
            "permission."),
        .init(403, "quotaExceeded", "Quota 'CPUS' exceeded. Limit: 24.0", 8, renewed, "quota."),
        .init(403, "limitExceeded", 8, renewed, "quota."),
        .init(403, "dailyLimitExceeded", 8, renewed, "quota."),
        .init(403, "RESOURCE_QUOTA_EXCEEDED", 8, renewed, "quota."),
        .init(
            400, "invalid", "Invalid value for field 'resource.machineType': 'zones/z/…'", 3, never,
            "config./machine-types"),
        .init(
            400, "invalid",
            "Invalid value for field 'resource.disks[0].initializeParams.sourceImage': 'x'", 3,
            never, "config./image"),
        .init(
            400, "invalid",
            "Invalid value for field 'resource.disks[0].initializeParams.diskSizeGb': '1'", 3,
            never, "config./disk-gb"),
        .init(
            400, "invalid", "Invalid value for field 'resource.networkInterfaces[0].subnetwork'", 3,
            never, "config./subnetwork"),
        .init(
            400, "invalid", "Invalid value for field 'resource.labels': 'X'", 3, never,
            "config./labels"),
        .init(
            400, "invalid", "Invalid value for field 'resource.serviceAccounts[0].email'", 3, never,
            "config./service-account"),
        .init(400, "badRequest", 3, never, "request."),
        .init(400, "invalidParameter", 3, never, "request."),
        .init(400, "INVALID_ARGUMENT", 3, never, "request."),
        .init(400, "parseError", "Parse Error", 3, never, "request."),
        .init(400, "somethingOfTomorrow", 3, never, "request."),
        .init(
            404, "notFound", "The resource 'projects/x/global/images/y' was not found", 3, never,
            "config./image"),
        .init(
            404, "notFound", "The resource 'projects/p/zones/z/machineTypes/e9' was not found", 3,
            never, "config./machine-types"),
        .init(
            404, "notFound", "The resource 'projects/p/zones/mars-a' was not found", 3, never,
            "config./zones"),
        .init(
            404, "notFound", "The resource 'projects/p/regions/r/subnetworks/s' was not found", 3,
            never, "config./subnetwork"),
        .init(
            404, "notFound", "The resource 'projects/p/global/networks/n' was not found", 3, never,
            "config./network"),
        .init(
            404, "notFound", "The resource 'projects/nowhere' was not found", 3, never,
            "config./project"),
        .init(
            404, "notFound", "The resource 'projects/p/zones/z/instances/i' was not found", 5,
            never, "missing."),
    ]

    /// Codes inside operations that have ended, where a launch says why it failed.
    static let gcpOperations: [GoogleError] = [
        .init(503, "ZONE_RESOURCE_POOL_EXHAUSTED", 8, elsewhere, "capacity."),
        .init(503, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", 8, elsewhere, "capacity."),
        .init(503, "REGION_RESOURCE_POOL_EXHAUSTED", 8, elsewhere, "capacity."),
        .init(503, "RESOURCE_POOL_EXHAUSTED", 8, elsewhere, "capacity."),
        .init(400, "UNSUPPORTED_OPERATION", 8, elsewhere, "capacity."),
        .init(400, "IP_SPACE_EXHAUSTED", 8, elsewhere, "capacity."),
        .init(400, "IP_SPACE_EXHAUSTED_WITH_DETAILS", 8, elsewhere, "capacity."),
        .init(403, "RESOURCE_OPERATION_RATE_EXCEEDED", 8, later, "throttled."),
        .init(500, "INTERNAL_ERROR", 14, later, "cloud."),
        .init(503, "SERVICE_UNAVAILABLE", 14, later, "cloud."),
        .init(400, "RESOURCE_NOT_READY", 14, later, "cloud."),
        .init(400, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", 14, later, "cloud."),
        .init(403, "PERMISSIONS_ERROR", 7, renewed, "permission."),
        .init(400, "SERVICE_ACCOUNT_ACCESS_DENIED", 7, renewed, "permission."),
        .init(
            412, "CONDITION_NOT_MET",
            "Instance 'i' creation failed: Constraint constraints/compute.trustedImageProjects", 7,
            renewed, "permission."),
        .init(403, "QUOTA_EXCEEDED", "Quota 'GPUS_ALL_REGIONS' exceeded", 8, renewed, "quota."),
        .init(412, "CONDITION_NOT_MET", "Invalid reservation", 3, never, "request."),
        .init(400, "INVALID_USAGE", 3, never, "request."),
        .init(
            400, "INVALID_FIELD_VALUE", "Invalid value for field 'resource.machineType'", 3, never,
            "config./machine-types"),
        .init(
            404, "RESOURCE_NOT_FOUND", "The resource 'projects/x/global/images/y' was not found", 3,
            never, "config./image"),
        .init(
            404, "EXTERNAL_RESOURCE_NOT_FOUND",
            "The resource 'a@p.iam.gserviceaccount.com' of type 'serviceAccount' was not found.", 3,
            never, "config./service-account"),
    ]

    private static func launch(_ reply: ScriptedCloud.Reply) throws -> ScriptedCloud.Outcome {
        let cloud = try ScriptedCloud(GCPProvider.self, ["project": "p", "secret": "s"]) {
            $0.method == "POST" ? reply : .init(status: 200, body: "{}")
        }
        return cloud.call(
            "launch",
            [
                "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
                "offerings": ["us-central1-a/e2-standard-4/spot"], "count": ["min": 1, "max": 1],
                "boot": "", "tags": ["owner": "me"], "expires": "",
            ])
    }

    private static func expect(_ outcome: ScriptedCloud.Outcome, _ row: GoogleError) {
        #expect(outcome.code == row.number, "\(row.code): \(outcome.message)")
        #expect(outcome.retry == row.retry, "\(row.code): \(outcome.message)")
        // Sold out everywhere is said in the walk's own words, of the same class.
        if row.retry != elsewhere {
            #expect(outcome.reason.hasPrefix(row.reason), "\(row.code): \(outcome.reason)")
        }
    }

    @Test(arguments: gcpRequests.indices)
    func `of Google's requests`(_ index: Int) throws {
        let row = Self.gcpRequests[index]
        let error: JSON = [
            "code": .integer(Int64(row.status)), "message": .string(row.said),
            "errors": [["domain": "global", "reason": .string(row.code)]],
        ]
        let body = row.code.isEmpty ? "<html>" : JSON.object(JSONObject([("error", error)])).text
        Self.expect(try Self.launch(.init(status: row.status, body: body)), row)
        // Newer services say the status and no list of errors.
        guard row.code.allSatisfy({ $0.isUppercase || $0 == "_" }), !row.code.isEmpty else {
            return
        }
        let newer: JSON = [
            "error": ["message": .string(row.said), "status": .string(row.code)]
        ]
        Self.expect(try Self.launch(.init(status: row.status, body: newer.text)), row)
    }

    @Test(arguments: gcpOperations.indices)
    func `of Google's operations`(_ index: Int) throws {
        let row = Self.gcpOperations[index]
        let operation: JSON = [
            "name": "o", "status": "DONE", "httpErrorStatusCode": .integer(Int64(row.status)),
            "error": ["errors": [["code": .string(row.code), "message": .string(row.said)]]],
        ]
        Self.expect(try Self.launch(.init(status: 200, body: operation.text)), row)
    }

    @Test func `every code of Google that the provider knows is recorded`() {
        let recorded = Set((Self.gcpRequests + Self.gcpOperations).map(\.code))
        #expect(Set(GCPErrors.table.classes.keys).subtracting(recorded).sorted() == [])
    }

    @Test(arguments: ["alreadyExists", "RESOURCE_ALREADY_EXISTS"])
    func `an instance that is there already is one of an earlier try`(_ code: String) throws {
        let refused: JSON = ["error": ["errors": [["reason": .string(code)]], "message": "m"]]
        #expect(try Self.launch(.init(status: 409, body: refused.text)).code == 0)
        let operation: JSON = [
            "name": "o", "status": "DONE", "httpErrorStatusCode": 409,
            "error": ["errors": [["code": .string(code), "message": "m"]]],
        ]
        #expect(try Self.launch(.init(status: 200, body: operation.text)).code == 0)
    }
}
