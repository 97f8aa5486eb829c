import CFanfoldSystem
import FanfoldJSON
import FanfoldPlugins
@preconcurrency import Glibc

/// Rents processes of this machine: each runs the boot script that a machine would run.
///
/// A worker is a folder: what it was rented as, its script, its log, and which process it is.  A
/// worker outlives the process that rented it, and is found again by its folder.
final class LocalFleet: Fleet {
    private let configuration: LocalConfiguration
    /// In which the settings say what a core costs.
    static let currency = "USD"

    private let folder: FleetFolder
    /// The folder of the program `fanfold`.
    private let programFolder: String

    /// How long a worker that has ended is remembered, in nanoseconds.
    private static let memoryNanoseconds: UInt64 = 3_600_000_000_000
    /// How long a process may take to say which it is, in nanoseconds.
    private static let startNanoseconds: UInt64 = 10_000_000_000
    /// The pause between two looks at a worker that is to end, in microseconds.
    private static let pauseMicroseconds: UInt32 = 20_000

    init(_ configuration: LocalConfiguration, folder: String, programFolder: String) {
        self.configuration = configuration
        self.folder = FleetFolder(path: folder)
        self.programFolder = programFolder
    }

    func close() {}

    func check() throws(PluginFailure) -> [RentalCheck] {
        let cores = Double(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let large = configuration.sizes.filter { $0.cpus > cores }.map(\.name)
        let program = programFolder + "/fanfold"
        return [
            RentalCheck(
                name: "program", isFine: access(program, X_OK) == 0,
                fix: "wanted a program at \(program)"),
            RentalCheck(
                name: "sizes", isFine: large.isEmpty,
                fix: "this machine has \(Int(cores)) core\(Int(cores) == 1 ? "" : "s"): make "
                    + large.joined(separator: ", ") + " smaller in /sizes"),
        ]
    }

    func offerings() throws(PluginFailure) -> [RentableOffering] {
        let isFree = try live().count < configuration.most
        let now = WallClock.text(WallClock.now())
        return configuration.sizes.compactMap { size in
            RentableOffering([
                "id": .string(size.name), "region": "local", "cpu": .number(size.cpus),
                "memory": .integer(size.memoryBytes),
                "price_per_hour": .number(configuration.pricePerHour * size.cpus),
                "currency": .string(Self.currency), "as_of": .string(now),
                "available": .bool(isFree),
                "boot_s": 2,
            ])
        }
    }

    func launch(_ request: RentalRequest) throws(PluginFailure) -> [RentedWorker] {
        let wanted = request.offerings.lazy.compactMap { id in
            self.configuration.sizes.first { $0.name == id }
        }.first
        guard let size = wanted else {
            throw PluginFailure(
                code: 3, reason: "request./offerings",
                message: "wanted one of "
                    + configuration.sizes.map(\.name).joined(separator: ", ") + ", found "
                    + request.offerings.joined(separator: ", "))
        }
        return try folder.locked { () throws(PluginFailure) in
            let others = try live().count { $0.token != request.token }
            let room = min(request.most, configuration.most - others)
            guard room >= max(1, request.least) else {
                throw .soldOut(
                    "\(others) of \(configuration.most) workers run already: raise most, or end "
                        + "some")
            }
            let stem = "local-" + Self.mark(of: request.token)
            for number in 0..<room { try make("\(stem)-\(number)", size, request) }
            return try all().filter { $0.token == request.token && $0.state != "gone" }
        }
    }

    private func make(
        _ name: String, _ size: LocalConfiguration.Size, _ request: RentalRequest
    ) throws(PluginFailure) {
        let place = "\(folder.path)/\(name)"
        try folder.make(place)
        // A worker that began is never begun again, whatever became of it.
        guard access(place + "/begun", F_OK) != 0 else { return }
        var tags = request.tags
        tags["token"] = request.token
        tags["offering"] = size.name
        tags["expires"] = request.expires
        tags["made"] = WallClock.text(WallClock.now())
        let text = JSON.object(
            JSONObject(tags.sorted { $0.key < $1.key }.map { ($0, .string($1)) }))
        try folder.write(request.boot, to: place + "/boot")
        try folder.write(text.prettyText, to: place + "/tags.json")
        try start(name, at: place)
    }

    /// What the process does first: only one of several may go on, and it says which it is.
    private static let beginning = """
        umask 077; mkdir "$1/begun" 2>/dev/null || exit 0
        read -r facts < "/proc/$$/stat" && echo "$facts" > "$1/process.new" \
        && mv "$1/process.new" "$1/process"; exec /bin/sh "$1/boot"
        """

    private func start(_ name: String, at place: String) throws(PluginFailure) {
        var environment = [
            "PATH=\(programFolder):/usr/local/bin:/usr/bin:/bin", "FANFOLD_STATE=\(place)/state",
            "FANFOLD_INSTANCE=\(name)", "FANFOLD_KEEP_MACHINE=1",
        ]
        for variable in ["HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR", "XDG_CONFIG_HOME"] {
            if let value = getenv(variable) {
                environment.append("\(variable)=\(String(cString: value))")
            }
        }
        environment += configuration.environment.map { "\($0)=\($1)" }
        let arguments = ["/bin/sh", "-c", Self.beginning, "fanfold-local", place]
        let code = DetachedProcess.start(arguments, environment, log: place + "/log")
        guard code == 0 else {
            throw .unavailable(
                "no process can be started: \(String(cString: strerror(code)))")
        }
    }

    func describe(
        _ query: RentedFleet.Query
    ) throws(PluginFailure) -> [RentedWorker] {
        let found = try all(owner: Self.owner(query))
        switch query {
        case .owner: return found
        case .token(let token): return found.filter { $0.token == token }
        case .ids(let ids):
            let known = Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
            return ids.compactMap { id in
                known[id] ?? RentedWorker(["id": .string(id), "state": "gone"])
            }
        }
    }

    private static func owner(_ query: RentedFleet.Query) -> String? {
        if case .owner(let owner) = query { owner } else { nil }
    }

    func terminate(_ ids: [String]) throws(PluginFailure) {
        let named: [String] = ids.filter(Self.isName).map { "\(folder.path)/\($0)" }
        let places = named.filter { (place: String) in access(place, F_OK) == 0 }
        let ending = places.compactMap(Self.begun).filter(\.isAlive)
        for process in ending { process.signal(SIGTERM) }
        let end = monotonicNanoseconds() + UInt64(configuration.graceSeconds) * 1_000_000_000
        while ending.contains(where: \.isAlive), monotonicNanoseconds() < end {
            usleep(Self.pauseMicroseconds)
        }
        for process in ending where process.isAlive { process.signalGroup(SIGKILL) }
        while ending.contains(where: \.isAlive),
            monotonicNanoseconds() < end + 5_000_000_000
        { usleep(Self.pauseMicroseconds) }
        if let stuck = ending.first(where: \.isAlive) {
            throw .unavailable("process \(stuck.process) does not end")
        }
        for place in places { Self.clear(place) }
    }

    /// The process of a worker that is to end; one that has not begun never will.
    private static func begun(at place: String) -> LocalProcess? {
        guard mkdir(place + "/begun", 0o700) != 0 else {
            mkdir(place + "/never", 0o700)
            return nil
        }
        // Between its beginning and its saying which it is there are a few milliseconds.
        let end = monotonicNanoseconds() + startNanoseconds
        while access(place + "/never", F_OK) != 0, monotonicNanoseconds() < end {
            if let process = LocalProcess(at: place) { return process }
            usleep(pauseMicroseconds)
        }
        return nil
    }

    /// What a worker leaves is removed, but its log and what it was.
    private static func clear(_ place: String) {
        for name in ["/state", "/boot"] { fan_remove_tree(place + name) }
    }

    private func live() throws(PluginFailure) -> [RentedWorker] {
        try all().filter { $0.state != "gone" }
    }

    /// Workers that are known, those that ended within the hour included.
    private func all(owner: String? = nil) throws(PluginFailure) -> [RentedWorker] {
        folder.names().filter(Self.isName).compactMap { name in
            let place = "\(folder.path)/\(name)"
            guard let tags = FleetFolder.json(place + "/tags.json") else { return nil }
            let state = Self.state(at: place)
            if state == "gone" {
                Self.clear(place)
                if Self.age(of: place) > Self.memoryNanoseconds {
                    fan_remove_tree(place)
                    return nil
                }
            }
            guard owner.map({ tags["owner"]?.stringValue == $0 }) ?? true else { return nil }
            return RentedWorker([
                "id": .string(name), "token": tags["token"] ?? "", "state": .string(state),
                "address": "127.0.0.1", "offering": tags["offering"] ?? "",
                "since": tags["made"] ?? "",
            ])
        }
    }

    private static func state(at place: String) -> String {
        if let process = LocalProcess(at: place) { return process.isAlive ? "running" : "gone" }
        if access(place + "/never", F_OK) == 0 { return "gone" }
        // Between the folder and the process there are a few milliseconds.
        return age(of: place) < startNanoseconds ? "starting" : "gone"
    }

    /// Nanoseconds since something changed in a folder.
    private static func age(of place: String) -> UInt64 {
        var facts = stat()
        guard stat(place, &facts) == 0 else { return .max }
        let changed = UInt64(facts.st_mtim.tv_sec) * 1_000_000_000 + UInt64(facts.st_mtim.tv_nsec)
        let now = WallClock.now()
        return now > changed ? now - changed : 0
    }

    private static func isName(_ name: String) -> Bool {
        name.hasPrefix("local-") && name.utf8.count <= 64
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D
            }
    }

    /// Sixteen digits that follow from a token.
    ///
    /// Source: FNV-1a.
    private static func mark(of token: String) -> String {
        let sum = token.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
