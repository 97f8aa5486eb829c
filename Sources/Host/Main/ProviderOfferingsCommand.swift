import ArgumentParser
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime

/// `fanfold provider offerings`: what is for rent, at what price.
struct ProviderOfferingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "offerings",
        abstract: "Prints what is for rent, cheapest first, with the one that would be chosen.",
        discussion: """
            Effective prices count what an interruption costs: the half hour that is lost on \
            average, and another start, times how likely it is. `*` marks the one chosen: the \
            cheapest that is there and large enough.
            """)

    /// How firmly workers are rented.
    enum Market: String, ExpressibleByArgument, CaseIterable {
        case spot
        case onDemand = "on-demand"
    }

    @OptionGroup var target: ProviderOptions

    @Option(help: "Cores that a worker must have.")
    var cpus: Double = 0

    @Option(help: ArgumentHelp("Memory that it must have, such as 8GiB.", valueName: "size"))
    var memory: String?

    @Option(
        name: .customLong("gpus"), help: "GPUs that it must have.")
    var gpus: Double = 0

    @Option(help: "Only what is rented so: spot or on-demand.")
    var market: Market?

    @Option(help: "How many are printed.")
    var limit: Int = 20

    @Option(help: "How they are printed.")
    var output: OutputStyle = .table

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit: wanted 1 or more, found \(limit)") }
        if let memory, Sizes.bytes(memory) == nil {
            throw ValidationError("--memory: wanted \(Sizes.wanted), found \(memory)")
        }
    }

    func run() throws {
        let all = try target.asking { fleet throws(PluginFailure) in try fleet.offerings() }
        let bytes = memory.flatMap(Sizes.bytes) ?? 0
        let fitting = all.filter { offering in
            offering.cpu >= cpus && offering.memoryBytes >= bytes && offering.gpu >= gpus
                && (market.map { $0.rawValue == offering.market } ?? true)
        }.sorted { ($0.effectivePrice, $0.id) < ($1.effectivePrice, $1.id) }
        let chosen = fitting.first(where: \.isAvailable)
        let shown = fitting.prefix(limit)
        switch output {
        case .table: printTable(shown, of: fitting.count, chosen: chosen)
        case .json:
            Terminal.print(JSON.array(shown.map { json($0, chosen: chosen) }).prettyText)
        case .quiet: for offering in shown { Terminal.print(offering.id) }
        }
    }

    private func printTable(
        _ shown: ArraySlice<RentableOffering>, of count: Int, chosen: RentableOffering?
    ) {
        var table = TextTable([
            "", "offering", "cpus", "memory", "gpus", "market", "per hour", "effective", "price of",
        ])
        for offering in shown {
            table.add([
                offering == chosen ? "*" : "", offering.id, Self.number(offering.cpu),
                Human.bytes(offering.memoryBytes), Self.gpus(offering),
                offering.market + (offering.isAvailable ? "" : " (sold out)"),
                "\(Human.fixed(offering.pricePerHour, 4)) \(offering.currency)",
                Human.fixed(offering.effectivePrice, 4), String(offering.asOf.prefix(10)),
            ])
        }
        Terminal.print(table.text)
        if count > shown.count {
            Terminal.print("(\(count - shown.count) more; --limit shows them)")
        }
    }

    private func json(_ offering: RentableOffering, chosen: RentableOffering?) -> JSON {
        var json = JSONObject([
            ("id", .string(offering.id)), ("region", .string(offering.region)),
            ("zone", .string(offering.zone)), ("cpu", .number(offering.cpu)),
            ("memory", .integer(offering.memoryBytes)), ("gpu", .number(offering.gpu)),
            ("market", .string(offering.market)),
            ("price_per_hour", .number(offering.pricePerHour)),
            ("effective_price", .number(offering.effectivePrice)),
            ("currency", .string(offering.currency)), ("as_of", .string(offering.asOf)),
            ("available", .bool(offering.isAvailable)),
            ("interruption", .number(offering.interruption)),
            ("boot_s", .number(offering.bootSeconds)), ("chosen", .bool(offering == chosen)),
        ])
        if let memory = offering.gpuMemoryBytes { json["gpu_memory"] = .integer(memory) }
        return .object(json)
    }

    /// How many GPUs, and the memory of each where it is known.
    private static func gpus(_ offering: RentableOffering) -> String {
        let count = number(offering.gpu)
        guard offering.gpu > 0, let memory = offering.gpuMemoryBytes else { return count }
        return "\(count) × \(Human.bytes(memory))"
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : Human.fixed(value, 2)
    }
}
