import FanfoldJSON
import FanfoldPlugins
import Logging
import Testing

@testable import FanfoldServices

@Suite struct `Figures of components` {
    private let registry = MetricsRegistry()

    private var service: CountingMetricsService {
        CountingMetricsService(component: "a.b", registry: registry)
    }

    private var dropped: Double {
        let found = registry.snapshot().first { $0.name == MetricsRegistry.droppedName }
        guard case .counter(let count) = found?.value else { return 0 }
        return count
    }

    @Test func `counters and samples as Prometheus reads them`() {
        service.add(1, to: "launches_total", labels: ["zone": "a\"\\\n"])
        service.add(2.5, to: "launches_total", labels: ["zone": "a\"\\\n"])
        service.add(1, to: "launches_total", labels: .null)
        service.observe(0.3, of: "boot_seconds", labels: ["spot": true])
        service.observe(9_999, of: "boot_seconds", labels: ["spot": true])
        service.observe(0.25, of: "boot_seconds", labels: ["spot": true])
        let text = registry.prometheusText()
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "# TYPE boot_seconds histogram")
        #expect(lines.contains(#"boot_seconds_bucket{component="a.b",spot="true",le="0.1"} 0"#))
        #expect(lines.contains(#"boot_seconds_bucket{component="a.b",spot="true",le="0.25"} 1"#))
        #expect(lines.contains(#"boot_seconds_bucket{component="a.b",spot="true",le="0.5"} 2"#))
        #expect(lines.contains(#"boot_seconds_bucket{component="a.b",spot="true",le="+Inf"} 3"#))
        #expect(lines.contains(#"boot_seconds_count{component="a.b",spot="true"} 3"#))
        #expect(lines.contains(#"boot_seconds_sum{component="a.b",spot="true"} 9999.55"#))
        #expect(lines.contains("# TYPE launches_total counter"))
        #expect(lines.contains(#"launches_total{component="a.b"} 1"#))
        #expect(lines.contains(#"launches_total{component="a.b",zone="a\"\\\n"} 3.5"#))
        #expect(text.hasSuffix("\n"))
        #expect(dropped == 0)
    }

    @Test func `what is past a limit or out of form is dropped and counted`() {
        let name = String(repeating: "n", count: MetricsRegistry.nameBytes)
        let value = String(repeating: "v", count: MetricsRegistry.labelBytes)
        func labels(_ count: Int) -> JSON {
            .object(JSONObject((0..<count).map { ("l\($0)", "v") }))
        }
        service.add(1, to: name, labels: ["l": .string(value)])
        service.add(1, to: name, labels: labels(MetricsRegistry.labels))
        #expect(dropped == 0)
        let bad: [(Double, String, JSON)] = [
            (1, name + "n", [:]), (1, "", [:]), (1, "1a", [:]), (1, "a-b", [:]), (1, "ä", [:]),
            (1, "a", ["l": .string(value + "v")]), (1, "a", labels(MetricsRegistry.labels + 1)),
            (1, "a", ["b-c": "d"]), (1, "a", ["component": "other"]), (1, "a", ["le": "1"]),
            (1, "a", ["__a": "b"]), (1, "a", ["b": ["c"]]), (1, "a", ["b"]), (-1, "a", [:]),
            (.nan, "a", [:]), (.infinity, "a", [:]), (1, MetricsRegistry.droppedName, [:]),
        ]
        for (value, name, labels) in bad { service.add(value, to: name, labels: labels) }
        #expect(dropped == Double(bad.count))
        service.observe(1, of: name, labels: [:])
        service.observe(.nan, of: "b", labels: [:])
        #expect(dropped == Double(bad.count) + 2)
        #expect(registry.snapshot().count == 3)
    }

    @Test func `one component cannot fill the memory, and does not silence another`() {
        for number in 0...MetricsRegistry.seriesOfComponent {
            service.add(1, to: "a", labels: ["n": .integer(Int64(number))])
        }
        #expect(dropped == 1)
        #expect(registry.snapshot().count == MetricsRegistry.seriesOfComponent + 1)
        let other = CountingMetricsService(component: "c", registry: registry)
        other.add(1, to: "a", labels: [:])
        #expect(registry.prometheusText().contains(#"a{component="c"} 1"#))
    }
}

@Suite struct `Services of a component` {
    @Test func `only what is granted is there`() throws {
        let folder = TestFolder()
        var settings = ServiceSettings()
        settings.stateDirectory = folder.path
        let factory = ServiceFactory(
            settings: settings, hostVersion: "1.0", logger: LogLines().logger)
        let none = factory.services(component: "a", version: "1", grant: .nothing)
        #expect(none.http == nil)
        #expect(none.store == nil)
        #expect(none.metrics != nil)
        let all = factory.services(
            component: "a", version: "1", grant: PluginGrant(hosts: ["a.example"], store: true))
        #expect(all.http != nil)
        try all.store?.set([1], for: "k")
        let again = factory.services(component: "a", version: "2", grant: PluginGrant(store: true))
        #expect(try again.store?.value(of: "k") == [1])
        all.metrics?.add(1, to: "n", labels: [:])
        #expect(factory.metrics.prometheusText().contains(#"n{component="a"} 1"#))
    }

    @Test func `the limits and the secrets of the settings hold`() async throws {
        let folder = TestFolder()
        let server = try await TestServer([.answer(200, body: "ok")])
        var settings = ServiceSettings()
        settings.secrets = ["token": .file(folder.write("token", "a-token"))]
        let factory = ServiceFactory(
            settings: settings, hostVersion: "1.0", logger: LogLines().logger)
        let services = factory.services(
            component: "my.cloud", version: "0.3",
            grant: PluginGrant(hosts: ["127.0.0.1:*"], secrets: ["token"]))
        let http = try #require(services.http)
        let answer = try await http.result(
            .get(
                "http://127.0.0.1:\(server.port)/",
                sign: .init(scheme: "bearer", secret: "token"))
        ).get()
        #expect(answer.status == 200)
        #expect(server.seen.first?.headers["user-agent"] == "fanfold/1.0 (my.cloud 0.3)")
        #expect(server.seen.first?.headers["authorization"] == "Bearer a-token")
    }
}
