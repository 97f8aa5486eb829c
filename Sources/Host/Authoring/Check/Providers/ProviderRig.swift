import CPluginABI
import FanfoldJSON

/// A provider, the world it lives in and the cloud it rents from.
struct ProviderRig {
    let context: CheckContext
    let component: CheckedComponent
    let configuration: JSON
    let world = CallWorld()
    let cloud: FakeCloud

    init(_ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON) {
        self.context = context
        self.component = component
        self.configuration = configuration
        cloud = FakeCloud(world)
    }

    /// A fresh instance, which knows nothing of what others did.
    func provider() throws -> ProviderDriver {
        try ProviderDriver(component, configuration, world, cloud)
    }

    /// A token that follows from the seed and a number.
    func token(_ number: UInt64) -> String {
        var random = SeededGenerator(seed: context.seed &+ number)
        func hex(_ digits: Int) -> String {
            let text = String(random.next() | 1 << 63, radix: 16)
            return String(text.suffix(digits))
        }
        return "\(hex(8))-\(hex(4))-4\(hex(3))-8\(hex(3))-\(hex(12))"
    }

    /// Every provider, in a fresh world each.
    static func each(
        _ context: CheckContext, _ body: (ProviderRig) throws -> Void
    ) throws -> CheckOutcome {
        let providers = try context.loaded().components.filter { $0.descriptor.kind == .provider }
        guard !providers.isEmpty else { throw CheckStop.skipped("it has no provider") }
        for component in providers {
            guard let first = try component.configurations().first else { continue }
            try body(ProviderRig(context, component, first))
        }
        return .passed()
    }

    /// Every provider that speaks to the fake cloud.
    static func eachFake(
        _ context: CheckContext, _ body: (ProviderRig) throws -> Void
    ) throws -> CheckOutcome {
        try each(context) { rig in
            guard rig.isFake else {
                throw CheckStop.skipped(
                    "its schema does not say \"x-fanfold-cloud\": \"\(FakeCloud.protocolName)\", "
                        + "and no other cloud can be simulated here")
            }
            try body(rig)
        }
    }

    /// Whether it says that it speaks to the fake cloud.
    var isFake: Bool {
        component.descriptor.configSchema?["x-fanfold-cloud"]?.stringValue
            == FakeCloud.protocolName
    }
}

/// A provider's five calls.
final class ProviderDriver {
    /// The names of the calls, as the contract has them.
    enum Call: String, CaseIterable {
        case check
        case offerings
        case launch
        case describe
        case terminate
    }

    let calls: CallDriver
    private let table: UnsafePointer<fan_provider>

    init(
        _ component: CheckedComponent, _ configuration: JSON, _ world: CallWorld,
        _ cloud: FakeCloud
    ) throws {
        calls = try CallDriver(component, configuration, world, cloud)
        table = try calls.table("fanfold.provider/1", as: fan_provider.self)
    }

    /// Makes a call and does not wait.
    func begin(_ call: Call, _ document: JSON, deadline: UInt64 = 0) -> CallRecord {
        let view = document.lent
        return calls.begin(call.rawValue, deadline: deadline) { instance, circumstances in
            switch call {
            case .check: table.pointee.check(instance, circumstances)
            case .offerings: table.pointee.offerings(instance, circumstances, view)
            case .launch: table.pointee.launch(instance, circumstances, view)
            case .describe: table.pointee.describe(instance, circumstances, view)
            case .terminate: table.pointee.terminate(instance, circumstances, view)
            }
        }
    }

    /// Makes a call and waits for its answer.
    func answer(_ call: Call, _ document: JSON = [:]) throws -> CallAnswer {
        try calls.answer(begin(call, document))
    }

    /// Launches workers; an error fails the check.
    func launch(_ request: JSON) throws -> [JSON] {
        let answer = try answer(.launch, request)
        guard answer.isSuccess else {
            throw CheckStop.failed("launch fails: \(answer.brief)")
        }
        return try Self.workers(answer, "launch")
    }

    /// Describes workers; an error fails the check.
    func describe(_ query: JSON) throws -> [JSON] {
        let answer = try answer(.describe, query)
        guard answer.isSuccess else {
            throw CheckStop.failed("describe \(query.text) fails: \(answer.brief)")
        }
        return try Self.workers(answer, "describe")
    }

    /// The workers of an answer.
    static func workers(_ answer: CallAnswer, _ call: String) throws -> [JSON] {
        guard let workers = answer.json["workers"]?.arrayValue else {
            throw CheckStop.failed(
                "\(call) answers \(answer.text.prefix(200)); wanted {\"workers\":[…]}")
        }
        for worker in workers where worker["id"]?.stringValue == nil {
            throw CheckStop.failed(
                "\(call) lists a worker without \"id\": \(worker.text.prefix(200))")
        }
        return workers
    }

    /// A request of `launch` as the host writes it.
    static func request(
        _ token: String, offerings: [String], min: Int64 = 1, max: Int64, owner: String = "check-1"
    ) -> JSON {
        [
            "token": .string(token), "offerings": .array(offerings.map { .string($0) }),
            "count": ["min": .integer(min), "max": .integer(max)],
            "boot": "#!/bin/sh\nexec fanfold worker --join fanfold-join-token\n",
            "tags": ["owner": .string(owner)], "expires": .string(expiry),
            "com-example-unknown": ["a host of tomorrow": true],
        ]
    }

    /// When the workers of a check end themselves.
    static let expiry = "2030-01-01T01:00:00Z"
}

extension [JSON] {
    /// The ids of workers, in order.
    var ids: [String] { compactMap { $0["id"]?.stringValue }.sorted() }
}
