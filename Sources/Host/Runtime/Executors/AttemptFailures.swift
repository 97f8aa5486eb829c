import CFanfoldSystem
@preconcurrency import Glibc
import Synchronization

extension Attempt {
    func cancelled() -> WorkFailure {
        WorkFailure(.cancelled, cancellation.reason ?? "cancelled")
    }

    func timedOut() -> WorkFailure {
        let seconds = Double(work.timeoutNanoseconds ?? 0) / 1e9
        return WorkFailure(.timeout, "not done within its timeout of \(seconds) s; it was ended")
    }

    /// Why a child that we ended gives no result.
    func failure(of ending: ChildRun.Ending, tail: String) -> WorkFailure {
        var failure: WorkFailure
        switch ending {
        case .timeout: failure = timedOut()
        case .cancelled: failure = cancelled()
        case .outputTooLarge:
            failure = WorkFailure(
                .outputInvalid,
                "the output is more than the limit of \(host.outputLimit) bytes; "
                    + "split the task in smaller subtasks")
        case .failure(let reason): failure = reason
        }
        failure.stderrTail = tail
        return failure
    }

    /// Why there is no child.
    func refusal(_ launch: Launch, step: Int32, error: Int32) -> WorkFailure {
        let reason = systemMessage(error)
        guard step == Int32(bitPattern: FAN_SPAWN_EXECUTE.rawValue) else {
            if step == Int32(bitPattern: FAN_SPAWN_DIRECTORY.rawValue) {
                let path = launch.directoryPath ?? launch.directory.path
                return WorkFailure(.launch, "the working directory \(path): \(reason)")
            }
            return WorkFailure(.launch, "\(launch.name) cannot be started: \(reason)")
        }
        let program = launch.program
        switch error {
        case ENOENT where access(program, F_OK) == 0 && program.hasPrefix("/"):
            return WorkFailure(
                .notFound, "\(program): the interpreter that its first line names does not exist")
        case ENOENT, ENOTDIR:
            let hint =
                program.hasPrefix("/")
                ? ""
                : "; the working directory is the attempt's own, so write ${pipeline.dir}/\(program)"
            return WorkFailure(.notFound, "\(program): there is no such program\(hint)")
        case EACCES:
            return WorkFailure(
                .notFound, "\(program) is not executable; make it so with chmod +x")
        case ENOEXEC:
            return WorkFailure(
                .notFound,
                "\(program) is no program for this machine; a script begins with #! and a path")
        case E2BIG:
            return WorkFailure(
                .inputInvalid,
                "the arguments and the environment are larger than the system takes: "
                    + "use stdin, or smaller subtasks")
        default:
            return WorkFailure(.launch, "\(program) cannot be started: \(reason)")
        }
    }

    /// Why a child that ended by itself did not succeed.
    func failure(of end: End, name: String, accepted: [Int32]) -> WorkFailure {
        let tail = end.errorTail
        if let memory = outOfMemory(end) { return memory }
        if let signal = end.signal {
            var message = "\(name) was ended by \(signalName(signal))"
            if signal == SIGKILL { message += "; the system does that when memory runs out" }
            return WorkFailure(.signal(signal), message + lastLine(of: tail), stderrTail: tail)
        }
        let wanted = accepted.map { String($0) }.joined(separator: " or ")
        return WorkFailure(
            .exitCode(end.exitCode),
            "\(name) ended with exit code \(end.exitCode), wanted \(wanted)" + lastLine(of: tail),
            stderrTail: tail)
    }

    /// Whether the memory limit explains the failure: the peak is near it, or the child says so.
    private func outOfMemory(_ end: End) -> WorkFailure? {
        guard let limit = work.memoryLimitBytes, limit > 0 else { return ranOut(end) }
        let words = ["MemoryError", "bad_alloc", "Cannot allocate memory", "ut of memory"]
        guard
            end.result.peakMemoryBytes >= limit - limit / 10
                || words.contains(where: { end.errorTail.contains($0) })
        else { return nil }
        return WorkFailure(
            .outOfMemory,
            "more memory than its limit of \(limit) bytes was wanted; raise memory under needs, "
                + "or split in smaller subtasks",
            stderrTail: end.errorTail)
    }

    /// Whether the machine had no more memory: the kernel ended it for that, or its last word is what
    /// languages say then.
    private func ranOut(_ end: End) -> WorkFailure? {
        let words = ["MemoryError", "std::bad_alloc", "java.lang.OutOfMemoryError"]
        let last = end.errorTail.split(whereSeparator: \.isNewline).last ?? ""
        let isSaid = end.signal != SIGKILL && words.contains { last.contains($0) }
        guard isSaid || end.signal == SIGKILL && MemoryKills.hasGrown() else { return nil }
        return WorkFailure(
            .outOfMemory,
            "more memory was wanted than there is; leave memory to predictions (needs: auto), raise "
                + "it under needs, or split in smaller subtasks" + lastLine(of: end.errorTail),
            stderrTail: end.errorTail)
    }

    private func lastLine(of tail: String) -> String {
        guard let line = tail.split(whereSeparator: \.isNewline).last else { return "" }
        return "; it said: " + line.prefix(300)
    }
}

extension Attempt.End {
    /// The signal that ended it, if one did.
    var signal: Int32? {
        let number = status & 0x7F
        return number == 0 ? nil : number
    }

    /// Its exit code; only if no signal ended it.
    var exitCode: Int32 { status >> 8 & 0xFF }
}

/// The name of a signal, as `SIGTERM`.
func signalName(_ number: Int32) -> String {
    guard let name = fan_signal_name(number) else { return "signal \(number)" }
    return "SIG" + String(cString: name)
}

/// How often the kernel has ended a process because memory ran out.
///
/// Source: proc_vmstat(5), `oom_kill`: of the machine and of control groups, since 4.13.
enum MemoryKills {
    private static let seen = Mutex(count() ?? 0)

    /// Begins to count; before the first child.
    static func begin() { seen.withLock { _ in } }

    /// Whether it has happened since this was asked last.
    ///
    /// Whose process it was is not said: asked for one that was ended by SIGKILL.
    static func hasGrown() -> Bool {
        guard let now = count() else { return false }
        return seen.withLock { seen in
            defer { seen = now }
            return now > seen
        }
    }

    private static func count() -> Int64? {
        let text = SystemFiles().text("/proc/vmstat") ?? ""
        for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
            return Int64(line.dropFirst(9))
        }
        return nil
    }
}
