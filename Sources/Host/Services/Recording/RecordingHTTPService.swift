import FanfoldPlugins
@preconcurrency import Glibc
import Logging
import Synchronization

/// Passes requests on and appends each with its answer to a file, one JSON document a line.
///
/// What proves an identity is left out: see ``Recording/secretHeaders``; values of secrets that
/// the host knows are replaced wherever else they stand.
package final class RecordingHTTPService: HTTPService {
    private let service: any HTTPService
    private let redactor: SecretRedactor
    private let logger: Logger
    private let descriptor: Int32
    private let isBroken = Mutex(false)

    /// Opens the file, which only its owner may read, and adds to what is there.
    package init(
        _ service: any HTTPService, path: String, redactor: SecretRedactor, logger: Logger
    ) throws(RecordingProblem) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw RecordingProblem(
                description: "the recording \(path) cannot be written: \(systemWords(errno))")
        }
        self.service = service
        self.redactor = redactor
        self.logger = logger
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Passes the request on; the answer comes after it was written down.
    package func fetch(
        _ request: HTTPServiceRequest,
        done: @escaping @Sendable (Result<HTTPServiceAnswer, PluginFailure>) -> Void
    ) {
        service.fetch(request) { result in
            self.append(Recording(request, result))
            done(result)
        }
    }

    private func append(_ recording: Recording) {
        let line = recording.json(redactor).bytes + [UInt8(ascii: "\n")]
        isBroken.withLock { isBroken in
            guard !isBroken else { return }
            var rest = line[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else {
                    isBroken = true
                    logger.error(
                        "a recording cannot be written; the rest of it is missing",
                        metadata: ["reason": .string(systemWords(errno))])
                    return
                }
                rest = rest.dropFirst(count)
            }
        }
    }
}
