import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime
@preconcurrency import Glibc

/// `fanfold provider launch`: rents workers by hand.
struct ProviderLaunchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "Rents workers; the same --token again gives the same ones.",
        discussion: """
            The boot data holds the join string, which is to be a one-time one: see `fanfold token`. \
            A worker that has lost its coordinator for --lease ends its machine.
            """)

    @OptionGroup var target: ProviderOptions

    @Option(
        name: .customLong("offering"),
        help: ArgumentHelp("What is rented, best first.", valueName: "id"))
    var offerings: [String]

    @Option(help: "How many, at the most.")
    var count: Int = 1

    @Option(help: "How many, at the least; as many as --count unless said.")
    var min: Int?

    @Option(help: "Whose they are: by this they are found again.")
    var owner: String = "fanfold"

    @Option(
        help: ArgumentHelp("The UUID of this launch; a new one unless said.", valueName: "uuid"))
    var token: String?

    @Option(
        help: ArgumentHelp("The join string of the coordinator.", valueName: "string"))
    var join: String?

    @Option(
        name: .customLong("join-file"),
        help: ArgumentHelp("A file with the join string.", valueName: "file"),
        completion: .file())
    var joinFile: String?

    @Option(
        help: ArgumentHelp(
            "Where a worker gets the program if its image has none.", valueName: "url"))
    var program: String?

    @Option(help: ArgumentHelp("The SHA-256 of that archive.", valueName: "digits"))
    var programSHA256: String?

    @Option(help: ArgumentHelp("A boot script of your own instead.", valueName: "file"))
    var boot: String?

    @Option(help: "How long a worker stays without its coordinator.")
    var lease: String = "15m"

    @Option(help: "How they are printed.")
    var output: OutputStyle = .table

    func validate() throws {
        guard !offerings.isEmpty else {
            throw ValidationError("--offering: wanted one or more; see fanfold provider offerings")
        }
        guard count > 0, min.map({ (0...count).contains($0) }) ?? true else {
            throw ValidationError("wanted 0 <= --min <= --count and --count above 0")
        }
        guard boot != nil || join != nil || joinFile != nil else {
            throw ValidationError("wanted --join, --join-file or --boot")
        }
        guard (program == nil) == (programSHA256 == nil) else {
            throw ValidationError("--program and --program-sha256 go together")
        }
    }

    func run() throws {
        let seconds = try leaseSeconds()
        let request = RentalRequest(
            token: token ?? Self.newToken(), offerings: offerings, least: min ?? count,
            most: count, boot: try bootText(seconds), tags: ["owner": owner],
            expires: Self.time(after: seconds))
        Terminal.complain("launch \(request.token)")
        let workers = try target.asking { fleet throws(PluginFailure) in
            try fleet.launch(request)
        }
        ProviderDescribeCommand.show(workers, output)
    }

    private func leaseSeconds() throws -> Int64 {
        guard let time = SchemaFormat.nanoseconds(lease), time >= 60_000_000_000 else {
            throw ValidationError("--lease: wanted a minute or more such as 15m, found \(lease)")
        }
        return time / 1_000_000_000
    }

    private func bootText(_ seconds: Int64) throws -> String {
        if let boot { return try Self.text(boot) }
        let string = try joinFile.map(Self.text) ?? join ?? ""
        var data = BootData(join: string.split(whereSeparator: \.isWhitespace).joined())
        data.leaseSeconds = seconds
        data.program = program ?? ""
        data.programSHA256 = programSHA256 ?? ""
        do throws(BootProblem) {
            return try data.script()
        } catch {
            throw ValidationError(error.description)
        }
    }

    private static func text(_ path: String) throws -> String {
        do throws(SmallFile.Problem) {
            return try SmallFile.text(path)
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// A UUID of version 4.
    ///
    /// Source: RFC 9562, section 5.4.
    private static func newToken() -> String {
        var random = SystemRandomNumberGenerator()
        func hex(_ digits: Int) -> String {
            let text = String(random.next() | 1 << 63, radix: 16)
            return String(text.suffix(digits))
        }
        return "\(hex(8))-\(hex(4))-4\(hex(3))-a\(hex(3))-\(hex(12))"
    }

    /// The time from now, in UTC by RFC 3339.
    private static func time(after seconds: Int64) -> String {
        var time = time_t(Int64(Glibc.time(nil)) + seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        var text = [UInt8](repeating: 0, count: 32)
        let count = text.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                strftime($0.baseAddress, $0.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
            }
        }
        return String(decoding: text.prefix(count), as: UTF8.self)
    }
}

/// `fanfold provider describe`: how workers are.
struct ProviderDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Prints the workers of an owner, of a launch, or by id.")

    @OptionGroup var target: ProviderOptions

    @Option(help: "Whose workers.")
    var owner: String?

    @Option(help: ArgumentHelp("Those of this launch.", valueName: "uuid"))
    var token: String?

    @Option(name: .customLong("id"), help: "The worker with this id.")
    var ids: [String] = []

    @Option(help: "How they are printed.")
    var output: OutputStyle = .table

    func validate() throws {
        guard [owner != nil, token != nil, !ids.isEmpty].count(where: { $0 }) == 1 else {
            throw ValidationError("wanted one of --owner, --token and --id")
        }
    }

    func run() throws {
        let workers = try target.asking { fleet throws(PluginFailure) in
            try fleet.describe(query)
        }
        Self.show(workers, output)
    }

    private var query: RentedFleet.Query {
        if let owner { return .owner(owner) }
        if let token { return .token(token) }
        return .ids(ids)
    }

    /// Prints workers.
    static func show(_ workers: [RentedWorker], _ output: OutputStyle) {
        switch output {
        case .table:
            var table = TextTable(["id", "state", "offering", "address", "since"])
            for worker in workers {
                table.add([
                    worker.id, worker.state, worker.offering, worker.address, worker.since,
                ])
            }
            Terminal.print(table.text)
        case .json: Terminal.print(JSON.array(workers.map(\.json)).prettyText)
        case .quiet: for worker in workers { Terminal.print(worker.id) }
        }
    }
}

/// `fanfold provider terminate`: ends workers.
struct ProviderTerminateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "terminate", abstract: "Ends workers; one that is gone already is ended.")

    @OptionGroup var target: ProviderOptions

    @Option(help: "All workers of this owner that are not gone.")
    var owner: String?

    @Option(name: .customLong("id"), help: "The worker with this id.")
    var ids: [String] = []

    func validate() throws {
        guard (owner != nil) != !ids.isEmpty else {
            throw ValidationError("wanted either --owner or --id")
        }
    }

    func run() throws {
        let ended = try target.asking { fleet throws(PluginFailure) -> [String] in
            var ids = self.ids
            if let owner {
                ids = try fleet.describe(.owner(owner)).filter { $0.state != "gone" }.map(\.id)
            }
            if !ids.isEmpty { try fleet.terminate(ids) }
            return ids
        }
        for id in ended { Terminal.print(id) }
    }
}
