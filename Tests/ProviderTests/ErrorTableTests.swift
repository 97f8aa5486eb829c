import AWSLogic
import FanfoldJSON
import PluginKit
import Testing

/// What each recorded error must become: (status, code, number, retry, reason).
typealias RecordedError = (status: Int, code: String, number: Int32, retry: UInt32, reason: String)

@Suite struct `Errors of clouds become their classes` {
    /// Later, elsewhere, renewed and never, by the numbers of the contract.
    static let (never, later, elsewhere, renewed) = (UInt32(0), UInt32(1), UInt32(2), UInt32(3))

    static let aws: [RecordedError] = [
        (500, "InsufficientInstanceCapacity", 8, elsewhere, "capacity."),
        (400, "InsufficientFreeAddressesInSubnet", 8, elsewhere, "capacity."),
        (400, "SpotMaxPriceTooLow", 8, elsewhere, "capacity."),
        (400, "Unsupported", 8, elsewhere, "capacity."),
        (400, "InsufficientReservedInstanceCapacity", 8, elsewhere, "capacity."),
        (503, "RequestLimitExceeded", 8, later, "throttled."),
        (400, "Throttling", 8, later, "throttled."),
        (400, "ThrottlingException", 8, later, "throttled."),
        (503, "EC2ThrottledException", 8, later, "throttled."),
        (500, "InternalError", 14, later, "cloud."),
        (503, "Unavailable", 14, later, "cloud."),
        (503, "ServiceUnavailable", 14, later, "cloud."),
        (502, "", 14, later, "cloud.502"),
        (400, "RequestExpired", 16, renewed, "credentials."),
        (400, "ExpiredToken", 16, renewed, "credentials."),
        (401, "AuthFailure", 16, renewed, "credentials."),
        (403, "InvalidClientTokenId", 16, renewed, "credentials."),
        (403, "SignatureDoesNotMatch", 16, renewed, "credentials."),
        (403, "MissingAuthenticationToken", 16, renewed, "credentials."),
        (403, "UnauthorizedOperation", 7, renewed, "permission."),
        (403, "AccessDenied", 7, renewed, "permission."),
        (401, "OptInRequired", 7, renewed, "permission."),
        (400, "VcpuLimitExceeded", 8, renewed, "quota."),
        (400, "InstanceLimitExceeded", 8, renewed, "quota."),
        (400, "MaxSpotInstanceCountExceeded", 8, renewed, "quota."),
        (400, "InvalidAMIID.NotFound", 3, never, "config./image"),
        (400, "InvalidAMIID.Malformed", 3, never, "config./image"),
        (400, "InvalidSubnetID.NotFound", 3, never, "config./subnets"),
        (400, "InvalidGroup.NotFound", 3, never, "config./security-groups"),
        (400, "InvalidKeyPair.NotFound", 3, never, "config./key-name"),
        (400, "InvalidInstanceType", 3, never, "config./instance-types"),
        (400, "InvalidParameterValue", 3, never, "request."),
        (400, "InvalidParameterCombination", 3, never, "request."),
        (400, "MissingParameter", 3, never, "request."),
        (400, "IdempotentParameterMismatch", 6, never, "request."),
        (400, "SomethingOfTomorrow", 3, never, "request."),
    ]

    private static let launch: JSON = [
        "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
        "offerings": ["us-east-1a/m5.large/spot"], "count": ["min": 1, "max": 1],
        "boot": "", "tags": ["owner": "me"], "expires": "",
    ]

    @Test(arguments: aws.indices)
    func `of AWS`(_ index: Int) throws {
        let row = Self.aws[index]
        let cloud = try ScriptedCloud(AWSProvider.self, ["image": "ami-1"]) { request in
            guard request.form["Action"] == "RunInstances" else {
                return .init(status: 200, body: "<DescribeInstancesResponse/>")
            }
            return .init(
                status: row.status,
                body: row.code.isEmpty
                    ? "<html>"
                    : "<Response><Errors><Error><Code>\(row.code)</Code><Message>m</Message>"
                        + "</Error></Errors></Response>")
        }
        let outcome = cloud.call("launch", Self.launch)
        // Sold out everywhere is said in the walk's own words, of the same class.
        #expect(outcome.code == row.number, "\(row.code): \(outcome.message)")
        #expect(outcome.retry == row.retry, "\(row.code): \(outcome.message)")
        if row.retry != Self.elsewhere {
            #expect(outcome.reason.hasPrefix(row.reason), "\(outcome.reason)")
        }
    }
}
