import CFanfoldSystem
@preconcurrency import Glibc

/// One attempt with what it works on.
struct Attempt {
    let host: ExecutorHost
    let work: WorkItem
    let slot: WorkSlot
    /// When it began, on the monotonic clock, in nanoseconds.
    let start: UInt64
    let cancellation: Cancellation
    /// Where what it says before its end goes.
    let voice: AttemptVoice?

    var deadline: UInt64? { work.timeoutNanoseconds.map { start &+ $0 } }

    /// How to start the child of the attempt; its strings are in the slot.
    struct Launch {
        var program: String
        var argumentCount: Int
        var directory: WorkDirectory
        /// A working directory other than `directory`.
        var directoryPath: String?
        /// What errors call the program.
        var name: String
    }

    /// What became of the child.
    struct End {
        var status: Int32
        var result: WorkResult
        var errorTail: String
    }

    /// Does nothing for a while.
    func sleep(_ nanoseconds: UInt64) throws(WorkFailure) -> WorkResult {
        let wake = start + nanoseconds
        let end = min(wake, deadline ?? wake)
        while true {
            let now = monotonicNanoseconds()
            if now >= end { break }
            if fan_wait_readable(slot.event, end - now) != 0 { throw cancelled() }
        }
        guard end == wake else { throw timedOut() }
        return WorkResult(.success(Payload.empty, .jsonl, items: 0))
    }

    /// Runs a child to its end.
    ///
    /// - Parameter input: writes the child's standard input to the closure that it gets; `nil` for a
    ///   child without.
    /// - Throws: why there was no child, or why it was ended.
    func runChild(
        _ launch: Launch,
        input: (((UnsafeRawBufferPointer) throws -> Void) throws -> Void)?
    ) throws(WorkFailure) -> (end: End, output: Payload) {
        let child = ChildRun(
            slot: slot, deadline: deadline, outputLimit: host.outputLimit,
            scratch: host.scratchDirectory, voice: voice,
            graphics: work.devices.isEmpty ? nil : host.graphicsMemory)
        let streams = try child.open(input: input != nil, nothing: host.nothing)
        if let input { try feed(child, launch, streams, input) }
        if !child.hasStarted { try launchChild(child, launch, streams) }
        guard let (status, usage) = child.finish() else {
            throw WorkFailure(
                .launch, "\(launch.name) did not disappear after SIGKILL",
                stderrTail: child.errorTail.text)
        }
        let tail = child.errorTail.text
        if let ending = child.ending { throw failure(of: ending, tail: tail) }
        var result = WorkResult(.success(Payload.empty, .bytes, items: 0))
        result.cpuNanoseconds = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
        result.peakMemoryBytes = max(
            peakMemory(usage, sampled: child.sampledPeakBytes), child.sampledTreeBytes)
        result.peakDeviceMemoryBytes = child.sampledDeviceBytes
        result.bytesIn = Int64(child.bytesIn)
        return (End(status: status, result: result, errorTail: tail), try child.takeOutputPayload())
    }

    private func feed(
        _ child: ChildRun, _ launch: Launch, _ streams: (Int32, Int32, Int32),
        _ input: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) throws(WorkFailure) {
        do {
            try input { bytes in
                try child.feed(bytes) { try launchChild(child, launch, streams) }
            }
        } catch is ChildRun.InputEnded {
            // Not to read its input is the child's right; what it writes and returns decides.
        } catch let error as WorkFailure {
            throw error
        } catch {
            let failure = WorkFailure(.inputInvalid, "the input cannot be given: \(error)")
            guard child.hasStarted else { throw failure }
            child.end(.failure(failure))
        }
        child.endInput()
    }

    private func launchChild(
        _ child: ChildRun, _ launch: Launch, _ streams: (Int32, Int32, Int32)
    ) throws(WorkFailure) {
        var spawn = fan_child()
        spawn.directory = launch.directory.descriptor
        spawn.streams = streams
        spawn.memory_limit_bytes = UInt64(max(0, work.memoryLimitBytes ?? 0))
        let cell = LiveGroups.takeCell()
        spawn.group_cell = LiveGroups.address(of: cell)
        let error = launch.program.withCString { program in
            slot.strings.withPointers(first: launch.argumentCount) { arguments, environment in
                guard let path = launch.directoryPath else {
                    return Attempt.start(&spawn, program, arguments, environment, nil)
                }
                return path.withCString {
                    Attempt.start(&spawn, program, arguments, environment, $0)
                }
            }
        }
        guard error == 0 else {
            LiveGroups.giveBack(cell)
            throw refusal(launch, step: spawn.step, error: error)
        }
        child.started(spawn, cell: cell)
    }

    private static func start(
        _ spawn: inout fan_child, _ program: UnsafePointer<CChar>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        _ environment: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
        _ directory: UnsafePointer<CChar>?
    ) -> Int32 {
        spawn.program = program
        spawn.arguments = UnsafePointer(arguments)
        spawn.environment = UnsafePointer(environment)
        spawn.directory_path = directory
        return fan_spawn(&spawn)
    }

    private func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_usec) * 1000
    }

    /// The child's own peak, in bytes; 0 if it is not known.
    ///
    /// The kernel counts into a child's peak what its parent had when the child executed its program.
    /// So a peak not above our own says nothing, and what was seen while it ran counts.
    private func peakMemory(_ usage: rusage, sampled: Int64) -> Int64 {
        var own = rusage()
        getrusage(RUSAGE_SELF.rawValue, &own)
        let kilobytes = usage.ru_maxrss
        return kilobytes > own.ru_maxrss ? Int64(kilobytes) * 1024 : sampled
    }
}
