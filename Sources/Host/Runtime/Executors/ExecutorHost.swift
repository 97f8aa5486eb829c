import CFanfoldSystem
@preconcurrency import Glibc
import Synchronization

/// Runs attempts on this machine: commands, native functions, no-ops.
///
/// Blocks the thread that calls, which must be a plain thread and must outlive its attempts: a child
/// is killed when the thread that started it ends.  Any number of threads may call at once.
package final class ExecutorHost: Sendable {
    let scratchDirectory: String
    let helperPath: String
    let outputLimit: Int
    /// Executors of plugins; `nil` knows none.
    let executors: ExecutorPlugins?
    /// What the driver calls the GPUs of this machine, in the order in which they are offered.
    let graphics: [String]
    /// Measures what attempts have of their memory; `nil`: nobody does.
    let graphicsMemory: GraphicsMemory?
    let baseEnvironment: [(name: String, value: String)]
    let programs = ProgramSearch()
    /// `/dev/null`, for children without input.
    let nothing: Int32
    private let slots = Mutex<[WorkSlot]>([])

    /// A host that keeps working directories and large outputs under `scratchDirectory`.
    ///
    /// Ignores SIGPIPE in this process; children start with it at its default.
    /// - Parameters:
    ///   - scratchDirectory: an existing directory, absolute.
    ///   - helperPath: the executable `fanfold-helper`, which calls native functions.
    ///   - outputLimit: bytes that an attempt may write to its standard output.
    ///   - executors: those that plugins bring.
    ///   - graphics: UUIDs of the GPUs that are offered, by place; processes see those that are
    ///     reserved for their attempt.  Empty: what processes see is not changed.
    ///   - graphicsMemory: measures the memory that attempts with GPUs have on them.
    package init(
        scratchDirectory: String, helperPath: String,
        outputLimit: Int = ExecutorLimits.outputBytes, executors: ExecutorPlugins? = nil,
        graphics: [String] = [], graphicsMemory: GraphicsMemory? = nil
    ) {
        fan_prepare_process()
        MemoryKills.begin()
        self.scratchDirectory = scratchDirectory
        self.helperPath = helperPath
        self.outputLimit = outputLimit
        self.executors = executors
        self.graphics = graphics
        self.graphicsMemory = graphicsMemory
        nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let defaults = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/"), ("LANG", "C.UTF-8"),
        ]
        baseEnvironment = defaults.map { ($0.0, variable($0.0) ?? $0.1) }
    }

    deinit {
        if nothing >= 0 { close(nothing) }
    }

    /// The executable `fanfold-helper` beside the running program; `nil` if that is not known.
    package static func helperBesideThisProgram() -> String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        let program = String(cString: path)
        guard let slash = program.lastIndex(of: "/") else { return nil }
        return program[...slash] + "fanfold-helper"
    }

    /// Runs one attempt to its end on the calling thread.
    ///
    /// Never throws and never traps because of what the attempt does: everything that goes wrong is
    /// a failure in the result.
    ///
    /// - Parameter voice: where what it says before its end goes; `nil`: nowhere.
    package func run(
        _ work: WorkItem, cancellation: Cancellation, voice: AttemptVoice? = nil
    ) -> WorkResult {
        if case .noop(let spec) = work.run.content, spec.sleepNanoseconds == 0 {
            return WorkResult(.success(Payload.empty, .jsonl, items: 0))
        }
        let start = monotonicNanoseconds()
        var result: WorkResult
        do throws(WorkFailure) {
            result = try runInSlot(work, start: start, cancellation: cancellation, voice: voice)
        } catch {
            result = WorkResult(.failure(error))
        }
        result.ranNanoseconds = monotonicNanoseconds() - start
        return result
    }

    private func runInSlot(
        _ work: WorkItem, start: UInt64, cancellation: Cancellation, voice: AttemptVoice?
    ) throws(WorkFailure) -> WorkResult {
        guard let slot = slots.withLock({ $0.popLast() }) ?? WorkSlot() else {
            throw WorkFailure(
                .launch, "an event descriptor cannot be made: \(systemMessage(errno))")
        }
        if cancellation.register(slot.event) {
            slots.withLock { $0.append(slot) }
            throw WorkFailure(.cancelled, cancellation.reason ?? "cancelled")
        }
        defer {
            slot.clean(cancelled: cancellation.unregister(slot.event))
            slots.withLock { $0.append(slot) }
        }
        let attempt = Attempt(
            host: self, work: work, slot: slot, start: start, cancellation: cancellation,
            voice: voice)
        if case .noop(let spec) = work.run.content {
            return try attempt.sleep(spec.sleepNanoseconds)
        }
        defer { voice?.ended() }
        switch work.run.content {
        case .command(let spec): return try attempt.run(spec)
        case .native(let spec): return try attempt.run(spec)
        case .noop(let spec): return try attempt.sleep(spec.sleepNanoseconds)
        case .plugin(let spec): return try attempt.run(spec)
        }
    }
}

/// The value of an environment variable of this process.
func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
}

/// Finds programs on a search path, and remembers where.
final class ProgramSearch: Sendable {
    private struct Key: Hashable {
        var program: String
        var path: String
    }

    private let found = Mutex<[Key: String]>([:])

    /// The file to execute for `program`; one with a slash is the file itself.
    ///
    /// - Throws: `notFound`, permanent.
    func locate(_ program: String, path: String) throws(WorkFailure) -> String {
        if program.utf8.contains(UInt8(ascii: "/")) { return program }
        let key = Key(program: program, path: path)
        if let known = found.withLock({ $0[key] }) { return known }
        var refused: String?
        for folder in path.split(separator: ":", omittingEmptySubsequences: true) {
            let candidate = "\(folder)/\(program)"
            var status = stat()
            guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                continue
            }
            if access(candidate, X_OK) == 0 {
                found.withLock { $0[key] = candidate }
                return candidate
            }
            refused = refused ?? candidate
        }
        if let refused {
            throw WorkFailure(
                .notFound, "\(refused) is not executable; make it so with chmod +x")
        }
        throw WorkFailure(
            .notFound,
            "\(program): not found on PATH (\(path)); install it, or name it by its path, "
                + "for example ${pipeline.dir}/\(program)")
    }

    /// Forgets where `program` was, because it is not there any more.
    func forget(_ program: String, path: String) {
        _ = found.withLock { $0.removeValue(forKey: Key(program: program, path: path)) }
    }
}
