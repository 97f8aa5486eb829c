import CFanfoldSystem
import FanfoldJSON
@preconcurrency import Glibc
import Logging
import Synchronization

/// A running `fanfold-helper` with one plugin in it, seen from the host.
///
/// It ends with the thread that started it, with the host, or when the channel is closed: never
/// later.  Whoever started it calls ``end(_:during:)`` once.
final class HelperProcess: @unchecked Sendable {
    // Unchecked: one thread starts, receives and ends; sending is guarded by the channel.

    let channel: FrameChannel
    private let launch: HelperLaunch
    private let process: pid_t
    private let descriptor: Int32
    /// What it writes to standard output and error.
    private let output: Int32
    private var lastLines: [String] = []
    private var stoppedSince: UInt64?
    private(set) var wasStopped = false
    private let overdue = Atomic<UInt64>(0)

    /// Starts the program; it waits for `hello`.
    init(_ launch: HelperLaunch) throws(HelperStartFailure) {
        self.launch = launch
        var parts = HelperParts()
        defer { parts.closeAll() }
        channel = try parts.make()
        var spawn = fan_child()
        spawn.streams = (parts.nothing, parts.output, parts.output)
        spawn.more = (parts.theirs, parts.toHelper, parts.fromHelper, -1)
        let error = withArguments([launch.helperPath, "plugin"]) { arguments in
            withArguments(["LC_ALL=C"]) { environment in
                launch.helperPath.withCString { program in
                    "/".withCString { folder in
                        spawn.program = program
                        spawn.arguments = arguments
                        spawn.environment = environment
                        spawn.directory_path = folder
                        return fan_spawn(&spawn)
                    }
                }
            }
        }
        guard error == 0 else {
            throw HelperStartFailure("\(launch.helperPath): \(systemMessage(error))")
        }
        process = spawn.process
        descriptor = spawn.process_descriptor
        output = parts.takeOutput()
    }

    deinit {
        close(descriptor)
        close(output)
    }

    /// The id of the process, for messages and tests.
    var id: Int32 { process }

    /// Ends the channel because a call did not end within its limit; from any thread.
    func interrupt(_ limit: UInt64) {
        overdue.store(limit, ordering: .releasing)
        channel.shutDown()
    }

    /// The limit that ``interrupt(_:)`` named.
    var interrupted: UInt64? {
        let limit = overdue.load(ordering: .acquiring)
        return limit == 0 ? nil : limit
    }

    // MARK: Watching

    /// Whether a deadline must wait: somebody looks at the process with a debugger.
    var isTraced: Bool {
        status("TracerPid:").map { $0 != "0" } ?? false
    }

    /// Whether the process has been stopped (SIGSTOP) for longer than it may.
    func isStoppedTooLong(at now: UInt64) -> Bool {
        guard status("State:")?.hasPrefix("T") == true else {
            stoppedSince = nil
            return false
        }
        let since = stoppedSince ?? now
        stoppedSince = since
        wasStopped = now - since >= IsolationLimits.stoppedNanoseconds
        return wasStopped
    }

    private func status(_ field: String) -> String? {
        guard let text = readSmallFile("/proc/\(process)/status") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(field) {
            return String(line.dropFirst(field.count).drop { $0 == "\t" || $0 == " " })
        }
        return nil
    }

    // MARK: Log

    /// Takes a log line of the plugin.
    func takeLog(_ body: inout IncomingBody) throws(WireFault) {
        let level = Logger.Level(rawValue: try body.wire.text()) ?? .info
        let message = try body.wire.text()
        var metadata: Logger.Metadata = [:]
        for _ in 0..<(try body.wire.count(each: 8)) {
            let key = try body.wire.text()
            metadata[key] = .string(try body.wire.text())
        }
        if lastLines.count == IsolationLimits.rememberedLines { lastLines.removeFirst() }
        lastLines.append(metadata["text"].map { "\($0)" } ?? message)
        launch.logger.log(
            level: level, "\(message)",
            metadata: metadata.merging(["helper": "\(process)"]) { a, _ in a })
    }

    // MARK: Ending

    /// Ends the process, if it has not ended, and says how it did.
    func end(_ cause: HelperDeath.Cause?, during: String) -> HelperDeath {
        var cause = cause
        switch cause {
        case .hung, .stopped: abortForStack()
        default: break
        }
        let status = reap(kill: cause != nil)
        if cause == nil {
            let signal = status & 0x7F
            cause = signal != 0 ? .signal(signal) : .exit(status >> 8 & 0xFF)
        }
        return HelperDeath(
            cause: cause ?? .exit(0), during: during, lastLines: lastLines,
            report: writeReport(during))
    }

    /// Lets a helper whose channel was closed end its instance, and ends it if that takes long.
    func retire() {
        if fan_wait_readable(descriptor, 2 * CallLimits.cancelNanoseconds) == 0 {
            kill(process, SIGKILL)
        }
        _ = reap(kill: false)
    }

    /// Ends a helper that is not needed any more.
    ///
    /// Closing the channel lets it go by itself; what it still does is of no interest.
    func discard() {
        kill(process, SIGKILL)
        _ = reap(kill: false)
    }

    /// SIGABRT makes it write its stack; a stopped process must go on for that.
    private func abortForStack() {
        kill(process, SIGABRT)
        kill(process, SIGCONT)
        _ = fan_wait_readable(descriptor, IsolationLimits.abortNanoseconds)
    }

    private func reap(kill mustKill: Bool) -> Int32 {
        if mustKill { kill(process, SIGKILL) }
        // A channel that was closed without an end is an end that is under way.
        if fan_wait_readable(descriptor, IsolationLimits.abortNanoseconds) == 0 {
            kill(process, SIGKILL)
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }

    /// Keeps what the helper wrote, if it wrote anything.
    ///
    /// - Returns: where.
    private func writeReport(_ during: String) -> String? {
        let text = helperOutput()
        guard !text.isEmpty else { return nil }
        let name = launch.path.split(separator: "/").last.map(String.init) ?? "plugin"
        let path = "\(launch.reportDirectory)/crash-\(name)-\(process).txt"
        mkdir(launch.reportDirectory, 0o700)
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let head = Array("\(launch.path), in \(during)\n".utf8)
        let lines = lastLines.map { $0 + "\n" }.joined()
        let all = head + text + Array(lines.utf8)
        return all.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == all.count
            ? path : nil
    }

    private func helperOutput() -> [UInt8] {
        let size = min(Int(lseek(output, 0, SEEK_CUR)), IsolationLimits.outputBytes)
        guard size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, pread(output, buffer.baseAddress, size, 0))
        }
    }
}

/// Why no helper runs.
struct HelperStartFailure: Error {
    var message: String

    init(_ message: String) {
        self.message = message
    }
}

/// The descriptors of a helper to be; what is not handed on is closed.
private struct HelperParts {
    private(set) var nothing: Int32 = -1
    private(set) var theirs: Int32 = -1
    private(set) var output: Int32 = -1
    /// Belong to the channel once there is one.
    private(set) var toHelper: Int32 = -1
    private(set) var fromHelper: Int32 = -1

    /// Makes all of them.
    ///
    /// - Returns: the host's end.
    mutating func make() throws(HelperStartFailure) -> FrameChannel {
        nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        output = fan_memory_file("fanfold-helper-output", UInt64(IsolationLimits.outputBytes))
        guard nothing >= 0, output >= 0 else { throw Self.failure("no memory file") }
        let size = UInt64(IsolationLimits.arenaBytes)
        guard let outgoing = Self.arena("fanfold-to-helper", size, isWritable: true),
            let incoming = Self.arena("fanfold-from-helper", size, isWritable: false)
        else { throw Self.failure("no shared memory") }
        toHelper = outgoing.descriptor
        fromHelper = incoming.descriptor
        var ours: Int32 = -1
        errno = fan_frame_pair(&ours, &theirs)
        guard errno == 0 else { throw Self.failure("no socket") }
        fan_frame_set_tick(ours, IsolationLimits.tickMilliseconds)
        return FrameChannel(socket: ours, outgoing: outgoing, incoming: incoming)
    }

    /// Hands over the file that the helper writes to.
    mutating func takeOutput() -> Int32 {
        defer { output = -1 }
        return output
    }

    mutating func closeAll() {
        for descriptor in [nothing, theirs, output] where descriptor >= 0 { close(descriptor) }
    }

    private static func arena(_ name: String, _ size: UInt64, isWritable: Bool) -> Arena? {
        let file = fan_memory_file(name, size)
        guard file >= 0 else { return nil }
        if let arena = Arena(descriptor: file, isWritable: isWritable) { return arena }
        close(file)
        return nil
    }

    private static func failure(_ what: String) -> HelperStartFailure {
        HelperStartFailure("\(what): \(systemMessage(errno))")
    }
}

/// The name of a signal without `SIG`.
func signalName(_ number: Int32) -> String {
    fan_signal_name(number).map { String(cString: $0) } ?? "?"
}

/// Lends strings as a list that ends with NULL.
func withArguments<R>(
    _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
) -> R {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var list = copies + [nil]
    return list.withUnsafeMutableBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("a list has its NULL") }
        return body(UnsafePointer(start))
    }
}

/// A file of the kernel as text; `nil` if it cannot be read.
func readSmallFile(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let text = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
        count = max(0, read(file, buffer.baseAddress, 4096))
    }
    return String(decoding: text, as: UTF8.self)
}
