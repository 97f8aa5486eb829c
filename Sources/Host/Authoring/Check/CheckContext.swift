import CPluginABI
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime
@preconcurrency import Glibc
import Logging

/// What a check is given: the file, the seed, and on demand the loaded library.
final class CheckContext: @unchecked Sendable {
    // Unchecked: a check runs on one thread at a time; threads it starts are joined.
    let path: String
    let seed: UInt64
    /// The library of the previous version.
    var since: String?
    private var library: CheckedLibrary?
    private var itemCounts: [String: Int] = [:]

    init(path: String, seed: UInt64) {
        self.path = path
        self.seed = seed
    }

    /// Where copies of libraries and reports of crashes are kept.
    static let cacheDirectory = "/tmp/fanfold-plugin-check-\(getuid())"

    /// The registry a host would use, with a cache of its own.
    func registry() -> PluginRegistry {
        PluginRegistry(
            searchPath: [], cacheDirectory: Self.cacheDirectory,
            wellKnownSchemas: PipelineSchema.wellKnown,
            logger: Logger(label: "plugin-check") { _ in SwiftLogNoOpLogHandler() })
    }

    /// The library, loaded as a host loads it.
    func loaded() throws -> CheckedLibrary {
        if let library { return library }
        CheckTrace.phase("being loaded")
        do {
            let plugin = try registry().load(path: path)
            let library = try CheckedLibrary(plugin)
            self.library = library
            return library
        } catch {
            throw CheckStop.failed(error.message)
        }
    }

    /// How many made-up items a task of this component has: enough for several subtasks, since the
    /// order of one result says nothing.
    func items(_ component: CheckedComponent, subtasks: (Int) throws -> Int) throws -> Int {
        let id = component.descriptor.id
        if let known = itemCounts[id] { return known }
        let enough = 5
        var items = 101
        while items < 10_000, try subtasks(items) < enough { items = items * 10 - 1 }
        itemCounts[id] = items
        return items
    }

    /// The components whose kind this contract knows.
    func components() throws -> [CheckedComponent] {
        let known = try loaded().components.filter { $0.interface != nil }
        guard !known.isEmpty else { throw CheckStop.skipped("it has no component of a known kind") }
        return known
    }

    /// The strategies in it.
    func strategies() throws -> [CheckedComponent] {
        let strategies = try loaded().components.filter { $0.descriptor.kind == .strategy }
        guard !strategies.isEmpty else { throw CheckStop.skipped("it has no strategy") }
        return strategies
    }
}

/// The last thing that the plugin was asked, so that a crash can be placed, and the outcome.
enum CheckTrace {
    /// How a child marks what it is about to do.
    static let mark = "\u{1}fanfold-check-phase "
    /// How a child marks its outcome.
    static let outcome = "\u{1}fanfold-check-outcome "
    /// Where the parent reads: a descriptor that a plugin does not write to by accident.
    nonisolated(unsafe) private(set) static var descriptor: Int32 = 1
    private static let firstDescriptor: Int32 = 200

    /// Moves the line to the parent out of the way: what is printed from now on goes nowhere.
    static func takeOver() {
        let line = fcntl(1, F_DUPFD_CLOEXEC, firstDescriptor)
        guard line >= 0 else { return }
        descriptor = line
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        if nowhere >= 0 {
            dup2(nowhere, 1)
            close(nowhere)
        }
    }

    /// Says that the plugin is in this phase from now on.
    static func phase(_ name: String) {
        write("\n" + mark + name + "\n")
    }

    /// Tells the parent how it went.
    static func finish(_ result: CheckOutcome) {
        write("\n" + outcome + result.json.text + "\n")
    }

    /// Writes at once: after a crash nothing is flushed.
    private static func write(_ text: String) {
        var text = text
        text.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}

/// A component with the pointers that a host holds.
struct CheckedComponent: @unchecked Sendable {
    // Unchecked: constant data of a library that is never unmapped.
    var descriptor: ComponentDescriptor
    var pointer: UnsafePointer<fan_component>
    var plugin: UnsafePointer<fan_plugin>

    /// The interface that a component of its kind has; `nil` for a kind of a newer contract.
    var interface: String? {
        switch descriptor.kind {
        case .strategy: "fanfold.strategy/1"
        case .provider: "fanfold.provider/1"
        case .executor: "fanfold.executor/1"
        case .policy: "fanfold.policy/1"
        case .unknown: nil
        }
    }

    /// The configurations to try: the schema's examples, and its defaults if they are complete.
    func configurations() throws -> [JSON] {
        guard let schema = descriptor.schema else { return [.object(JSONObject())] }
        var all = descriptor.configSchema?["examples"]?.arrayValue ?? []
        all.append(.object(JSONObject()))
        let complete = all.map { schema.fillingDefaults($0) }.filter {
            schema.validate($0).isEmpty
        }
        guard !complete.isEmpty else {
            throw CheckStop.skipped(
                "no configuration of \(descriptor.id) is complete without a person; "
                    + "give its schema an \"examples\" array")
        }
        return complete
    }
}

/// A loaded library and the table that its entry returned.
final class CheckedLibrary {
    typealias Entry = @convention(c) () -> UnsafePointer<fan_plugin>?

    let entry: Entry
    /// What `dlopen` answered.
    let handle: UnsafeMutableRawPointer
    let table: UnsafePointer<fan_plugin>
    let components: [CheckedComponent]

    init(_ plugin: LoadedPlugin) throws(PluginLoadError) {
        guard let handle = dlopen(plugin.library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let symbol = dlsym(handle, HostABI.entrySymbol)
        else { throw .noEntry(path: plugin.library, exports: []) }
        let entry = unsafeBitCast(symbol, to: Entry.self)
        guard let table = entry() else {
            throw .badTable(path: plugin.library, what: "\(HostABI.entrySymbol) returned NULL")
        }
        self.entry = entry
        self.handle = handle
        self.table = table
        var components: [CheckedComponent] = []
        for (index, descriptor) in plugin.components.enumerated() {
            guard let pointer = table.pointee.components[index] else { break }
            components.append(
                CheckedComponent(descriptor: descriptor, pointer: pointer, plugin: table))
        }
        self.components = components
    }
}
