import FanfoldJSON
@preconcurrency import Glibc

/// Runs a check in a process of its own, so that its crash or hang is an outcome.
struct CheckRunner {
    let path: String
    let seed: UInt64

    /// How much of what a child says is kept, in bytes.
    static let maximumOutput = 1 << 20

    /// Runs this program again for one check.
    func run(_ check: CheckCase) -> CheckOutcome {
        let arguments = [
            "/proc/self/exe", "plugin", "check", path, "--in-process", "--only", check.name,
            "--seed", String(seed, radix: 16), "--output", "line",
        ]
        guard let child = ChildProcess(arguments) else {
            return .failed("cannot start a process: \(String(cString: strerror(errno)))")
        }
        let said = child.read(seconds: check.timeout, limit: Self.maximumOutput)
        let status = child.end()
        if let outcome = Self.outcome(said.text) { return outcome }
        let place = Self.phase(said.text)
        if said.isLate {
            return CheckOutcome(
                status: .crashed,
                message: "it did not come back within \(check.timeout) s, \(place)")
        }
        let signal = status & 0x7F
        guard signal != 0 else {
            return CheckOutcome(
                status: .crashed,
                message: "it ended the process with exit code \(status >> 8 & 0xFF), \(place)")
        }
        let name = strsignal(signal).map { String(cString: $0) } ?? ""
        return CheckOutcome(
            status: .crashed, message: "crashed by signal \(signal) (\(name)), \(place)")
    }

    private static func outcome(_ text: String) -> CheckOutcome? {
        guard let line = last(CheckTrace.outcome, text), let json = try? JSON(parsing: line) else {
            return nil
        }
        return CheckOutcome(json)
    }

    private static func phase(_ text: String) -> String {
        last(CheckTrace.mark, text) ?? "before the plugin was loaded"
    }

    /// The rest of the last line that begins with `mark`.
    private static func last(_ mark: String, _ text: String) -> String? {
        text.split(separator: "\n").last { $0.hasPrefix(mark) }.map {
            String($0.dropFirst(mark.count))
        }
    }
}

/// A child whose standard output is read; its process group ends with it.
private struct ChildProcess {
    private let pid: pid_t
    private let descriptor: Int32

    init?(_ arguments: [String]) {
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { return nil }
        for end in pipe { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipe[1], 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var variables: [String] = ["SWIFT_BACKTRACE=enable=no"]
        var index = 0
        while let variable = environ[index] {
            let text = String(cString: variable)
            if !text.hasPrefix("SWIFT_BACKTRACE=") { variables.append(text) }
            index += 1
        }
        var child = pid_t()
        let code = Self.withStrings(arguments) { arguments in
            Self.withStrings(variables) { variables in
                posix_spawn(&child, "/proc/self/exe", &actions, &attributes, arguments, variables)
            }
        }
        close(pipe[1])
        guard code == 0 else {
            close(pipe[0])
            errno = code
            return nil
        }
        pid = child
        descriptor = pipe[0]
    }

    private static func withStrings<R>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
    ) -> R {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }

    /// Reads until the child closes its output, or the time is over.
    func read(seconds: Int, limit: Int) -> (text: String, isLate: Bool) {
        let end = ContinuousClock.now + .seconds(seconds)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let left = ContinuousClock.now.duration(to: end)
            let milliseconds =
                left.components.seconds * 1_000 + left.components.attoseconds
                / 1_000_000_000_000_000
            guard milliseconds > 0 else {
                return (String(decoding: bytes, as: UTF8.self), true)
            }
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&wait, 1, Int32(clamping: milliseconds))
            if ready < 0 && errno == EINTR { continue }
            guard ready > 0 else { continue }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return (String(decoding: bytes, as: UTF8.self), false) }
            bytes += buffer[..<count]
            if bytes.count > limit { bytes.removeFirst(bytes.count - limit) }
        }
    }

    /// Ends the child and whatever it started.
    ///
    /// Returns: What `waitpid` says.
    func end() -> Int32 {
        var status: Int32 = 0
        var done = waitpid(pid, &status, WNOHANG)
        for _ in 0..<100 where done == 0 {
            usleep(2_000)
            done = waitpid(pid, &status, WNOHANG)
        }
        kill(-pid, SIGKILL)
        if done == 0 { waitpid(pid, &status, 0) }
        close(descriptor)
        return status
    }
}
