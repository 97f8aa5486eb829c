import FanfoldAPI
import FanfoldRuntime
import Logging
import Synchronization

/// The API while it is served, for threads that wait.
final class ServedAPI: Sendable {
    /// Where clients connect.
    let address: String
    private let server: APIServer
    private let task: Task<Void, Never>
    private let ended: StopSignal

    /// Starts listening; waits until it does.
    init(
        _ configuration: APIConfiguration, control: any ControlPlane,
        idempotency: any IdempotencyStore, folder: String, logger: Logger
    ) throws {
        let first = Mutex<Result<String, any Error>?>(nil)
        let told = StopSignal()
        let ended = StopSignal()
        self.ended = ended
        let server = APIServer(
            configuration: configuration, controlPlane: control,
            tokens: try FileTokenStore(path: folder + "/tokens.json"),
            idempotency: idempotency, logger: logger
        ) { address in
            first.withLock { $0 = $0 ?? .success(address) }
            told.give()
        }
        self.server = server
        task = Task {
            do {
                try await server.run()
            } catch {
                first.withLock { $0 = $0 ?? .failure(error) }
                told.give()
                logger.error("the API has ended", metadata: ["why": "\(error)"])
            }
            ended.give()
        }
        told.wait()
        address = try first.withLock { $0 }?.get() ?? ""
    }

    /// Answers what is asked, then ends; waits for it.
    func stop() {
        let server = server
        Task { await server.stop() }
        ended.wait()
    }
}
