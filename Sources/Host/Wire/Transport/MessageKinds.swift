extension WireMessage.OneOf_Kind {
    /// The name, as in docs/protocol.md.
    var name: String {
        switch self {
        case .hello: "Hello"
        case .inventory: "Inventory"
        case .heartbeat: "Heartbeat"
        case .ended: "Ended"
        case .takenBack: "TakenBack"
        case .slotsReturned: "SlotsReturned"
        case .progress: "Progress"
        case .logChunk: "LogChunk"
        case .leaving: "Leaving"
        case .join: "Join"
        case .renew: "Renew"
        default: laterName
        }
    }

    private var laterName: String {
        switch self {
        case .welcome: "Welcome"
        case .refused: "Refused"
        case .define: "Define"
        case .start: "Start"
        case .takeBack: "TakeBack"
        case .cancel: "Cancel"
        case .acknowledge: "Acknowledge"
        case .drain: "Drain"
        case .shutdown: "Shutdown"
        case .joined: "Joined"
        case .renewed: "Renewed"
        case .forget: "Forget"
        case .revoked: "Revoked"
        case .logRequest: "LogRequest"
        case .logCredit: "LogCredit"
        case .logCancel: "LogCancel"
        case .blobRequest: "BlobRequest"
        case .blobChunk: "BlobChunk"
        case .blobFailed: "BlobFailed"
        case .blobCredit: "BlobCredit"
        case .blobCancel: "BlobCancel"
        case .ping: "Ping"
        case .pong: "Pong"
        default: "Goodbye"
        }
    }

    /// The number of a message of the worker's stream.
    package var sequence: UInt64? {
        switch self {
        case .ended(let message): message.sequence
        case .takenBack(let message): message.sequence
        case .slotsReturned(let message): message.sequence
        default: nil
        }
    }

    /// Who may send it over an open connection.
    var sender: Sender {
        switch self {
        case .inventory, .heartbeat, .ended, .takenBack, .slotsReturned, .progress, .logChunk,
            .leaving, .renew:
            .worker
        case .define, .start, .takeBack, .cancel, .acknowledge, .drain, .shutdown, .renewed,
            .forget, .revoked, .refused, .logRequest, .logCredit, .logCancel:
            .coordinator
        case .blobRequest, .blobChunk, .blobFailed, .blobCredit, .blobCancel: .bothForBlobs
        case .ping, .pong, .goodbye: .both
        case .hello, .welcome, .join, .joined: .nobody
        }
    }

    enum Sender {
        case worker, coordinator, both, bothForBlobs
        /// Only while the connection is made.
        case nobody
    }
}
