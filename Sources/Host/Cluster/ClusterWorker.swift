import FanfoldBlobs
import FanfoldCore
import FanfoldRuntime
import FanfoldWire
import Logging
import Synchronization

/// How a worker finds its coordinator.
package enum WorkerEntrance: Sendable {
    /// A coordinator on this machine, with the token in a file.
    case loopback(WireAddress, token: [UInt8])
    /// The first time: with a join string.
    case join(JoinString)
    /// With the certificate that joining gave.
    case certificate(WireAddress)
}

/// Why a worker cannot start.
package struct WorkerProblem: Error, CustomStringConvertible {
    /// What was wanted, what was found, what to do.
    package var description: String

    /// A problem.
    package init(_ description: String) { self.description = description }
}

/// A worker process: an agent and its connection.
package final class ClusterWorker: Sendable {
    private let agent: WorkerAgent
    private let client: WireClient

    /// Opens the worker's folder, joins if it has not, and starts connecting.
    package init(
        _ options: WorkerAgentOptions, entrance: WorkerEntrance, logger: Logger,
        meter: @escaping @Sendable () -> WorkerUse
    ) throws {
        try PrivateFolder.make(options.folder)
        let uid = try PrivateFolder.secret(options.folder + "/uid").prefix(16).reduce("") {
            $0 + (($1 < 16 ? "0" : "") + String($1, radix: 16))
        }
        let store = try BlobStore(
            folder: options.folder + "/blobs", durability: .cache, logger: logger)
        let (address, security) = try Self.enter(entrance, uid: uid, options)
        agent = WorkerAgent(options, uid: uid, store: store, logger: logger, meter: meter)
        switch security {
        case .certificate(let credentials, _):
            try agent.meetPeers(towards: address, as: .certificate(credentials))
        // Nobody knows the token before the coordinator says it.
        case .loopback: try agent.meetPeers(towards: address, as: .loopback(token: []))
        }
        // Before the coordinator counts the worker as lost.
        var backoff = WireBackoff()
        backoff.longestMilliseconds = 2_000
        client = WireClient(
            address: address, security: security, backoff: backoff, delegate: agent)
        client.start()
    }

    private static func enter(
        _ entrance: WorkerEntrance, uid: String, _ options: WorkerAgentOptions
    ) throws -> (WireAddress, WireClientSecurity) {
        switch entrance {
        case .loopback(let address, let token): return (address, .loopback(token: token))
        case .certificate(let address):
            guard let known = try WireCredentials.load(folder: options.folder) else {
                throw WorkerProblem(
                    "\(options.folder) holds no certificate of a coordinator; start the worker "
                        + "with the join string that `fanfold token create --role worker` prints")
            }
            return (address, .certificate(known, to: .coordinator))
        case .join(let join):
            if let known = try WireCredentials.load(folder: options.folder) {
                // It joined before: the token of the string is spent.
                return (join.address, .certificate(known, to: .coordinator))
            }
            let credentials = try enrol(join, uid: uid, options)
            try credentials.save(folder: options.folder)
            return (join.address, .certificate(credentials, to: .coordinator))
        }
    }

    private static func enrol(
        _ join: JoinString, uid: String, _ options: WorkerAgentOptions
    ) throws -> WireCredentials {
        let outcome = Mutex<Result<WireCredentials, WireError>?>(nil)
        let done = TimedSemaphore()
        WireEnrolment.join(
            join, uid: uid, name: options.name, labels: options.capabilities.labels
        ) { result in
            outcome.withLock { $0 = result }
            done.signal()
        }
        guard done.wait(.seconds(60)), let result = outcome.withLock({ $0 }) else {
            throw WorkerProblem("\(join.address) did not answer within 60 s")
        }
        do throws(WireError) {
            return try result.get()
        } catch {
            throw WorkerProblem(
                "the coordinator at \(join.address) did not let this worker in (\(error)); the "
                    + "join string may be spent or too old: make another with `fanfold token create --role worker`"
            )
        }
    }

    /// Takes nothing new, and ends when what is here has ended and is acknowledged.
    package func drain(reason: String) { agent.drain(reason: reason) }

    /// Runs until the worker is drained, shut down or ended.
    ///
    /// - Returns: why it ended.
    package func run() -> WorkerEnd {
        let end = agent.run()
        client.stop(reason: end.reason)
        agent.stop(reason: end.reason)
        return end
    }
}

/// The token by which workers of the coordinator's own machine are known.
package enum ClusterToken {
    /// The token in the file that `fanfold serve` names.
    package static func read(_ path: String) throws -> [UInt8] {
        guard let bytes = try PrivateFolder.read(path, count: 32) else {
            throw WorkerProblem(
                "there is no token file \(path); `fanfold serve` says where it is")
        }
        return bytes
    }
}
