import FanfoldPlugins
@preconcurrency import Glibc
import Logging
import Testing

@testable import FanfoldRuntime

/// Pipelines from text, prepared and run with the plugins beside the tests.
enum EngineFixture {
    /// The folder of the tests' binary: everything that is built lies there.
    static let products: String = {
        guard let path = realpath("/proc/self/exe", nil) else { return "." }
        defer { free(path) }
        return String(cString: path).split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }()

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static let registry = PluginRegistry(
        searchPath: [products], cacheDirectory: products + "/engine-tests-cache",
        wellKnownSchemas: PipelineSchema.wellKnown,
        trust: TrustPolicy(bundledFolders: [products]), logger: logger)

    static func prepare(_ text: String, in folder: TemporaryFolder) throws -> PreparedRun {
        try PreparedRun(load(text, in: folder), registry: registry, logger: logger)
    }

    static func engine(
        _ run: PreparedRun, in folder: TemporaryFolder, workers: Int = 1, cores: Int64 = 2,
        callNanoseconds: UInt64 = 60_000_000_000
    ) -> Engine {
        let plans = (0..<workers).map { index in
            LocalWorkerPlan(
                name: "local-\(index)", milliCores: cores * 1000, memoryBytes: 4 << 30)
        }
        return Engine(
            run: run,
            options: EngineOptions(
                workers: plans, scratchDirectory: folder.path,
                helperPath: products + "/fanfold-helper", strategyCallNanoseconds: callNanoseconds))
    }

    /// Runs a pipeline to its end.
    static func run(_ text: String, in folder: TemporaryFolder) throws -> RunReport {
        engine(try prepare(text, in: folder), in: folder).execute()
    }

    /// A pipeline of one task `t`, whose other members are `members`, over `count` integers.
    static func oneTask(_ members: String, count: Int = 4) -> String {
        """
        fanfold: 1
        name: one
        inputs:
          n: {range: \(count)}
        tasks:
          t:
            input: ${inputs.n}
            strategy: {use: data-parallel, with: {size: {items: 1}, merge: concat}}
            \(members)
        outputs:
          o: {from: "${tasks.t.output}"}
        """
    }
}

extension RunReport {
    /// The text of an output; empty if there is none.
    func text(_ output: Int = 0) throws -> String {
        guard outputs.indices.contains(output) else { return "" }
        let data = outputs[output].data
        return String(
            decoding: try DataEncoding.bytes(of: [.slice(data.whole)], names: nil, as: .lines),
            as: UTF8.self)
    }
}
