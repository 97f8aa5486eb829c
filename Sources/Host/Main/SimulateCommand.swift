import ArgumentParser
import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldRuntime
import FanfoldSimulation

/// `fanfold simulate`: the coordinator, or its pools of workers, in a made-up world; the same seed
/// gives the same world.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract:
            "Runs the coordinator in a made-up world with faults, or pools of workers under a workload.",
        discussion: """
            With WORKLOAD, a file of at_s,count,cpus,memory_mib,seconds[,gpus[,deadline_s]], the scaler \
            decides about the pools of the settings, whose providers must be `use: fake`. --prices has \
            offering,from_s,price, and --interrupts offering,from_s,to_s: times at which all machines \
            of a spot offering are taken back and there are none. See docs/scaling.md.
            """)

    @Argument(help: "A file of work that comes; without it, the coordinator's own simulation.")
    var workload: String?

    @OptionGroup var host: HostOptions

    @Option(help: ArgumentHelp("What offerings cost from when on.", valueName: "file"))
    var prices: String?

    @Option(help: ArgumentHelp("When spot offerings are taken back.", valueName: "file"))
    var interrupts: String?

    @Option(help: ArgumentHelp("When the world ends at the latest.", valueName: "time"))
    var until = "30d"

    @Option(help: "The first seed.")
    var seed: UInt64 = 0

    @Option(help: "How many seeds, counting up.")
    var count: UInt64 = 1

    @Option(help: "How the world of a workload is printed.")
    var output: OutputStyle = .table

    func run() throws {
        if let workload { return try runWorkload(workload) }
        var isFine = true
        for seed in seed..<(seed + max(1, count)) {
            var simulation = Simulation(seed: seed)
            let report = simulation.run()
            Terminal.print(
                "seed \(seed): transcript \(String(report.transcriptHash, radix: 16)), "
                    + "\(report.events) events, \(Human.count(report.problems.count, "problem"))")
            for problem in report.problems {
                isFine = false
                Terminal.print("  \(problem)")
            }
        }
        if !isFine { throw Exit.runFailed }
    }

    private func runWorkload(_ path: String) throws {
        guard let end = SchemaFormat.nanoseconds(until), end > 0 else {
            throw ValidationError("--until: wanted a time such as 30d, found \(until)")
        }
        let context = try HostContext(host)
        defer { context.removeScratch() }
        var isFine = true
        do {
            let arrivals = try ScalingWorldFiles.workload(path)
            let prices = try prices.map(ScalingWorldFiles.prices) ?? [:]
            let interrupts = try interrupts.map(ScalingWorldFiles.interrupts) ?? [:]
            for seed in seed..<(seed + max(1, count)) {
                let (settings, clouds) = try Self.world(
                    context.settings, prices, interrupts, seed: seed)
                var simulation = ScalingSimulation(
                    arrivals, settings: settings, clouds: clouds, seed: seed)
                let report = simulation.run(until: UInt64(end))
                SimulationText.show(report, seed: seed, output)
                isFine = isFine && report.problems.isEmpty
            }
        } catch let problem as ScalingWorldFiles.Problem {
            Terminal.complain("error: \(problem)")
            throw Exit.usage
        }
        if !isFine { throw Exit.runFailed }
    }

    /// The pools of the settings, and a cloud for each.
    private static func world(
        _ settings: Settings, _ prices: [String: [FakeCloud.Price]],
        _ interrupts: [String: [Range<UInt64>]], seed: UInt64
    ) throws -> (ScalingSettings, [String: FakeCloud]) {
        var scaling = settings.scaling.settings
        var clouds: [String: FakeCloud] = [:]
        guard !settings.pools.isEmpty else {
            throw ScalingWorldFiles.Problem(
                description: "the settings name no pools; see docs/scaling.md")
        }
        for declared in settings.pools {
            guard let provider = settings.providers.first(where: { $0.name == declared.provider }),
                let fake = FakeConfiguration(provider)
            else {
                throw ScalingWorldFiles.Problem(
                    description: "/pools/\(declared.name)/provider: wanted a provider with "
                        + "use: fake, whose offerings say what the world has for rent")
            }
            var cloud = fake.cloud(began: 0)
            cloud.seed = seed
            for place in cloud.kinds.indices {
                let name = cloud.kinds[place].name
                cloud.kinds[place].prices += prices[name] ?? []
                cloud.kinds[place].outages += interrupts[name] ?? []
            }
            let pool = declared.simulated(cloud)
            guard !pool.offerings.isEmpty else {
                throw ScalingWorldFiles.Problem(
                    description: "/pools/\(declared.name)/offerings: none of "
                        + cloud.kinds.map(\.name).joined(separator: ", ") + " is taken")
            }
            scaling.pools.append(pool)
            clouds[declared.name] = cloud
        }
        if let problem = scaling.problem { throw ScalingWorldFiles.Problem(description: problem) }
        return (scaling, clouds)
    }
}

/// What became of a simulated world, for people and programs.
enum SimulationText {
    static func show(_ report: ScalingReport, seed: UInt64, _ style: OutputStyle) {
        switch style {
        case .json: Terminal.print(json(report, seed).prettyText)
        case .quiet: Terminal.print(Human.fixed(Double(report.spentMicros) / 1e6, 4))
        case .table:
            let waited = report.begun > 0 ? report.waitedNanoseconds / Double(report.begun) : 0
            Terminal.print(
                """
                seed \(seed) (fake)
                jobs      \(report.done) done, \(report.waitingAtEnd) never began, \
                \(report.begunAgain) began again
                time      \(report.seconds) s, the last job ended at \
                \(report.lastEnd / 1_000_000_000) s
                waited    \(Human.fixed(waited / 1e9, 1)) s on average, \
                \(Human.fixed(Double(report.longestWaitNanoseconds) / 1e9, 1)) s at most
                workers   \(report.mostWorkers) at most, \(report.launched) launched in \
                \(report.launches) launches, \(report.refused) refused
                removed   \(report.drains) drained, \(report.cancelledDrains) taken back, \
                \(report.ends) ended, \(report.aliveAtEnd) left
                cost      \(Human.fixed(Double(report.spentMicros) / 1e6, 4)), of which \
                \(Human.fixed(Double(report.spotMicros) / 1e6, 4)) for spot
                """)
            if report.deadlines > 0 {
                Terminal.print("deadlines \(report.deadlines), \(report.late) missed")
            }
            for problem in report.problems { Terminal.print("problem: \(problem)") }
        }
    }

    private static func json(_ report: ScalingReport, _ seed: UInt64) -> JSON {
        [
            "fake": true, "seed": .string("\(seed)"), "seconds": .integer(Int64(report.seconds)),
            "done": .integer(Int64(report.done)),
            "never_began": .integer(Int64(report.waitingAtEnd)),
            "began_again": .integer(Int64(report.begunAgain)),
            "lost_s": .number(Double(report.lostNanoseconds) / 1e9),
            "last_end_s": .number(Double(report.lastEnd) / 1e9),
            "mean_wait_s": .number(
                report.begun > 0 ? report.waitedNanoseconds / Double(report.begun) / 1e9 : 0),
            "longest_wait_s": .number(Double(report.longestWaitNanoseconds) / 1e9),
            "most_workers": .integer(Int64(report.mostWorkers)),
            "launches": .integer(Int64(report.launches)),
            "launched": .integer(Int64(report.launched)),
            "refused": .integer(Int64(report.refused)),
            "drains": .integer(Int64(report.drains)),
            "drains_taken_back": .integer(Int64(report.cancelledDrains)),
            "ends": .integer(Int64(report.ends)),
            "left": .integer(Int64(report.aliveAtEnd)),
            "cost": .number(Double(report.spentMicros) / 1e6),
            "spot_cost": .number(Double(report.spotMicros) / 1e6),
            "deadlines": .integer(Int64(report.deadlines)), "late": .integer(Int64(report.late)),
            "problems": .array(report.problems.map { .string($0) }),
        ]
    }
}
