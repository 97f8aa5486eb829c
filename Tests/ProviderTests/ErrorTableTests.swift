import FanfoldJSON
import PluginKit
import Testing

@testable import AWSLogic

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
        (500, "InsufficientHostCapacity", 8, elsewhere, "capacity."),
        (500, "InsufficientCapacity", 8, elsewhere, "capacity."),
        (500, "InsufficientAddressCapacity", 8, elsewhere, "capacity."),
        (500, "InsufficientVolumeCapacity", 8, elsewhere, "capacity."),
        (500, "UnfulfillableCapacity", 8, elsewhere, "capacity."),
        (400, "ReservationCapacityExceeded", 8, elsewhere, "capacity."),
        (400, "VolumeTypeNotAvailableInZone", 8, elsewhere, "capacity."),
        (400, "RequestThrottled", 8, later, "throttled."),
        (400, "TooManyRequestsException", 8, later, "throttled."),
        (400, "ConcurrentTagAccess", 8, later, "throttled."),
        (500, "InternalFailure", 14, later, "cloud."),
        (500, "InternalServerError", 14, later, "cloud."),
        (500, "ServerInternal", 14, later, "cloud."),
        (500, "ServiceException", 14, later, "cloud."),
        (400, "RequestTimeout", 14, later, "cloud."),
        (400, "RequestAbortedException", 14, later, "cloud."),
        (403, "ExpiredTokenException", 16, renewed, "credentials."),
        (403, "UnrecognizedClientException", 16, renewed, "credentials."),
        (403, "InvalidSignatureException", 16, renewed, "credentials."),
        (403, "MissingAuthenticationTokenException", 16, renewed, "credentials."),
        (403, "IncompleteSignature", 16, renewed, "credentials."),
        (400, "InvalidSecurityRequestHasExpired", 16, renewed, "credentials."),
        (400, "AccessDeniedException", 7, renewed, "permission."),
        (400, "Blocked", 7, renewed, "permission."),
        (400, "PendingVerification", 7, renewed, "permission."),
        (400, "OperationNotPermitted", 7, renewed, "permission."),
        (400, "InvalidKeyId", 7, renewed, "permission."),
        (
            403, "AuthFailure.ServiceLinkedRoleCreationNotPermitted", 7, renewed, "permission."
        ),
        (400, "VolumeLimitExceeded", 8, renewed, "quota."),
        (400, "MaxIOPSLimitExceeded", 8, renewed, "quota."),
        (400, "MaxFleetCountExceeded", 8, renewed, "quota."),
        (400, "NetworkInterfaceLimitExceeded", 8, renewed, "quota."),
        (400, "AttachmentLimitExceeded", 8, renewed, "quota."),
        (400, "ResourceLimitExceeded", 8, renewed, "quota."),
        (400, "HostLimitExceeded", 8, renewed, "quota."),
        (400, "TagLimitExceeded", 8, renewed, "quota."),
        (400, "MaxScheduledInstanceCapacityExceeded", 8, renewed, "quota."),
        (400, "InvalidAMIID.Unavailable", 3, never, "config./image"),
        (400, "InvalidAMIName.Malformed", 3, never, "config./image"),
        (400, "ParameterNotFound", 3, never, "config./image"),
        (400, "ParameterVersionNotFound", 3, never, "config./image"),
        (400, "InvalidInstanceType.NotFound", 3, never, "config./instance-types"),
        (400, "InstanceTypeNotSupported", 3, never, "config./instance-types"),
        (400, "InvalidSubnetID.Malformed", 3, never, "config./subnets"),
        (400, "InvalidSubnet", 3, never, "config./subnets"),
        (400, "NoDefaultSubnet", 3, never, "config./subnets"),
        (400, "VPCIdNotSpecified", 3, never, "config./subnets"),
        (400, "DefaultSubnetDoesNotExist", 3, never, "config./subnets"),
        (400, "InvalidGroupId.Malformed", 3, never, "config./security-groups"),
        (400, "InvalidSecurityGroupID.NotFound", 3, never, "config./security-groups"),
        (400, "InvalidSecurity", 3, never, "config./security-groups"),
        (400, "InvalidKeyPair.Format", 3, never, "config./key-name"),
        (400, "InvalidIamInstanceProfileArn.Malformed", 3, never, "config./instance-profile"),
        (400, "InvalidZone.NotFound", 3, never, "config./zones"),
        (400, "InvalidSpotPrice", 3, never, "config./spot-max-price"),
        (400, "InvalidUserData.Malformed", 3, never, "request."),
        (400, "InvalidUserData", 3, never, "request."),
        (400, "InvalidParameter", 3, never, "request."),
        (400, "UnknownParameter", 3, never, "request."),
        (400, "InvalidAction", 3, never, "request."),
        (400, "ValidationError", 3, never, "request."),
        (400, "InvalidTagKey.Malformed", 3, never, "request."),
        (400, "MalformedQueryString", 3, never, "request."),
        (400, "InvalidParameterDependency", 3, never, "request."),
        (400, "InvalidBlockDeviceMapping", 3, never, "request."),
        (400, "ResourceCountExceeded", 3, never, "request."),
        (400, "InvalidInstanceID.NotFound", 5, never, "missing."),
        (400, "InvalidInstanceID", 5, never, "missing."),
        (400, "NoSuchResourceException", 5, never, "missing."),
        (400, "SomethingOfTomorrow", 3, never, "request."),
    ]

    private static let launch: JSON = [
        "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
        "offerings": ["us-east-1a/m5.large/spot"], "count": ["min": 1, "max": 1],
        "boot": "", "tags": ["owner": "me"], "expires": "",
    ]

    @Test func `every code of AWS that the provider knows is recorded`() {
        let recorded = Set(Self.aws.map(\.code))
        #expect(Set(awsErrors.classes.keys).subtracting(recorded).sorted() == [])
    }

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
