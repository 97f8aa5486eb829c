import CFanfoldSystem
import CPluginABI
import FanfoldJSON

/// Checks of asynchronous calls, whatever they do: they end, once, and in time.
enum CallChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "exactly-once", subject: .instance,
            summary:
                "Every call is completed once, whatever the cloud does and whenever it is cancelled.",
            consequence: "A call would never end, or its second answer be taken for another's.",
            timeout: 60, body: exactlyOnce),
        CheckCase(
            name: "cancel-everywhere", subject: .instance,
            summary: "A call that is cancelled at any place is completed within a second.",
            consequence: "A cancelled run would hang until the plugin is killed.", timeout: 120,
            body: cancelEverywhere),
        CheckCase(
            name: "deadline", subject: .instance,
            summary: "A call whose deadline passes is completed within a second of it.",
            consequence: "A call to a cloud that does not answer would hold up its run.",
            timeout: 60, body: deadline),
        CheckCase(
            name: "answer-release", subject: .instance,
            summary: "What the host hands over in answers is released exactly once.",
            consequence: "The host's memory would grow with every request, or be used after it "
                + "is given back.", timeout: 60, body: release),
        CheckCase(
            name: "back-pressure", subject: .instance,
            summary: "A host that takes one emit of ten gets all of them, and nothing piles up.",
            consequence: "A busy host would miss offerings, or lose the call.", timeout: 60,
            body: backPressure),
    ]

    /// Of so many emits, one is taken.
    private static let busyHost = 10
    /// What a call may keep while the host is busy, in bytes.
    private static let maximumKept = 8 << 20

    /// A host that is busy gets what it is told, later, and nothing piles up meanwhile.
    private static func backPressure(_ context: CheckContext) throws -> CheckOutcome {
        for scenario in try CallScenario.all(context) {
            func emitted(_ every: Int) throws -> [String]? {
                let call = try scenario.prepare()
                call.cloud.offerings += (0..<3 * FakeCloud.pageSize).map {
                    .init(id: "here-a/kind-\($0)/on-demand")
                }
                call.calls.host.takesEmit = every
                let before = Int(fanfold_allocated_bytes())
                let record = call.start(0)
                let answer = try call.calls.answer(record)
                guard answer.isSuccess else {
                    // Of another cloud than the fake one, which nobody can ask here.
                    if every == 1, answer.code == FAN_UNAVAILABLE { return nil }
                    throw CheckStop.failed(
                        "\(scenario.name) fails because the host is busy: \(answer.brief)")
                }
                let kept = Int(fanfold_allocated_bytes()) - before
                guard kept <= maximumKept else {
                    throw CheckStop.failed(
                        "\(scenario.name) keeps \(kept >> 20) MiB while the host is busy")
                }
                return record.emitted.map(\.text)
            }
            guard let free = try emitted(1) else { continue }
            let busy = try emitted(busyHost) ?? []
            // Progress may be left out; rows and pages may not.
            guard busy == free || scenario.name != "offerings" else {
                throw CheckStop.failed(
                    "a busy host gets \(busy.count) pages of offerings, a free one \(free.count)")
            }
        }
        return .passed()
    }

    /// What a cloud may do to a request.
    private static let faults: [(name: String, kind: CloudFault.Kind?)] = [
        ("", nil), (" when the cloud answers 500", .reply(.error(500, "InternalError"))),
        (" when the connection breaks", .reply(.broken)),
        (" when half of the answer comes", .garbled),
        (" when the cloud answers 403", .reply(.error(403, "Forbidden"))),
    ]
    private static let paths = [
        "/v1/whoami", "/v1/offerings", "/v1/launch", "/v1/workers", "/v1/terminate",
    ]

    private static func each(
        _ context: CheckContext,
        _ body: (_ name: String, _ call: PreparedCall) throws -> Void
    ) throws {
        for scenario in try CallScenario.all(context) {
            for fault in faults {
                let call = try scenario.prepare()
                if let kind = fault.kind {
                    call.cloud.faults = paths.map { CloudFault(path: $0, kind: kind) }
                }
                try body(scenario.name + fault.name, call)
            }
        }
    }

    private static func exactlyOnce(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        try each(context) { name, call in
            let record = call.start(0)
            _ = call.world.run { call.calls.host.isAnswered(record) }
            try settle(call, record, name)
            count += 1
        }
        for scenario in try CallScenario.all(context) {
            let call = try scenario.prepare()
            let record = call.start(0)
            call.calls.cancel(record)
            _ = call.world.run { call.calls.host.isAnswered(record) }
            try settle(call, record, scenario.name + " when it is cancelled")
            count += 1
        }
        return .passed("\(count) calls")
    }

    /// Lets an hour pass, ends the instance, and lets another pass.
    private static func settle(
        _ call: PreparedCall, _ record: CallRecord, _ name: String
    ) throws {
        let hour: UInt64 = 3_600_000_000_000
        call.world.pass(hour)
        let answers = record.answers.count
        call.calls.destroy()
        guard call.world.joinAll() else {
            throw CheckStop.failed("\(name): a thread works on after destroy")
        }
        call.world.pass(hour)
        guard answers >= 1 else {
            throw CheckStop.failed("\(name) is never completed")
        }
        if let fault = call.calls.host.faults.first {
            throw CheckStop.failed("\(name): \(fault)")
        }
    }

    private static func cancelEverywhere(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        for scenario in try CallScenario.all(context) {
            let whole = try scenario.prepare()
            let before = whole.calls.host.stepCount
            _ = try whole.calls.answer(whole.start(0))
            let steps = min(whole.calls.host.stepCount - before, maximumPlaces)
            try cancelled(scenario, "before it begins") { $0.calls.beginsCancelled = true }
            for step in 0..<steps {
                try cancelled(scenario, "at step \(step + 1)") {
                    $0.calls.cancel(atStep: $0.calls.host.stepCount + step + 1)
                }
            }
            let late = try scenario.prepare()
            let record = late.start(0)
            _ = try late.calls.answer(record)
            let answers = record.answers.count
            late.calls.cancel(record)
            late.world.pass(CallDriver.promptness)
            guard record.answers.count == answers else {
                throw CheckStop.failed(
                    "\(scenario.name) is completed again when it is cancelled after its end")
            }
            count += steps + 2
        }
        return .passed("\(count) places")
    }

    /// Places at which one call is cancelled, at most.
    private static let maximumPlaces = 200

    private static func cancelled(
        _ scenario: CallScenario, _ place: String, _ arrange: (PreparedCall) -> Void
    ) throws {
        let call = try scenario.prepare()
        arrange(call)
        let record = call.start(0)
        CheckTrace.phase("in \(scenario.name), cancelled \(place)")
        let host = call.calls.host
        guard call.world.run(until: { host.isAnswered(record) }),
            let answer = record.answers.first
        else {
            throw CheckStop.failed("\(scenario.name), cancelled \(place), is never completed")
        }
        let late = answer.time - min(answer.time, record.cancelledAt ?? answer.time)
        guard late <= CallDriver.promptness else {
            throw CheckStop.failed(
                "\(scenario.name), cancelled \(place), is completed \(late / 1_000_000) ms later; "
                    + "wanted within \(CallDriver.promptness / 1_000_000)")
        }
    }

    private static func deadline(_ context: CheckContext) throws -> CheckOutcome {
        let second: UInt64 = 1_000_000_000
        for scenario in try CallScenario.all(context) {
            for (name, reply, seconds) in [
                ("a cloud that says nothing", CloudReply.silence, UInt64(5)),
                (
                    "a cloud that is busy", .error(429, "Throttled", headers: ["retry-after": "1"]),
                    5
                ),
                ("a deadline that is over", .silence, 0),
            ] {
                let call = try scenario.prepare()
                call.cloud.faults = paths.map { CloudFault(path: $0, kind: .reply(reply)) }
                let end = call.world.now + seconds * second
                let record = call.start(end)
                let answer = try call.calls.answer(record)
                guard answer.time <= end + CallDriver.promptness else {
                    throw CheckStop.failed(
                        "\(scenario.name) with \(name) ends \((answer.time - end) / 1_000_000) ms "
                            + "after its deadline; wanted within 1000")
                }
            }
        }
        return .passed()
    }

    private static func release(_ context: CheckContext) throws -> CheckOutcome {
        try each(context) { name, call in
            let record = call.start(0)
            _ = call.world.run { call.calls.host.isAnswered(record) }
            call.world.pass(1_000_000_000)
            call.calls.destroy()
            if let fault = call.calls.host.releaseFaults.first {
                throw CheckStop.failed("\(name): \(fault)")
            }
        }
        return .passed()
    }
}
