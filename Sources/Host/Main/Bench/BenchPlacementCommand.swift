import ArgumentParser
import FanfoldCore

/// `fanfold bench placement`: how much of a GPU cluster each policy fills, on a trace.
struct BenchPlacementCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "placement",
        abstract: "Measures how much of a GPU cluster the placement policies fill, on a trace.",
        discussion: """
            The trace is a folder with nodes_gpu.csv (sn, cpu_milli, memory_mib, gpu, model), \
            pods/openb_pod_list_VARIANT.csv (cpu_milli, memory_mib, num_gpu, gpu_milli, gpu_spec) \
            and, if there, published/analysis_allo_discrete.csv; each plain or .gz. All pods \
            arrive in a random order, then any of them again, until they ask for the target; none \
            leaves. fgd is told what is typical of the trace, as published; keep-usable learns it \
            from what arrives.
            """)

    @Argument(help: "The trace.", completion: .directory)
    var trace: String

    @Option(parsing: .upToNextOption, help: "Policies; all of them unless told otherwise.")
    var policy: [PlacementPolicy] = []

    @Option(parsing: .upToNextOption, help: "Variants of the trace, or all.")
    var variant = ["default"]

    @Option(help: "How many orders of arrival, from seed 42 on; 1 to 10,000.")
    var seeds = 10

    @Option(help: "What arrives in all, in parts of the cluster's GPUs: 0.1 to 10.")
    var target = 1.3

    @Flag(help: "Shuffle the names of nodes, of which the least wins a tie.")
    var shuffled = false

    func validate() throws {
        guard (1...10_000).contains(seeds) else {
            throw ValidationError("--seeds: wanted 1 to 10000")
        }
        guard (0.1...10).contains(target) else {
            throw ValidationError("--target: wanted 0.1 to 10")
        }
        guard !variant.isEmpty else { throw ValidationError("--variant: wanted one or more") }
    }

    func run() throws {
        #if DEBUG
            Terminal.print("warning: a debug build; its times say nothing")
        #endif
        let bench = PlacementBench(
            folder: trace, policies: policy.isEmpty ? PlacementPolicy.allCases : policy,
            seeds: (0..<UInt64(seeds)).map { 42 + $0 }, target: target, isShuffled: shuffled,
            print: { Terminal.print($0) })
        do {
            let all = variant == ["all"] ? PlacementTrace.variants(in: trace) : variant
            guard !all.isEmpty else {
                throw TraceFile.Failure(
                    description: "\(trace): wanted a folder with pods/openb_pod_list_VARIANT.csv, "
                        + "found none there")
            }
            try bench.measure(all)
        } catch {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }
}

extension PlacementPolicy: ExpressibleByArgument {}
