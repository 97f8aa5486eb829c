import FanfoldJSON
@preconcurrency import Glibc

/// Why a helper gave no answer.
enum HelperFailure: Error {
    /// It ended, or was ended.
    case died(HelperDeath)
    /// The plugin refused to be loaded or to make an instance.
    case refused(PluginFailure)
    /// It does not do twice what it did once.
    case unfaithful(String)

    /// Whether a new helper may do better.
    var isWorthAnother: Bool {
        if case .died(let death) = self, case .launch = death.cause { return false }
        if case .died = self { return true }
        return false
    }

    /// What the host is told.
    func failure(of path: String) -> PluginFailure {
        switch self {
        case .died(let death): death.failure(of: path)
        case .refused(let failure): failure
        case .unfaithful(let message):
            PluginFailure(code: 13, reason: "plugin.unfaithful", message: message)
        }
    }
}

extension HelperProcess {
    /// Takes what comes before an answer: whether it was due.
    typealias OtherMessages =
        (MessageKind, inout IncomingBody, FrameChannel) throws(WireFault) -> Bool

    /// Starts a helper with an instance in it; once more if somebody else ends it meanwhile.
    ///
    /// - Parameter component: `nil` only describes the library.
    /// - Returns: what the helper says about itself and the instance.
    static func start(
        _ launch: HelperLaunch, component: String?, configuration: JSON, services: [String],
        other: OtherMessages? = nil
    ) throws(HelperFailure) -> (HelperProcess, JSON) {
        var tries = 1
        while true {
            do throws(HelperFailure) {
                return try startOnce(
                    launch, component: component, configuration: configuration,
                    services: services, other: other)
            } catch {
                guard case .died(let death) = error, death.isFromOutside,
                    tries < IsolationLimits.triesPerCall
                else { throw error }
                tries += 1
            }
        }
    }

    private static func startOnce(
        _ launch: HelperLaunch, component: String?, configuration: JSON, services: [String],
        other: OtherMessages?
    ) throws(HelperFailure) -> (HelperProcess, JSON) {
        let helper: HelperProcess
        do throws(HelperStartFailure) {
            helper = try HelperProcess(launch)
        } catch {
            throw .died(
                HelperDeath(
                    cause: .launch(error.message), during: "the start", lastLines: [],
                    report: nil))
        }
        let hello = launch.hello(
            component: component, configuration: configuration, services: services)
        let ready: Result<JSON, PluginFailure> = try helper.exchange(
            .hello, expecting: .ready, during: component == nil ? "loading" : "create",
            nanoseconds: IsolationLimits.startNanoseconds, other: other,
            write: { $0.bulk(hello.bytes) },
            read: { (body) throws(WireFault) in
                guard try body.wire.byte() == 0 else { return .failure(try body.wire.failure()) }
                return .success(try body.json())
            })
        switch ready {
        case .success(let json): return (helper, json)
        case .failure(let failure):
            helper.discard()
            throw .refused(failure)
        }
    }

    /// Sends a message and waits for its answer, taking log lines meanwhile.
    ///
    /// - Throws: when the helper gave none; it has been ended then.
    func exchange<R>(
        _ kind: MessageKind, expecting wanted: MessageKind = .reply, during: String,
        nanoseconds: UInt64, other: OtherMessages? = nil, write: (inout WireBody) -> Void,
        read: (inout IncomingBody) throws(WireFault) -> R
    ) throws(HelperFailure) -> R {
        let start = HostTable.monotonicNow()
        var pause: UInt64 = 0
        do throws(FrameChannel.End) {
            try channel.send(kind, onTick: { !isLate(start, nanoseconds, &pause) }, write)
            while true {
                do throws(FrameChannel.End) {
                    let answer = try channel.receive { (kind, body) throws(WireFault) -> R? in
                        if kind == wanted { return try read(&body) }
                        if kind == .log {
                            try takeLog(&body)
                        } else if try other?(kind, &body, channel) != true {
                            throw WireFault("\(kind) was not due")
                        }
                        return nil
                    }
                    if let answer { return answer }
                } catch {
                    guard case .tick = error, !isLate(start, nanoseconds, &pause) else {
                        throw error
                    }
                }
            }
        } catch {
            throw .died(end(cause(of: error, after: nanoseconds), during: during))
        }
    }

    /// What the end of the channel says; `nil` if only the process can tell.
    ///
    /// - Parameter limit: how long was waited, in nanoseconds.
    func cause(
        of end: FrameChannel.End, after limit: UInt64 = IsolationLimits.stoppedNanoseconds
    ) -> HelperDeath.Cause? {
        if wasStopped { return .stopped }
        if let interrupted { return .hung(nanoseconds: interrupted) }
        switch end {
        case .closed: return nil
        case .tick: return .hung(nanoseconds: limit)
        case .fault(let what): return .fault(what)
        }
    }

    /// Whether an answer is overdue; the time that somebody debugs the helper does not count.
    private func isLate(_ start: UInt64, _ limit: UInt64, _ pause: inout UInt64) -> Bool {
        let now = HostTable.monotonicNow()
        if isTraced {
            pause = now - start
            return false
        }
        return now - start - pause >= limit || isStoppedTooLong(at: now)
    }
}
