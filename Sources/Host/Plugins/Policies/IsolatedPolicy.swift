import FanfoldJSON

/// One instance of a policy in a helper.
///
/// A helper that ends, hangs or says something wrong fails the call; the next call starts another.
/// What a policy learned is gone then: its answers may change, and nobody counts on that.
final class IsolatedPolicy: PolicyCalls, @unchecked Sendable {
    // Unchecked: the lane that owns it makes all calls one after another.

    private let launch: HelperLaunch
    private let component: String
    private let configuration: JSON
    private let callNanoseconds: UInt64
    private var helper: HelperProcess?

    /// Starts a helper and makes the instance in it.
    init(
        _ launch: HelperLaunch, component: String, configuration: JSON, callNanoseconds: UInt64
    ) throws(PluginFailure) {
        self.launch = launch
        self.component = component
        self.configuration = configuration
        self.callNanoseconds = callNanoseconds
        do throws(HelperFailure) {
            helper = try start()
        } catch {
            throw error.failure(of: launch.path)
        }
    }

    deinit { helper?.discard() }

    /// The process that runs it now, for tests.
    var processID: Int32? { helper?.id }

    func place(snapshot: [UInt8]) throws(PluginFailure) -> [UInt8] {
        try call(.place, snapshot)
    }

    func observe(outcomes: [UInt8]) throws(PluginFailure) {
        _ = try call(.observe, outcomes)
    }

    private func call(
        _ function: PolicyFunction, _ document: [UInt8]
    ) throws(PluginFailure) -> [UInt8] {
        let answer: Result<[UInt8], PluginFailure>
        do throws(HelperFailure) {
            let helper = try running()
            answer = try helper.exchange(
                .call, during: "\(function)", nanoseconds: callNanoseconds,
                write: {
                    $0.wire.byte(function.rawValue)
                    $0.bulk(document)
                },
                read: { (body) throws(WireFault) in
                    guard try body.wire.byte() == 0 else {
                        return .failure(try body.wire.failure())
                    }
                    return .success(try body.copiedBulk())
                })
        } catch {
            helper = nil
            throw error.failure(of: launch.path)
        }
        return try answer.get()
    }

    func destroy() {
        helper?.discard()
        helper = nil
    }

    private func running() throws(HelperFailure) -> HelperProcess {
        if let helper { return helper }
        let fresh = try start()
        helper = fresh
        return fresh
    }

    private func start() throws(HelperFailure) -> HelperProcess {
        try HelperProcess.start(
            launch, component: component, configuration: configuration, services: []
        ).0
    }
}

/// What a helper is asked to call.
private enum PolicyFunction: UInt8 {
    case place
    case observe
}

/// The helper's side of an isolated policy: makes the calls that the host asks for, on one thread.
struct PolicyServer {
    private let channel: FrameChannel
    private let policy: PolicyInstance

    init(channel: FrameChannel, policy: PolicyInstance) {
        self.channel = channel
        self.policy = policy
    }

    /// Answers until the host closes the channel.
    func serve() throws(FrameChannel.End) -> Never {
        while true {
            let answer = try channel.receive { (kind, body) throws(WireFault) in
                guard kind == .call else { throw WireFault("\(kind) was not due") }
                guard let function = PolicyFunction(rawValue: try body.wire.byte()) else {
                    throw WireFault("there is no such call of a policy")
                }
                return self.answer(function, try body.copiedBulk())
            }
            try channel.send(.reply) { body in
                switch answer {
                case .success(let output):
                    body.wire.byte(0)
                    body.bulk(output)
                case .failure(let failure):
                    body.wire.byte(1)
                    body.wire.failure(failure)
                }
            }
        }
    }

    private func answer(
        _ function: PolicyFunction, _ document: [UInt8]
    ) -> Result<[UInt8], PluginFailure> {
        guard function == .place else {
            policy.observe(outcomes: document)
            return .success([])
        }
        do throws(PluginFailure) {
            return .success(try policy.place(snapshot: document))
        } catch {
            return .failure(error)
        }
    }
}
