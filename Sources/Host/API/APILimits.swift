/// What a client may take of the server; each is tested at it and one past it where that can be.
package struct APILimits: Hashable, Sendable {
    /// Bytes of the body of a request, files left out.
    package var bodyBytes = 8 << 20
    /// Bytes of one piece of a file that is uploaded.
    package var filePieceBytes = 8 << 20
    /// Bytes of one header.
    package var headerFieldBytes = 8 << 10
    /// Bytes of all headers together.
    package var headerListBytes = 32 << 10
    /// Headers of a request.
    package var headerFields = 64
    /// Connections at a time; further ones wait in the kernel's queue.
    package var connections = 1_024
    /// Seconds in which the body of a request has to come.
    package var bodySeconds: Int64 = 30
    /// Seconds that a connection may be open without a request.
    package var idleSeconds: Int64 = 75
    /// Requests a second of one token, or of one address without a token, in the long run.
    package var requestsPerSecond = 200.0
    /// Requests of one token that may come at once.
    package var requestBurst = 400.0
    /// Tokens and addresses whose rate is known at a time; the one that was longest idle is forgotten.
    package var ratedClients = 10_000
    /// Event streams at a time.
    package var eventStreams = 256
    /// Events that one write carries.
    package var eventsPerWrite = 256
    /// Seconds after which a silent event stream gets a comment.
    package var heartbeatSeconds: Int64 = 15
    /// Seconds that a client may take nothing of an answer; then its connection is closed.
    package var slowConsumerSeconds: Int64 = 30
    /// Answers to requests with an Idempotency-Key that are kept; the oldest goes first.
    package var idempotentReplies = 10_000
    /// Bytes of one such answer; a larger one is not kept, so its request must not be repeated.
    package var idempotentReplyBytes = 256 << 10
    /// Seconds for which they are kept.
    package var idempotentSeconds: Int64 = 86_400
    /// Seconds that `stop()` waits for requests in progress.
    package var stopSeconds: Int64 = 10

    /// The limits as they are documented.
    package init() {}

    /// Entries of one page.
    package static let pageEntries = 500
    /// Entries of a page if the client does not say.
    package static let standardPageEntries = 50
    /// Attempts of one page.
    package static let pageAttempts = 5_000
    /// Attempts that are listed of one worker.
    package static let workerAttempts = 256
    /// Workers that are gone and are still listed.
    package static let lostWorkers = 1_000
    /// Decisions about workers in one list.
    package static let scalingDecisions: Int64 = 256
    /// Classes of tasks in one list of predictions.
    package static let predictions: Int64 = 1000
    /// Plans that are made at a time.
    package static let plans = 4
    /// Subtasks that `GET /api/v1/tasks/{id}` lists.
    package static let listedSubtasks = 1_000
    /// Bytes of logs that one answer carries.
    package static let logBytes = 1 << 20
    /// Lines of one attempt that can be asked for.
    package static let logLines = 1_000_000
    /// Running attempts of a task whose progress is shown one by one.
    package static let listedProgress = 20
    /// Items of `task_data`.
    package static let taskItems = 100_000
    /// Client tokens that are kept, expired and revoked ones included.
    package static let tokens = 1_000
    /// Problems of one answer.
    package static let places = 50
}
