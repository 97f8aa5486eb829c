import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc
import Logging

/// One plugin twice: in this process, and in helpers that are started for its instances.
struct HelperRig {
    /// How long one call may take in a helper, in nanoseconds: longer than any signal takes to work.
    static let callNanoseconds: UInt64 = 20_000_000_000
    /// How long a helper that was sent a deadly signal may take to end.
    static let endSeconds = 5

    let context: CheckContext
    let inside: LoadedPlugin
    let outside: LoadedPlugin

    /// Loads the library here, and has a helper describe it.
    init(_ context: CheckContext) throws {
        self.context = context
        guard let folder = Self.programFolder,
            access(folder + "/fanfold-helper", X_OK) == 0
        else {
            throw CheckStop.skipped(
                "there is no fanfold-helper beside this program; build it, or install both")
        }
        let helpers = HelperSettings(
            helperPath: folder + "/fanfold-helper",
            reportDirectory: CheckContext.cacheDirectory + "/crashes")
        CheckTrace.phase("being loaded")
        do {
            let registry = context.registry()
            inside = try registry.load(path: context.path)
            CheckTrace.phase("being loaded in a helper")
            outside = try registry.load(path: context.path, in: helpers)
        } catch {
            throw CheckStop.failed(error.message)
        }
    }

    private static var programFolder: String? {
        guard let path = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(path) }
        let text = String(cString: path)
        return text.lastIndex(of: "/").map { String(text[..<$0]) }
    }

    static let logger = Logger(label: "plugin-check") { _ in SwiftLogNoOpLogHandler() }

    /// An instance of a strategy, where `plugin` lives.
    static func strategy(
        _ component: CheckedComponent, _ configuration: JSON, in plugin: LoadedPlugin
    ) throws -> any StrategyCalls {
        do throws(PluginFailure) {
            return try plugin.makeStrategy(
                component.descriptor, configuration: configuration,
                callNanoseconds: callNanoseconds, metrics: LifeServices(CallWorld()),
                logger: logger)
        } catch {
            throw refusal(component, plugin, error)
        }
    }

    /// An instance of an executor or a provider, where `plugin` lives.
    static func calls(
        _ component: CheckedComponent, _ configuration: JSON, in plugin: LoadedPlugin,
        services: PluginServices
    ) throws -> any PluginCalls {
        do throws(PluginFailure) {
            return try plugin.makeCalls(
                component.descriptor, configuration: configuration, services: services,
                logger: logger)
        } catch {
            throw refusal(component, plugin, error)
        }
    }

    private static func refusal(
        _ component: CheckedComponent, _ plugin: LoadedPlugin, _ failure: PluginFailure
    ) -> CheckStop {
        let id = component.descriptor.id
        // Whether it makes an instance here is what other checks look at.
        guard plugin.launch != nil else {
            return .skipped("\(id) makes no instance: \(failure.message)")
        }
        return .failed(
            "create of \(id) fails in a helper, code \(failure.code), \(failure.reason): "
                + failure.message)
    }

    /// How often descriptors are counted again before they count as left open.
    private static let settleLooks = 500
    /// The time between two counts, in microseconds.
    private static let settleMicroseconds = 10_000

    /// Runs `body`, and sees to it that afterwards no helper of it is left, nor a descriptor.
    func leavingNothing(_ body: (HelperWatch) throws -> Void) throws {
        let watch = HelperWatch()
        let before = HelperWatch.openDescriptors
        try body(watch)
        if let left = watch.living.first {
            throw CheckStop.failed(
                "the helper \(left) is left running after its instance has ended")
        }
        // Threads that served a helper close its streams a little after it has ended.
        var after = HelperWatch.openDescriptors
        for _ in 0..<Self.settleLooks where after > before {
            usleep(UInt32(Self.settleMicroseconds))
            after = HelperWatch.openDescriptors
        }
        guard after <= before else {
            throw CheckStop.failed(
                "\(after - before) more descriptors are open than before the helpers were ended")
        }
    }
}

/// Sends signals to helpers, and remembers to which.
final class HelperWatch {
    private var known: Set<Int32> = []

    /// The helpers that are still there.
    var living: [Int32] { known.sorted().filter { kill($0, 0) == 0 } }

    /// Descriptors of this process.
    static var openDescriptors: Int {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count
    }

    /// Sends a signal to the helper that an instance lives in now.
    ///
    /// Returns: The helper; `nil` if there is none at the moment.
    @discardableResult
    func send(_ signal: Int32, to instance: AnyObject) -> Int32? {
        guard let process = (instance as? any LivesInHelper)?.processID else { return nil }
        known.insert(process)
        kill(process, signal)
        return process
    }

    /// Waits until a helper that was sent a deadly signal has ended, reaped or not.
    func awaitEnd(of process: Int32, after signal: Int32) throws {
        for _ in 0..<HelperRig.endSeconds * 1_000 {
            if Self.hasEnded(process) { return }
            usleep(1_000)
        }
        throw CheckStop.failed(
            "a helper that was sent signal \(signal) goes on after \(HelperRig.endSeconds) s: the "
                + "plugin has changed how the process takes it, which hides its own crashes")
    }

    /// Waits until an instance does not live in this helper any more.
    func awaitChange(of instance: AnyObject, from process: Int32, seconds: Int) throws {
        for _ in 0..<seconds * 1_000 {
            if (instance as? any LivesInHelper)?.processID != process { return }
            usleep(1_000)
        }
        throw CheckStop.failed("the host does not see the end of a helper within \(seconds) s")
    }

    private static func hasEnded(_ process: Int32) -> Bool {
        let file = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return true }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = max(0, read(file, &bytes, bytes.count))
        // The state stands after the name, which is in brackets and may hold anything.
        let rest = bytes[..<count]
        guard let bracket = rest.lastIndex(of: UInt8(ascii: ")")), bracket + 2 < count else {
            return true
        }
        return [UInt8(ascii: "Z"), UInt8(ascii: "X")].contains(rest[bracket + 2])
    }
}

/// Memory of the host that a plugin may read as long as somebody holds this.
final class LentBytes {
    let bytes: UnsafeRawBufferPointer
    private let memory: UnsafeMutableRawBufferPointer

    init(_ content: [UInt8]) {
        memory = .allocate(byteCount: max(1, content.count), alignment: 64)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(rebasing: memory[..<content.count])
    }

    deinit {
        memory.deallocate()
    }
}

extension ReceivedBlob {
    /// The bytes that it holds itself; empty for what is a reference.
    var content: [UInt8] {
        switch self {
        case .lent(let owner as LentBytes, let offset, let count):
            Array(owner.bytes[offset..<offset + count])
        case .bytes(let foreign): Array(foreign.bytes)
        default: []
        }
    }

    /// The part as a transcript shows it: the same wherever it came from.
    var text: String {
        switch self {
        case .lent, .bytes: return "bytes " + String(decoding: content, as: UTF8.self)
        case .items(let input, let from, let count): return "items \(input) \(from)+\(count)"
        case .result(let subtask, let part): return "result \(subtask).\(part)"
        case .structured(let foreign):
            do {
                let (kind, bytes) = try foreign.flattened()
                return "kind \(kind) " + bytes.map { String($0, radix: 16) }.joined(separator: " ")
            } catch {
                return "unreadable: \(error)"
            }
        case .file(let foreign, _, let offset, let count):
            return withExtendedLifetime(foreign) { "file \(offset)+\(count)" }
        case .none: return "nothing"
        case .unsupported(let kind): return "kind \(kind)"
        case .invalid(let why): return "invalid: \(why)"
        }
    }
}
