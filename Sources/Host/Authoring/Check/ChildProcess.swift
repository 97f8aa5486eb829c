import CFanfoldSystem
@preconcurrency import Glibc

/// A child whose standard output is read; its process group ends with it.
struct ChildProcess {
    private let pid: pid_t
    private let descriptor: Int32

    /// Starts this program again.
    ///
    /// Parameter changes: Variables that the child has beside or instead of ours, `NAME=value`.
    init?(_ arguments: [String], changes: [String] = []) {
        var reading: Int32 = -1
        var writing: Int32 = -1
        // Closed on exec from the start: another thread may start its child at any time.
        guard fan_pipe_from_child(&reading, &writing) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, writing, 1)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var child = pid_t()
        let code = Self.withStrings(arguments) { arguments in
            Self.withStrings(Self.environment(changes)) { variables in
                posix_spawn(&child, "/proc/self/exe", &actions, &attributes, arguments, variables)
            }
        }
        close(writing)
        guard code == 0 else {
            close(reading)
            errno = code
            return nil
        }
        pid = child
        descriptor = reading
    }

    private static func environment(_ changes: [String]) -> [String] {
        let changes = ["SWIFT_BACKTRACE=enable=no"] + changes
        let changed = Set(changes.map { $0.prefix { $0 != "=" } })
        var variables = changes
        var index = 0
        while let variable = environ[index] {
            let text = String(cString: variable)
            if !changed.contains(text.prefix { $0 != "=" }) { variables.append(text) }
            index += 1
        }
        return variables
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
