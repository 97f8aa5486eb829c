import PluginClouds

/// What the error codes of EC2 and its neighbours mean.
///
/// Source: Amazon EC2 API Reference, Error codes for the Amazon EC2 API; Systems Manager and Service
/// Quotas API References, Common errors.
let awsErrors: CloudErrorTable = {
    var classes: [String: CloudErrorClass] = [:]
    func add(_ meaning: CloudErrorClass, _ codes: [String]) {
        for code in codes { classes[code] = meaning }
    }
    add(
        .capacity,
        [
            "InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacity",
            "InsufficientReservedInstanceCapacity", "InsufficientFreeAddressesInSubnet",
            "InsufficientAddressCapacity", "InsufficientVolumeCapacity", "SpotMaxPriceTooLow",
            "UnfulfillableCapacity", "Unsupported", "ReservationCapacityExceeded",
            "VolumeTypeNotAvailableInZone",
        ])
    add(
        .throttled,
        [
            "RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled",
            "EC2ThrottledException", "TooManyRequestsException", "ConcurrentTagAccess",
        ])
    add(
        .unavailable,
        [
            "InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable",
            "Unavailable", "ServerInternal", "ServiceException", "RequestTimeout",
            "RequestAbortedException",
        ])
    add(
        .credentials,
        [
            "AuthFailure", "RequestExpired", "ExpiredToken", "ExpiredTokenException",
            "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
            "InvalidSignatureException", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException", "IncompleteSignature",
        ])
    add(
        .permission,
        [
            "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "OptInRequired",
            "Blocked", "PendingVerification", "OperationNotPermitted", "InvalidKeyId",
            "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        ])
    add(
        .quota,
        [
            "InstanceLimitExceeded", "VcpuLimitExceeded", "MaxSpotInstanceCountExceeded",
            "VolumeLimitExceeded", "MaxIOPSLimitExceeded", "MaxFleetCountExceeded",
            "NetworkInterfaceLimitExceeded", "AttachmentLimitExceeded", "ResourceLimitExceeded",
            "HostLimitExceeded", "TagLimitExceeded", "MaxScheduledInstanceCapacityExceeded",
        ])
    add(.missing, ["InvalidInstanceID.NotFound", "InvalidInstanceID", "NoSuchResourceException"])
    classes.merge(awsSettings) { _, setting in setting }
    return CloudErrorTable("AWS", classes)
}()

/// Codes of a wrong request, with the setting that it comes from.
private let awsSettings: [String: CloudErrorClass] = [
    "InvalidAMIID.NotFound": .wrong("/image"), "InvalidAMIID.Malformed": .wrong("/image"),
    "InvalidAMIID.Unavailable": .wrong("/image"), "InvalidAMIName.Malformed": .wrong("/image"),
    "ParameterNotFound": .wrong("/image"), "ParameterVersionNotFound": .wrong("/image"),
    "InvalidInstanceType": .wrong("/instance-types"),
    "InvalidInstanceType.NotFound": .wrong("/instance-types"),
    "InstanceTypeNotSupported": .wrong("/instance-types"),
    "InvalidSubnetID.NotFound": .wrong("/subnets"),
    "InvalidSubnetID.Malformed": .wrong("/subnets"), "InvalidSubnet": .wrong("/subnets"),
    "InvalidGroup.NotFound": .wrong("/security-groups"),
    "InvalidGroupId.Malformed": .wrong("/security-groups"),
    "InvalidSecurityGroupID.NotFound": .wrong("/security-groups"),
    "InvalidSecurity": .wrong("/security-groups"),
    "InvalidSecurityRequestHasExpired": .credentials,
    "InvalidKeyPair.NotFound": .wrong("/key-name"),
    "InvalidKeyPair.Format": .wrong("/key-name"),
    "InvalidIamInstanceProfileArn.Malformed": .wrong("/instance-profile"),
    "InvalidZone.NotFound": .wrong("/zones"),
    "InvalidUserData.Malformed": .wrong(""), "InvalidUserData": .wrong(""),
    "InvalidParameter": .wrong(""), "InvalidParameterValue": .wrong(""),
    "InvalidParameterCombination": .wrong(""), "MissingParameter": .wrong(""),
    "UnknownParameter": .wrong(""), "InvalidAction": .wrong(""), "ValidationError": .wrong(""),
    "InvalidSpotPrice": .wrong("/spot-max-price"), "InvalidTagKey.Malformed": .wrong(""),
    "NoDefaultSubnet": .wrong("/subnets"), "VPCIdNotSpecified": .wrong("/subnets"),
    "DefaultSubnetDoesNotExist": .wrong("/subnets"), "MalformedQueryString": .wrong(""),
    "InvalidParameterDependency": .wrong(""), "InvalidBlockDeviceMapping": .wrong(""),
    "ResourceCountExceeded": .wrong(""),
]

/// The code of a launch token that came back with other parameters.
let awsMismatch = "IdempotentParameterMismatch"
