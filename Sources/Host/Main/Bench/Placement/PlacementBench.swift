import FanfoldCore

/// `fanfold bench placement`: the published table, with the figures that were published beside.
struct PlacementBench {
    let folder: String
    let policies: [PlacementPolicy]
    let seeds: [UInt64]
    let target: Double
    let isShuffled: Bool
    /// Called with each line as soon as it is known.
    let print: (String) -> Void

    /// The published names of the policies.
    private static let published: [PlacementPolicy: String] = [
        .random: "01-Random", .dotProduct: "02-DotProd", .clustering: "03-GpuClustering",
        .packing: "04-GpuPacking", .bestFit: "05-BestFit", .fgd: "06-FGD",
    ]

    /// Percents of the GPUs at which the columns are; the last is all that arrives.
    private var columns: [Int] {
        let last = Int(target * 100)
        return [95, 100].filter { $0 < last } + [last]
    }

    /// Measures the variants one after the other.
    func measure(_ variants: [String]) throws(TraceFile.Failure) {
        let ties = isShuffled ? "nodes' names shuffled" : "by nodes' names"
        print(
            "GPU allocation in % when so many % have arrived, mean of \(seeds.count) seeds, "
                + "ties \(ties)")
        print(
            row(
                ["trace", "policy"] + columns.map { "@\($0)" } + ["sd"]
                    + columns.map { "pub@\($0)" } + ["rejected", "ms/run"]))
        let results = TraceFile.first(of: [
            folder + "/published/analysis_allo_discrete.csv",
            folder + "/published/analysis_allo_discrete.csv.gz",
        ])
        let file: TraceFile? =
            if let results { try TraceFile(results) } else { nil }
        for variant in variants {
            let trace = try PlacementTrace.read(folder, variant: variant)
            for policy in policies {
                print(try measure(policy, trace, published: file))
            }
        }
    }

    private func measure(
        _ policy: PlacementPolicy, _ trace: PlacementTrace, published: TraceFile?
    ) throws(TraceFile.Failure) -> String {
        let bench = PlacementProtocol(trace: trace, target: target, isShuffled: isShuffled)
        var outcomes: [PlacementProtocol.Outcome] = []
        let time = seconds { outcomes = seeds.map { bench.run(policy, seed: $0) } }
        let published = try figures(policy, trace.variant, published)
        let count = Double(seeds.count)
        let means = columns.map { at in outcomes.reduce(0) { $0 + $1.curve[at] } / count }
        let column = columns.contains(100) ? 100 : Int(target * 100)
        let mean = outcomes.reduce(0) { $0 + $1.curve[column] } / count
        let squares = outcomes.reduce(0) {
            $0 + ($1.curve[column] - mean) * ($1.curve[column] - mean)
        }
        return row(
            [trace.variant, policy.rawValue] + means.map { Human.fixed($0, 2) }
                + [Human.fixed((squares / count).squareRoot(), 2)] + published
                + [
                    Human.fixed(outcomes.reduce(0) { $0 + $1.rejected } / count, 2),
                    Human.fixed(1000 * time / count, 0),
                ])
    }

    /// The means of what was published; `-` where there is nothing.
    private func figures(
        _ policy: PlacementPolicy, _ variant: String, _ file: TraceFile?
    ) throws(TraceFile.Failure) -> [String] {
        guard let file, let name = Self.published[policy] else { return columns.map { _ in "-" } }
        let wanted = columns.filter { file.names.contains("\($0)") }
        let rows = try file.rows(["workload", "sc_policy"] + wanted.map { "\($0)" }).filter {
            $0[0] == "openb_pod_list_\(variant)" && $0[1] == name
        }
        return columns.map { column in
            guard let place = wanted.firstIndex(of: column), !rows.isEmpty else { return "-" }
            let sum = rows.reduce(0) { $0 + (Double($1[place + 2]) ?? 0) }
            return Human.fixed(sum / Double(rows.count), 2)
        }
    }

    private func row(_ fields: [String]) -> String {
        fields.enumerated().map { index, field in
            let blanks = String(repeating: " ", count: max(1, (index < 2 ? 13 : 9) - field.count))
            return index < 2 ? field + blanks : blanks + field
        }.joined()
    }
}
