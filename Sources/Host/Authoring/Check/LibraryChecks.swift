import CFanfoldSystem
import CPluginABI
import FanfoldPlugins
@preconcurrency import Glibc

/// Checks of loading the library and of asking it what it is.
enum LibraryChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "load-now-local", subject: .library,
            summary: "It loads with all symbols resolved and none shared.",
            consequence: "No host could load it.", body: load),
        CheckCase(
            name: "load-time", level: .should, subject: .library,
            summary: "Loading it and calling its entry take less than 50 ms.",
            consequence: "Every start of a host, and every list of plugins, would wait for it.",
            environments: [[], ["LD_BIND_NOW=1"], ["MALLOC_PERTURB_=85"]], body: loadTime),
        CheckCase(
            name: "scan-is-quiet", subject: .library,
            summary: "Loading it and calling its entry do nothing that can be seen from outside.",
            consequence: "A host that only lists its plugins would be changed by it.",
            body: quietScan),
        CheckCase(
            name: "entry-constant", subject: .library,
            summary:
                "The entry gives the same tables every time, on every thread, in every process.",
            consequence: "A host would act on a description that has changed meanwhile.",
            body: entryConstant),
        CheckCase(
            name: "process-manners", subject: .instance,
            summary: "Making instances and running a task leave the process as it was.",
            consequence: "Everything else in the host's process would behave differently.",
            body: ProcessManners.check),
    ]

    private static func load(_ context: CheckContext) throws -> CheckOutcome {
        let count = try context.loaded().components.count
        return count > 0 ? .passed("\(count) component(s)") : .failed("it lists no component")
    }

    /// The file as the dynamic linker wants it named.
    private static func file(_ context: CheckContext) -> String {
        context.path.contains("/") ? context.path : "./" + context.path
    }

    /// What a host does to learn what a plugin is, and nothing else.
    private static func scan(_ file: String) -> UnsafePointer<fan_plugin>? {
        guard let handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE),
            let symbol = dlsym(handle, HostABI.entrySymbol)
        else { return nil }
        return unsafeBitCast(symbol, to: CheckedLibrary.Entry.self)()
    }

    private static func loadTime(_ context: CheckContext) throws -> CheckOutcome {
        let file = file(context)
        // Time of this process alone: another one may be busy.
        func used() -> Int {
            var now = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
            return now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
        }
        CheckTrace.phase("being loaded")
        let start = used()
        guard scan(file) != nil else { return .skipped("it cannot be opened where it is") }
        let microseconds = used() - start
        let limit = 50_000
        guard microseconds < limit else {
            return .failed(
                "loading took \(microseconds / 1_000) ms of processor time; wanted less than "
                    + "\(limit / 1_000): load does no work and no I/O")
        }
        return .passed("\(microseconds) µs")
    }

    private static func quietScan(_ context: CheckContext) throws -> CheckOutcome {
        let file = file(context)
        CheckTrace.phase("being loaded under watch")
        let before = ProcessCounts()
        let refused = fan_scan_watch(CheckTrace.descriptor)
        guard scan(file) != nil else { return .skipped("it cannot be opened where it is") }
        let after = ProcessCounts()
        var found = (0..<fan_scan_count()).compactMap { index in
            fan_scan_what(index).map { String(cString: $0) }
        }
        if after.threads > before.threads { found.append("it leaves a thread running") }
        if after.descriptors > before.descriptors { found.append("it leaves a descriptor open") }
        guard found.isEmpty else {
            return .failed(
                "while it is loaded: \(found.joined(separator: ", ")); do that in create")
        }
        guard refused == 0 else {
            return .warning(
                "this kernel has no filter of system calls (\(String(cString: strerror(refused)))):"
                    + " only threads and descriptors were compared")
        }
        return .passed()
    }

    private static func entryConstant(_ context: CheckContext) throws -> CheckOutcome {
        let library = try context.loaded()
        let before = bytes(library.table)
        CheckTrace.phase("in fanfold_plugin_v1")
        for _ in 0..<1_000 where library.entry() != library.table {
            return .failed("\(HostABI.entrySymbol) returned another address the second time")
        }
        let others = (0..<8).map { _ in
            CheckThread {
                for _ in 0..<1_000 where library.entry() != library.table { return false }
                return true
            }
        }
        guard others.map({ $0.join() }).allSatisfy({ $0 }) else {
            return .failed("\(HostABI.entrySymbol) returned another address on another thread")
        }
        guard bytes(library.table) == before else {
            return .failed("the tables changed between two calls; they are constant data")
        }
        let other = CheckRunner(path: context.path, seed: context.seed).run(fingerprintCase)
        guard other.status == .passed else {
            return .failed("a second process cannot read it: \(other.message)")
        }
        guard other.message == fingerprint(library.table) else {
            return .failed(
                "another process is told something else; the tables are the same in every process")
        }
        return .passed()
    }

    /// Not a check: what a second process is told.
    static let fingerprintCase = CheckCase(
        name: "fingerprint", level: .should, subject: .library, summary: "", consequence: "",
        timeout: 10, body: { .passed(fingerprint(try $0.loaded().table)) })

    /// What the tables say, byte for byte, addresses included.
    private static func bytes(_ table: UnsafePointer<fan_plugin>) -> [UInt8] {
        var bytes = Array(
            UnsafeRawBufferPointer(start: table, count: MemoryLayout<fan_plugin>.size))
        var index = 0
        while let component = table.pointee.components[index] {
            bytes += UnsafeRawBufferPointer(
                start: component, count: MemoryLayout<fan_component>.size)
            bytes += texts(component.pointee)
            index += 1
        }
        return bytes
    }

    private static func texts(_ component: fan_component) -> [UInt8] {
        let texts: [UnsafePointer<CChar>?] = [
            component.id, component.version, component.summary, component.vendor,
            component.license, component.url, component.config_schema,
        ]
        var bytes: [UInt8] = []
        for text in texts {
            if let text { bytes += String(cString: text).utf8 }
            bytes.append(0)
        }
        return bytes
    }

    /// A number that follows from what the tables say, addresses left out.
    ///
    /// Source: FNV-1a, 64 bits.
    private static func fingerprint(_ table: UnsafePointer<fan_plugin>) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ bytes: [UInt8]) {
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        }
        var index = 0
        while let component = table.pointee.components[index] {
            let numbers = [component.pointee.kind, component.pointee.flags]
            add(numbers.flatMap { "\($0) ".utf8 } + texts(component.pointee))
            add(Array("\(component.pointee.needs_minor)".utf8))
            index += 1
        }
        return String(hash, radix: 16)
    }
}

/// How many of what a process has only so many of.
struct ProcessCounts {
    var threads = 0
    var descriptors = 0
    /// Size of its address space, in bytes.
    var addressBytes = 0

    init() {
        threads = Self.entries("/proc/self/task")
        descriptors = Self.entries("/proc/self/fd")
        if let file = fopen("/proc/self/statm", "r") {
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 128)
            if fgets(&line, Int32(line.count), file) != nil {
                let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
                addressBytes = (Int(text.prefix { $0 != " " }) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
            }
        }
    }

    private static func entries(_ path: String) -> Int {
        guard let folder = opendir(path) else { return 0 }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        return count
    }
}
