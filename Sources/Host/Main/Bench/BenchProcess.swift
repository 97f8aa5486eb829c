import CFanfoldSystem
import FanfoldRuntime
@preconcurrency import Glibc

/// A child of a measurement: this program with other arguments.
///
/// It is killed when this process ends, however that ends.  Belongs to the main thread.
final class BenchProcess {
    /// Its process id.
    let id: pid_t
    /// The file with what it wrote to its standard error.
    let log: String
    private var isOver = false

    /// Starts `fanfold` with these arguments.
    ///
    /// - Parameter folder: where `NAME.log` is written; its working directory.
    init(_ arguments: [String], name: String, in folder: String) throws {
        log = "\(folder)/\(name).log"
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        let errors = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        defer {
            close(null)
            close(errors)
        }
        var list: [UnsafeMutablePointer<CChar>?] =
            ([HostContext.executablePath] + arguments).map { strdup($0) } + [nil]
        defer { for text in list { free(text) } }
        var child = fan_child()
        child.streams = (null, errors, errors)
        child.more = (-1, -1, -1, -1)
        let problem = list.withUnsafeMutableBufferPointer { list in
            child.program = UnsafePointer(list[0])
            child.arguments = UnsafePointer(list.baseAddress)
            child.environment = UnsafePointer(environ)
            return folder.withCString { path in
                child.directory_path = path
                return fan_spawn(&child)
            }
        }
        guard problem == 0 else {
            throw BenchProblem("\(name) cannot be started: \(String(cString: strerror(problem)))")
        }
        close(child.process_descriptor)
        id = child.process
    }

    deinit { kill() }

    /// Ends it at once, and waits for it.
    func kill() { end(SIGKILL) }

    /// Sends it a signal and waits until it is gone.
    func end(_ signal: Int32) {
        guard !isOver else { return }
        isOver = true
        Glibc.kill(id, signal)
        var status: Int32 = 0
        while waitpid(id, &status, 0) == -1 && errno == EINTR {}
    }

    /// Whether it has ended by itself.
    var hasEnded: Bool {
        guard !isOver else { return true }
        var status: Int32 = 0
        isOver = waitpid(id, &status, WNOHANG) == id
        return isOver
    }

    /// What it wrote to its standard error so far; the first MiB.
    var errors: String {
        guard let file = fopen(log, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// Processor time it has had, in seconds.
    var processorSeconds: Double {
        guard let file = fopen("/proc/\(id)/stat", "r") else { return 0 }
        defer { fclose(file) }
        var line = [UInt8](repeating: 0, count: 4_096)
        let count = fread(&line, 1, line.count, file)
        let text = String(decoding: line.prefix(count), as: UTF8.self)
        // After the name, which may hold anything: fields 14 and 15, in clock ticks.
        let fields = (text.split(separator: ")").last ?? "").split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}

/// Why something cannot be measured.
struct BenchProblem: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
