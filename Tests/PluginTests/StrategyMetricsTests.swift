import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Synchronization
import Testing

@testable import FanfoldPlugins

/// Writes down what is counted.
private final class KeepingMetrics: MetricsService {
    let lines = Mutex<[String]>([])

    func add(_ value: Double, to name: String, labels: JSON) {
        lines.withLock { $0.append("\(name) += \(value) \(labels.text)") }
    }

    func observe(_ value: Double, of name: String, labels: JSON) {
        lines.withLock { $0.append("\(name) <- \(value) \(labels.text)") }
    }

    /// How often each line came.
    var counts: [String: Int] {
        lines.withLock { lines in Dictionary(lines.map { ($0, 1) }, uniquingKeysWith: +) }
    }
}

/// Wants nothing.
private final class EmptySink: HostSink {
    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code { fan_code(FAN_OK) }

    func withdraw(_ id: UInt64) -> fan_code { fan_code(FAN_OK) }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code { fan_code(FAN_OK) }
}

/// What a strategy counts and measures reaches the host, wherever it lives.
@Suite(.timeLimit(.minutes(2))) struct StrategyMetricsTests {
    private let rig = IsolationRig()

    /// Counts in every `split`, and once when it is made; says what services there are.
    private static let counting = [
        "CREATE_BODY": """
        const fan_metrics *m = (const fan_metrics *)h->service(h, "fanfold.metrics/1"); \
        fan_view none = {0, 0}; if (m) m->add(h, "made", 1, none); \
        *out = (fan_instance *)calloc(1, 64); return FAN_OK;
        """,
        "SPLIT_BODY": """
        const fan_metrics *m = (const fan_metrics *)the_host->service(the_host, "fanfold.metrics/1"); \
        fan_view labels = {"{\\"kind\\":\\"a\\"}", 12}; *state = m ? FAN_SPLIT_MORE : FAN_SPLIT_END; \
        if (the_host->service(the_host, "fanfold.http/1")) return FAN_INTERNAL; \
        if (the_host->service(the_host, "fanfold.store/1")) return FAN_INTERNAL; \
        if (the_host->service(the_host, "fanfold.lane/1")) return FAN_INTERNAL; \
        if (m) { m->add(the_host, "splits", 2, labels); m->observe(the_host, "wanted", want, labels); } \
        return FAN_OK;
        """,
    ]

    private func strategy(
        _ home: Home, _ metrics: (any MetricsService)?
    ) throws -> any StrategyCalls {
        let plugin =
            home == .helper
            ? try rig.launch(Self.counting)
            : try registry(rig.folder).load(path: CPlugin.build(in: rig.folder, Self.counting))
        return try plugin.makeStrategy(
            plugin.component(), configuration: ["size": 4], callNanoseconds: 20_000_000_000,
            metrics: metrics, logger: rig.log.logger)
    }

    @Test(arguments: Home.allCases)
    func `a strategy counts without a grant, and is given no other service`(_ home: Home) throws {
        let metrics = KeepingMetrics()
        let strategy = try strategy(home, metrics)
        defer { strategy.destroy() }
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        for _ in 0..<3 {
            #expect(try strategy.split(task: 1, want: 5, sink: EmptySink()) == .more)
        }
        #expect(
            metrics.counts == [
                "made += 1.0 {}": 1, #"splits += 2.0 {"kind":"a"}"#: 3,
                #"wanted <- 5.0 {"kind":"a"}"#: 3,
            ])
    }

    @Test(arguments: Home.allCases)
    func `a host without metrics says so`(_ home: Home) throws {
        let strategy = try strategy(home, nil)
        defer { strategy.destroy() }
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        #expect(try strategy.split(task: 1, want: 5, sink: EmptySink()) == .end)
    }

    @Test func `what is told again to a new helper is not counted again`() throws {
        let metrics = KeepingMetrics()
        let strategy = try #require(try strategy(.helper, metrics) as? IsolatedStrategy)
        defer { strategy.destroy() }
        try strategy.begin(task: 1, spec: Array("{}".utf8), inputs: [])
        for _ in 0..<4 {
            kill(try #require(strategy.processID), SIGKILL)
            _ = try strategy.split(task: 1, want: 5, sink: EmptySink())
        }
        #expect(strategy.restarts == 4)
        #expect(metrics.counts["made += 1.0 {}"] == 1)
        #expect(metrics.counts[#"splits += 2.0 {"kind":"a"}"#] == 4)
    }

    @Test func `one call may count up to a limit, and what is past it is dropped`() {
        var kept = KeptFigures()
        let figure = Figure(isSample: false, value: 1, name: "a", labels: [:])
        for _ in 0..<IsolationLimits.figuresPerCall { kept.keep(figure) }
        #expect(kept.all.count == IsolationLimits.figuresPerCall)
        kept.keep(figure)
        #expect(kept.all.count == IsolationLimits.figuresPerCall)
    }
}
