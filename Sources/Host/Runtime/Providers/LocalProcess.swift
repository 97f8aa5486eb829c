import CFanfoldSystem
@preconcurrency import Glibc

/// The process of a worker of this machine, known by its number and by when it began: a number may
/// be given again.
struct LocalProcess {
    /// Its number, which is that of its session and its group too.
    let process: pid_t
    private let began: String

    /// Reads which process a worker is; `nil` before it has said so.
    init?(at place: String) {
        guard let text = FleetFolder.text(place + "/process"), let facts = Self.facts(text) else {
            return nil
        }
        process = facts.process
        began = facts.began
    }

    /// Whether it is there; one that has ended and that nobody has waited for is not.
    var isAlive: Bool {
        var status: Int32 = 0
        // One of our own that has ended goes now; others are somebody else's to wait for.
        _ = waitpid(process, &status, WNOHANG)
        guard let text = FleetFolder.text("/proc/\(process)/stat"), let facts = Self.facts(text)
        else { return false }
        return facts.began == began && facts.state != "Z" && facts.state != "X"
    }

    func signal(_ number: Int32) {
        if isAlive { kill(process, number) }
    }

    func signalGroup(_ number: Int32) {
        if isAlive { kill(-process, number) }
    }

    /// The number, the state and the beginning of a process: fields 1, 3 and 22.
    ///
    /// Source: proc_pid_stat(5); the second field is in brackets and may hold anything.
    private static func facts(
        _ text: String
    ) -> (process: pid_t, state: String, began: String)? {
        guard let close = text.lastIndex(of: ")"),
            let number = text.split(separator: " ").first.flatMap({ pid_t($0) }), number > 1
        else { return nil }
        let rest = text[text.index(after: close)...].split(whereSeparator: \.isWhitespace)
        guard rest.count > 19 else { return nil }
        return (number, String(rest[0]), String(rest[19]))
    }
}

/// Starts processes that outlive the one that started them.
enum DetachedProcess {
    /// Starts a program as the leader of a session of its own, with nothing open but its log.
    ///
    /// Returns: 0, or the number of the error.
    static func start(_ arguments: [String], _ environment: [String], log: String) -> Int32 {
        let words = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var process: Int32 = 0
        let code = fan_spawn_detached(arguments[0], words, variables, log, &process)
        guard code == 0 else { return code }
        // It is our child as long as we live: when it ends, nobody else can wait for it.
        _ = PlainThread(name: "reaper") { [process] in
            pthread_detach(pthread_self())
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
        }
        return 0
    }
}
