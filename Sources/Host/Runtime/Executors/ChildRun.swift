import CFanfoldSystem
@preconcurrency import Glibc

/// One child process from its start to its end, driven by the thread that calls.
///
/// The child begins when its input does not fit in the pipe any more, or is complete.  From then on
/// every wait is one `poll` for all that can happen.
final class ChildRun {
    static let pollCount = 5
    private static let (inputPoll, outputPoll, errorPoll, processPoll, eventPoll) = (0, 1, 2, 3, 4)
    /// Shortest and longest time between looks at the memory of a running child, in nanoseconds.
    private static let lookNanoseconds: ClosedRange<UInt64> = 50_000_000...1_000_000_000

    /// Why we ended the child ourselves.
    enum Ending {
        case timeout
        case cancelled
        case outputTooLarge
        case failure(WorkFailure)
    }

    /// How far the ending of the child has come.
    private enum Phase {
        /// → ending on timeout, cancellation, too much output.
        case running
        /// SIGTERM was sent; → killed at the time given.
        case ending(killAt: UInt64)
        /// SIGKILL was sent; given up at the time given.
        case killed(giveUpAt: UInt64)
    }

    /// Thrown through the encoder when no more input is wanted.
    struct InputEnded: Error {}

    private let slot: WorkSlot
    private let deadline: UInt64?
    private let limit: Int
    private let voice: AttemptVoice?
    private var phase = Phase.running
    private(set) var ending: Ending?
    private(set) var output: OutputCollector
    private(set) var errorTail = Tail()
    private(set) var bytesIn = 0
    private(set) var sampledPeakBytes: Int64 = 0
    /// The most that the child and all below it had resident at one look.
    private(set) var sampledTreeBytes: Int64 = 0
    /// The most that they had of one GPU's memory at one look.
    private(set) var sampledDeviceBytes: Int64 = 0
    private let graphics: GraphicsMemory?
    private var tree: ProcessTree?
    private var process: Int32 = -1
    private var hasExited = false
    private var nextLook: UInt64 = 0
    private var lookInterval = lookNanoseconds.lowerBound
    private var streams: [Int32] = []

    init(
        slot: WorkSlot, deadline: UInt64?, outputLimit: Int, scratch: String,
        voice: AttemptVoice? = nil, graphics: GraphicsMemory? = nil
    ) {
        self.slot = slot
        self.graphics = graphics
        self.voice = voice
        self.deadline = deadline
        limit = outputLimit
        output = OutputCollector(
            buffer: slot.output, capacity: WorkSlot.bufferBytes, limit: outputLimit,
            scratch: scratch)
        for index in 0..<ChildRun.pollCount {
            slot.polls[index] = pollfd(fd: -1, events: 0, revents: 0)
        }
        slot.polls[ChildRun.eventPoll] = pollfd(fd: slot.event, events: Int16(POLLIN), revents: 0)
    }

    deinit {
        for index in 0..<ChildRun.eventPoll { closePoll(index) }
        for descriptor in streams { close(descriptor) }
        output.discard()
    }

    private func closePoll(_ index: Int) {
        if slot.polls[index].fd >= 0 { close(slot.polls[index].fd) }
        slot.polls[index].fd = -1
    }

    // MARK: Starting

    /// Makes the pipes; without `input` the child's standard input is `nothing`.
    func open(input: Bool, nothing: Int32) throws(WorkFailure) -> (Int32, Int32, Int32) {
        var childInput = nothing
        var childOutput: Int32 = -1
        var childError: Int32 = -1
        var error: Int32 = 0
        if input {
            error = fan_pipe_to_child(&childInput, &slot.polls[ChildRun.inputPoll].fd)
            if error == 0 { streams.append(childInput) }
        }
        if error == 0 {
            error = fan_pipe_from_child(&slot.polls[ChildRun.outputPoll].fd, &childOutput)
            if error == 0 { streams.append(childOutput) }
        }
        if error == 0 {
            error = fan_pipe_from_child(&slot.polls[ChildRun.errorPoll].fd, &childError)
            if error == 0 { streams.append(childError) }
        }
        guard error == 0 else {
            throw WorkFailure(.launch, "pipes cannot be made: \(systemMessage(error))")
        }
        slot.polls[ChildRun.outputPoll].events = Int16(POLLIN)
        slot.polls[ChildRun.errorPoll].events = Int16(POLLIN)
        return (childInput, childOutput, childError)
    }

    /// Whether the child was started.
    var hasStarted: Bool { process > 0 }

    /// Takes over a child that `fan_spawn` started.
    func started(_ spawn: fan_child, cell: Int?) {
        process = spawn.process
        LiveGroups.add(process, cell: cell)
        slot.polls[ChildRun.processPoll] = pollfd(
            fd: spawn.process_descriptor, events: Int16(POLLIN), revents: 0)
        for descriptor in streams { close(descriptor) }
        streams.removeAll()
        nextLook = monotonicNanoseconds() + lookInterval
    }

    // MARK: Running

    /// Writes `bytes` to the child's input; starts the child when the pipe is full.
    ///
    /// - Throws: `InputEnded` if the child reads no more, and what `start` throws.
    func feed(_ bytes: UnsafeRawBufferPointer, start: () throws -> Void) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard ending == nil, !hasExited else { throw InputEnded() }
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            let count = write(slot.polls[ChildRun.inputPoll].fd, chunk.baseAddress, chunk.count)
            if count >= 0 {
                bytesIn += count
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN:
                if hasStarted {
                    slot.polls[ChildRun.inputPoll].events = Int16(POLLOUT)
                    step()
                } else {
                    try start()
                }
            default: throw InputEnded()
            }
        }
    }

    /// Ends the child's input.
    func endInput() { closePoll(ChildRun.inputPoll) }

    /// Waits until the child has ended, or cannot be ended.
    ///
    /// - Returns: the status and what it used; `nil` if it did not disappear in time.
    func finish() -> (status: Int32, usage: rusage)? {
        endInput()
        while !hasExited {
            if case .killed(let giveUpAt) = phase, monotonicNanoseconds() >= giveUpAt { return nil }
            step()
        }
        // The leader is not reaped yet, so the number of the group cannot mean anyone else.
        kill(-process, SIGKILL)
        LiveGroups.remove(process)
        drain()
        var status: Int32 = 0
        var usage = rusage()
        while wait4(process, &status, 0, &usage) < 0 {
            guard errno == EINTR else { return nil }
        }
        return (status, usage)
    }

    /// What the child wrote to its standard output.
    func takeOutputPayload() throws(WorkFailure) -> Payload { try output.finish() }

    /// Ends the child because of `ending`: SIGTERM, and SIGKILL after the grace.
    func end(_ ending: Ending) {
        guard self.ending == nil else { return }
        self.ending = ending
        endInput()
        guard hasStarted else { return }
        kill(-process, SIGTERM)
        kill(-process, SIGCONT)
        phase = .ending(killAt: monotonicNanoseconds() + ExecutorLimits.graceNanoseconds)
    }

    /// Waits for the next thing to happen and deals with it.
    private func step() {
        let now = monotonicNanoseconds()
        let count = poll(slot.polls, nfds_t(ChildRun.pollCount), milliseconds(from: now))
        if count > 0 {
            takeOutput()
            if slot.polls[ChildRun.processPoll].revents != 0 { hasExited = true }
            if slot.polls[ChildRun.eventPoll].revents != 0 {
                slot.polls[ChildRun.eventPoll].fd = -1
                end(.cancelled)
            }
        }
        if !hasExited { checkTime() }
    }

    private func milliseconds(from now: UInt64) -> Int32 {
        var next = nextLook
        switch phase {
        case .running: if let deadline { next = min(next, deadline) }
        case .ending(let time), .killed(let time): next = min(next, time)
        }
        return next <= now ? 0 : Int32(min((next - now + 999_999) / 1_000_000, 1_000_000))
    }

    private func checkTime() {
        let now = monotonicNanoseconds()
        switch phase {
        case .running:
            if let deadline, now >= deadline { end(.timeout) }
        case .ending(let killAt):
            if now >= killAt {
                kill(-process, SIGKILL)
                phase = .killed(giveUpAt: now + ExecutorLimits.reapNanoseconds)
            }
        case .killed: break
        }
        if now >= nextLook {
            lookAtMemory()
            lookInterval = min(lookInterval * 2, ChildRun.lookNanoseconds.upperBound)
            nextLook = now + lookInterval
        }
    }

    private func lookAtMemory() {
        sampledPeakBytes = max(sampledPeakBytes, fan_process_peak_bytes(process))
        if tree == nil { tree = ProcessTree(root: process) }
        let now = monotonicNanoseconds()
        if let use = tree?.look(at: now) {
            sampledTreeBytes = max(sampledTreeBytes, use.memoryBytes)
        }
        if let graphics, let tree {
            sampledDeviceBytes = max(
                sampledDeviceBytes, graphics.bytes(of: tree.members, at: now))
        }
    }

    private func takeOutput() {
        let outputEvents = slot.polls[ChildRun.outputPoll].revents
        if outputEvents != 0 {
            // What a child writes last it writes with its memory full.
            if output.total == 0, outputEvents & Int16(POLLIN) != 0 { lookAtMemory() }
            readOutput()
        }
        if slot.polls[ChildRun.errorPoll].revents != 0 { readError() }
    }

    private func readOutput() {
        switch output.read(from: slot.polls[ChildRun.outputPoll].fd) {
        case .data: break
        case .end: closePoll(ChildRun.outputPoll)
        case .tooMuch:
            closePoll(ChildRun.outputPoll)
            end(.outputTooLarge)
        case .failed(let reason):
            closePoll(ChildRun.outputPoll)
            end(.failure(WorkFailure(.launch, reason)))
        }
    }

    private func readError() {
        let descriptor = slot.polls[ChildRun.errorPoll].fd
        let count = read(descriptor, slot.errorOutput, WorkSlot.bufferBytes)
        if count > 0 {
            let bytes = UnsafeRawBufferPointer(start: slot.errorOutput, count: count)
            errorTail.append(bytes)
            voice?.wrote(bytes)
        } else if count == 0 || errno != EINTR {
            closePoll(ChildRun.errorPoll)
        }
    }

    /// Takes what is left in the pipes.
    ///
    /// Does not wait for their end: a process that left the group
    /// may hold them.
    private func drain() {
        slot.polls[ChildRun.processPoll].revents = 0
        while slot.polls[ChildRun.outputPoll].fd >= 0 || slot.polls[ChildRun.errorPoll].fd >= 0 {
            guard poll(slot.polls + ChildRun.outputPoll, 2, 0) > 0 else { return }
            if slot.polls[ChildRun.outputPoll].revents != 0 { readOutput() }
            if slot.polls[ChildRun.errorPoll].revents != 0 { readError() }
        }
    }
}
