import CPluginABI
import FanfoldJSON

/// Checks of `launch`: what is rented is rented once, and what is not wanted is given back.
enum LaunchChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "launch-idempotent", subject: .instance,
            summary:
                "The same token gives the same workers, also at once, after a lost answer, and later.",
            consequence: "A lost answer would rent, and pay for, the same workers twice.",
            timeout: 60, body: idempotent),
        CheckCase(
            name: "token-per-offering", subject: .instance,
            summary:
                "What is sold out leads to the next offering, asked for with a token of its own.",
            consequence: "EC2 would answer IdempotentParameterMismatch. Derive the cloud's token: "
                + "uuid5(token, offering id)", body: tokenPerOffering),
        CheckCase(
            name: "partial-launch", subject: .instance,
            summary: "Fewer than max is a success; what is fewer than min is ended again.",
            consequence: "A run would wait for workers that never come, or pay for ones nobody "
                + "uses.", body: partial),
        CheckCase(
            name: "dead-man", subject: .instance,
            summary: "The boot data is handed on whole and says when the worker ends itself.",
            consequence: "Workers of a coordinator that is gone would cost money for ever.",
            body: deadMan),
        CheckCase(
            name: "adopt", subject: .instance,
            summary: "A fresh instance finds the workers of an owner and of a token.",
            consequence: "A new coordinator would not find what an old one left running.",
            body: adopt),
    ]

    private static let small = "here-a/small/on-demand"

    private static func idempotent(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let request = ProviderDriver.request(rig.token(1), offerings: [small], max: 3)
            let provider = try rig.provider()
            let first = try provider.launch(request).ids
            try same(rig, first, provider.launch(request).ids, "the same token again")
            try same(rig, first, rig.provider().launch(request).ids, "a fresh instance")
            rig.world.pass(3_600_000_000_000)
            try same(rig, first, provider.launch(request).ids, "the same token an hour later")
            let other = try provider.launch(
                ProviderDriver.request(rig.token(2), offerings: [small], max: 3)
            ).ids
            guard Set(other).isDisjoint(with: first), other.count == 3 else {
                throw CheckStop.failed("a new token gives workers of the old one")
            }
            try atOnce(ProviderRig(rig.context, rig.component, rig.configuration))
            try lostAnswer(ProviderRig(rig.context, rig.component, rig.configuration))
        }
    }

    private static func same(
        _ rig: ProviderRig, _ first: [String], _ again: [String], _ how: String
    ) throws {
        guard first == again, rig.cloud.living.count == first.count else {
            throw CheckStop.failed(
                "\(how) gives \(again.joined(separator: ", ")) after "
                    + "\(first.joined(separator: ", ")); the cloud has "
                    + "\(rig.cloud.living.count) workers, wanted \(first.count)")
        }
    }

    private static func atOnce(_ rig: ProviderRig) throws {
        let request = ProviderDriver.request(rig.token(3), offerings: [small], max: 2)
        let (left, right) = (try rig.provider(), try rig.provider())
        let (one, two) = (left.begin(.launch, request), right.begin(.launch, request))
        let answers = [try left.calls.answer(one), try right.calls.answer(two)]
        guard rig.cloud.living.count == 2 else {
            throw CheckStop.failed(
                "the same token twice at once makes \(rig.cloud.living.count) workers, wanted 2")
        }
        for answer in answers {
            guard try ProviderDriver.workers(answer, "launch").ids.count == 2 else {
                throw CheckStop.failed("the same token twice at once: \(answer.brief)")
            }
        }
    }

    /// The request took effect, and its answer got lost.
    private static func lostAnswer(_ rig: ProviderRig) throws {
        let request = ProviderDriver.request(rig.token(4), offerings: [small], max: 2)
        rig.cloud.faults = [CloudFault(path: "/v1/launch", kind: .brokenAfter, times: 1)]
        let provider = try rig.provider()
        _ = try provider.answer(.launch, request)
        let workers = try provider.launch(request)
        guard workers.count == 2, rig.cloud.living.count == 2 else {
            throw CheckStop.failed(
                "after a lost answer, the same token gives \(workers.count) workers and the cloud "
                    + "has \(rig.cloud.living.count); wanted 2")
        }
    }

    private static func tokenPerOffering(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            rig.cloud.offerings = [
                .init(id: "here-a/small/spot", capacity: 0), .init(id: "here-b/small/spot"),
            ]
            let token = rig.token(1)
            let answer = try rig.provider().answer(
                .launch,
                ProviderDriver.request(
                    token, offerings: ["here-a/small/spot", "here-b/small/spot"], max: 2))
            let tried = rig.cloud.launchRequests
            guard tried.count >= 2 else {
                throw CheckStop.failed(
                    "the first offering is sold out, and the second is not tried: \(answer.brief)")
            }
            guard tried[0].body["token"] != tried[1].body["token"] else {
                throw CheckStop.failed(
                    "the second offering is asked for with the cloud token of the first, "
                        + "\(tried[0].body["token"]?.text ?? "none")")
            }
            guard answer.isSuccess, rig.cloud.living.count == 2 else {
                throw CheckStop.failed("the second offering is not used: \(answer.brief)")
            }
        }
    }

    private static func partial(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            rig.cloud.offerings = [.init(id: small, capacity: 7)]
            let provider = try rig.provider()
            let enough = try provider.launch(
                ProviderDriver.request(rig.token(1), offerings: [small], min: 5, max: 10))
            guard enough.count == 7 else {
                throw CheckStop.failed(
                    "7 of 10 workers are there and min is 5: it answers \(enough.count), wanted 7")
            }
            let living = rig.cloud.living.count
            rig.cloud.offerings[0].capacity = 7
            let request = ProviderDriver.request(
                rig.token(2), offerings: [small], min: 8, max: 10)
            let answer = try provider.answer(.launch, request)
            guard !answer.isSuccess else {
                throw CheckStop.failed("7 of 10 workers are there and min is 8: it answers success")
            }
            guard answer.retry == UInt32(FAN_RETRY_ELSEWHERE) else {
                throw CheckStop.failed(
                    "7 of 10 workers are there and min is 8: wanted the retry class ELSEWHERE, "
                        + "found \(answer.brief)")
            }
            let left = rig.cloud.living.count - living
            guard left == 0 else {
                throw CheckStop.failed(
                    "7 of 10 workers are there and min is 8: \(left) are left running")
            }
        }
    }

    private static func deadMan(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let request = ProviderDriver.request(rig.token(1), offerings: [small], max: 1)
            _ = try rig.provider().launch(request)
            guard let boot = rig.cloud.launchRequests.last?.body["boot"]?.stringValue else {
                throw CheckStop.failed("the launch hands on no boot data")
            }
            guard boot.contains(ProviderDriver.expiry) else {
                throw CheckStop.failed(
                    "the boot data does not contain \"expires\", \(ProviderDriver.expiry)")
            }
            guard let asked = request["boot"]?.stringValue, boot.contains(asked) else {
                throw CheckStop.failed("the boot data is not handed on whole")
            }
        }
    }

    private static func adopt(_ context: CheckContext) throws -> CheckOutcome {
        try ProviderRig.eachFake(context) { rig in
            let token = rig.token(1)
            let first = try rig.provider()
            let mine = try first.launch(
                ProviderDriver.request(token, offerings: [small], max: 3))
            _ = try first.launch(
                ProviderDriver.request(
                    rig.token(2), offerings: [small], max: 2, owner: "check-2"))
            first.calls.destroy()
            rig.world.pass(2 * FakeCloud.lag)
            let fresh = try rig.provider()
            for query: JSON in [["owner": "check-1"], ["token": .string(token)]] {
                let found = try fresh.describe(query)
                guard found.ids == mine.ids else {
                    throw CheckStop.failed(
                        "a fresh instance asked for \(query.text) finds "
                            + "\(found.ids.joined(separator: ", ")); wanted "
                            + "\(mine.ids.joined(separator: ", ")). Tag every worker with the "
                            + "owner and the request's token")
                }
                for worker in found where worker["token"]?.stringValue != token {
                    throw CheckStop.failed(
                        "a worker found by \(query.text) has the token "
                            + "\(worker["token"]?.text ?? "none"), wanted that of the request")
                }
            }
        }
    }
}
