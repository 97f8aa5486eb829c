import CFanfoldSystem
@preconcurrency import Glibc

/// One run of the program that prints a secret: no shell, no input, a time limit.
///
/// The standard error of the program goes to the host's, as with any credential helper.
struct SecretCommand: Sendable {
    /// Seconds after which the program is killed.
    static let longestSeconds: UInt64 = 10

    /// Why there is no output.
    enum Problem: Error, Hashable, Sendable {
        case notFound
        case notStarted(Int32)
        case failed(Int32)
        case killed
        case tooLate
        case tooMuchOutput

        /// What the program did, as the rest of a sentence.
        var words: String {
            switch self {
            case .notFound: "is not in PATH"
            case .notStarted(let code): "did not start: \(systemWords(code))"
            case .failed(let code): "ended with code \(code); run it to see why"
            case .killed: "was ended by a signal"
            case .tooLate: "took longer than \(longestSeconds) s"
            case .tooMuchOutput: "printed too much"
            }
        }
    }

    private let arguments: [String]
    private let outputLimit: Int
    private let seconds: UInt64

    init(_ arguments: [String], outputLimit: Int, seconds: UInt64 = longestSeconds) {
        self.arguments = arguments
        self.outputLimit = outputLimit
        self.seconds = seconds
    }

    /// Runs it on a thread of its own, which the child does not outlive.
    func run(_ done: @escaping @Sendable (Result<[UInt8], Problem>) -> Void) {
        let box = Unmanaged.passRetained(ThreadBody { done(self.runHere()) })
        var handle = pthread_t()
        let code = pthread_create(
            &handle, nil,
            { context in
                guard let context else { return nil }
                fanfold_set_thread_name("secret")
                Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            return done(.failure(.notStarted(code)))
        }
        pthread_detach(handle)
    }

    private func runHere() -> Result<[UInt8], Problem> {
        guard let program = Self.program(arguments.first ?? "") else {
            return .failure(.notFound)
        }
        var output: (read: Int32, write: Int32) = (-1, -1)
        let error = fan_pipe_from_child(&output.read, &output.write)
        guard error == 0 else { return .failure(.notStarted(error)) }
        defer { close(output.read) }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        // fan_spawn wants descriptors from 3 on, which a duplicate of standard error is.
        let errors = fcntl(2, F_DUPFD_CLOEXEC, 3)
        var child = fan_child()
        let code = Self.withStrings(arguments) { list in
            program.withCString { path in
                child.program = path
                child.arguments = UnsafePointer(list)
                child.environment = UnsafePointer(environ)
                child.directory_path = nil
                child.directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                child.streams = (nothing, output.write, errors)
                defer { close(child.directory) }
                return fan_spawn(&child)
            }
        }
        for descriptor in [nothing, output.write, errors] { close(descriptor) }
        guard code == 0 else { return .failure(.notStarted(code)) }
        return collect(output.read, child)
    }

    /// Reads until the program has ended and closed its output, or has to be ended.
    private func collect(_ descriptor: Int32, _ child: fan_child) -> Result<[UInt8], Problem> {
        defer { close(child.process_descriptor) }
        let clock = SystemServiceClock()
        let end = clock.now() + seconds * 1_000_000_000
        var bytes: [UInt8] = []
        var problem: Problem?
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while problem == nil {
            let now = clock.now()
            guard now < end, fan_wait_readable(descriptor, end - now) == 1 else {
                problem = .tooLate
                break
            }
            let count = chunk.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
            if bytes.count > outputLimit { problem = .tooMuchOutput }
        }
        let now = clock.now()
        let hasEnded =
            problem == nil
            && fan_wait_readable(child.process_descriptor, end > now ? end - now : 0) == 1
        // The group, with whatever the program started.
        kill(-child.process, SIGKILL)
        var status: Int32 = 0
        while waitpid(child.process, &status, 0) < 0 && errno == EINTR {}
        if let problem { return .failure(problem) }
        guard hasEnded else { return .failure(.tooLate) }
        guard status & 0x7F == 0 else { return .failure(.killed) }
        let code = status >> 8 & 0xFF
        return code == 0 ? .success(bytes) : .failure(.failed(code))
    }

    /// The file of a program, as `execvp` would find it.
    private static func program(_ name: String) -> String? {
        if name.contains("/") { return name }
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").lazy.map { "\($0)/\(name)" }
            .first { !name.isEmpty && access($0, X_OK) == 0 }
    }

    private static func withStrings<R>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
            capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { (list + index).initialize(to: strdup(text)) }
        (list + texts.count).initialize(to: nil)
        defer {
            for index in texts.indices { free(list[index]) }
            list.deallocate()
        }
        return body(list)
    }
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
