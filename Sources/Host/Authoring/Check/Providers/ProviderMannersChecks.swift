import CFanfoldSystem
import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of what a provider shows and touches.
enum ProviderMannersChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "no-secret-leak", subject: .instance,
            summary: "No secret is in the log, an error, an answer, a URL or a request.",
            consequence: "Secrets would be read in logs, in the journal, or on a worker.",
            body: secrets),
        CheckCase(
            name: "http-only-via-host", subject: .instance,
            summary: "It opens no socket and starts no program.",
            consequence: "Its requests would pass by the host's proxy, limits, allow-list and "
                + "signing.", body: network),
    ]

    /// Variables in which clouds' own tools look for credentials.
    private static let variables = [
        "FAKE_SECRET", "FAKE_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        "GOOGLE_OAUTH_ACCESS_TOKEN", "DOCKER_AUTH_CONFIG", "SLURM_JWT", "API_KEY",
    ]
    /// The one-time token in the boot data, which is a worker's business only.
    private static let joinToken = "fanfold-join-token"

    private static func secrets(_ context: CheckContext) throws -> CheckOutcome {
        var random = SeededGenerator(seed: context.seed ^ 0x5EC2_E700)
        let canary = "canary-" + String(random.next(), radix: 16)
        for variable in variables { setenv(variable, canary, 1) }
        return try ProviderRig.each(context) { rig in
            let planted = plant(canary, rig)
            for reply: CloudReply? in [nil, .error(403, "Forbidden"), .error(503, "Unavailable")] {
                try tour(planted, reply, canary)
            }
        }
    }

    /// The same provider, with the canary in every field that its schema calls secret.
    private static func plant(_ canary: String, _ rig: ProviderRig) -> ProviderRig {
        var configuration = rig.configuration.objectValue ?? JSONObject()
        let properties = rig.component.descriptor.configSchema?["properties"]?.objectValue
        for (key, property) in properties?.members ?? []
        where property["writeOnly"]?.boolValue == true {
            configuration[key] = .string(canary)
        }
        return ProviderRig(rig.context, rig.component, .object(configuration))
    }

    private static func tour(_ rig: ProviderRig, _ reply: CloudReply?, _ canary: String) throws {
        let cloud = ProviderRig(rig.context, rig.component, rig.configuration)
        if let reply {
            cloud.cloud.faults = ["/v1/launch", "/v1/workers", "/v1/terminate", "/v1/offerings"]
                .map { CloudFault(path: $0, kind: .reply(reply)) }
        }
        let provider = try cloud.provider()
        let request = ProviderDriver.request(
            cloud.token(1), offerings: ["here-a/small/on-demand"], max: 2)
        var shown: [(place: String, text: String)] = []
        for (call, document) in documents(request) {
            let record = provider.begin(call, document)
            let answer = try provider.calls.answer(record)
            shown.append(("the error of \(call.rawValue)", answer.reason + " " + answer.message))
            for said in record.emitted + [answer] {
                shown.append(("what \(call.rawValue) answers", said.text))
            }
        }
        provider.calls.destroy()
        shown += provider.calls.host.logs.map { ("the log", $0) }
        shown += cloud.cloud.requests.map { ("a URL", $0.url) }
        for secret in [canary, joinToken] {
            if let place = shown.first(where: { $0.text.contains(secret) })?.place {
                throw CheckStop.failed(
                    (secret == canary ? "a secret" : "the join token of the boot data")
                        + " is in \(place)")
            }
        }
        for request in cloud.cloud.requests where request.text.contains(canary) {
            throw CheckStop.failed("a secret is in the body of a request to \(request.path)")
        }
    }

    private static func documents(_ request: JSON) -> [(ProviderDriver.Call, JSON)] {
        [
            (.check, [:]), (.offerings, [:]), (.launch, request),
            (.describe, ["owner": "check-1"]), (.describe, ["ids": ["w-000001"]]),
            (.terminate, ["ids": ["w-000001", "w-000002"]]),
        ]
    }

    private static func network(_ context: CheckContext) throws -> CheckOutcome {
        var instances: [(ProviderRig, ProviderDriver)] = []
        _ = try ProviderRig.each(context) { rig in instances.append((rig, try rig.provider())) }
        let code = fanfold_network_filter_install()
        guard code == 0 else {
            throw CheckStop.skipped(
                "this kernel takes no seccomp filter: \(String(cString: strerror(code)))")
        }
        for (rig, provider) in instances {
            let request = ProviderDriver.request(
                rig.token(1), offerings: ["here-a/small/on-demand"], max: 2)
            let other = try rig.provider()
            for (call, document) in documents(request) {
                _ = try provider.answer(call, document)
                var first: Int32 = 0
                guard fanfold_network_filter_count(&first) == 0 else {
                    throw CheckStop.failed("\(call.rawValue) \(deed(first)); use fanfold.http/1")
                }
            }
            other.calls.destroy()
            provider.calls.destroy()
        }
        var first: Int32 = 0
        guard fanfold_network_filter_count(&first) == 0 else {
            throw CheckStop.failed("create or destroy \(deed(first)); use fanfold.http/1")
        }
        return .passed()
    }

    private static func deed(_ event: Int32) -> String {
        switch event {
        case Int32(FANFOLD_FILTER_PROGRAM.rawValue): "starts a program"
        case Int32(FANFOLD_FILTER_RING.rawValue): "sets up io_uring"
        default: "opens a socket"
        }
    }
}
