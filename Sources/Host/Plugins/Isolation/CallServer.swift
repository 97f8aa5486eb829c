import FanfoldJSON
import Synchronization

/// The helper's side of an isolated executor or provider.
///
/// The main thread only receives: calls run on the instance's lane, and what ends goes out from
/// whatever thread ends it.
final class CallServer: Sendable {
    private struct State {
        var calls: InsideCalls?
        /// The helper's own number of each call of the host.
        var numbers: [UInt64: UInt64] = [:]
    }

    private let channel: FrameChannel
    private let services: RemoteServices
    private let state = Mutex(State())

    init(channel: FrameChannel) {
        self.channel = channel
        services = RemoteServices(channel: channel)
    }

    /// Makes the instance on a thread of its own, so that services answer meanwhile.
    func makeInstance(
        _ make: @escaping @Sendable (PluginServices) throws(PluginFailure) -> InsideCalls,
        granted: [String], ready: @escaping @Sendable (Result<Void, PluginFailure>) -> Void
    ) {
        startThread(name: "create") { [self] in
            do throws(PluginFailure) {
                let calls = try make(services.services(granted: granted))
                state.withLock { $0.calls = calls }
                ready(.success(()))
            } catch {
                ready(.failure(error))
            }
        }
    }

    /// Takes one message of the host.
    func take(_ kind: MessageKind, _ body: inout IncomingBody) throws(WireFault) {
        switch kind {
        case .call: try begin(&body)
        case .served: try services.take(&body)
        case .cancel:
            let id = try body.wire.number(UInt64.self)
            let (calls, number) = state.withLock { ($0.calls, $0.numbers[id]) }
            if let number { calls?.cancel(number) }
        case .unload:
            let module = try body.wire.number(UInt64.self)
            state.withLock { $0.calls }?.unload(module: module)
        default: throw WireFault("\(kind) was not due")
        }
    }

    private func begin(_ body: inout IncomingBody) throws(WireFault) {
        var id: UInt64 = 0
        let call = try PluginCall(&body, id: &id)
        guard let calls = state.withLock({ $0.calls }) else {
            throw WireFault("a call before there is an instance")
        }
        let hostID = id
        let number = calls.start(
            call,
            PluginCallHandler(
                progress: { [channel] answer in
                    Self.send(.progress, hostID, on: channel) { answer.write(to: &$0) }
                },
                done: { [self] result in
                    state.withLock { _ = $0.numbers.removeValue(forKey: hostID) }
                    Self.send(.ended, hostID, on: channel) { body in
                        switch result {
                        case .failure(let failure):
                            body.wire.byte(1)
                            body.wire.failure(failure)
                        case .success(let answer):
                            body.wire.byte(0)
                            answer.write(to: &body)
                        }
                    }
                }))
        // It may have ended already; then nobody asks for the number again but to cancel.
        state.withLock { $0.numbers[hostID] = number }
    }

    private static func send(
        _ kind: MessageKind, _ id: UInt64, on channel: FrameChannel,
        _ write: (inout WireBody) -> Void
    ) {
        do throws(FrameChannel.End) {
            try channel.send(kind) { body in
                body.number(id)
                write(&body)
            }
        } catch {
            // The host is gone, and this process with it.
            return
        }
    }

    /// Ends the instance as the contract says.
    func close() {
        state.withLock { $0.calls }?.close()
    }
}
