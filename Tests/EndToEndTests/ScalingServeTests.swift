import FanfoldJSON
import Foundation
import Testing

/// A coordinator that rents its workers: processes of this machine, through the built program.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(10)))
struct ScalingServeTests {
    /// A coordinator without workers, and where its pool keeps them.
    private final class Rig {
        let cluster: LogCluster
        let folder: URL
        let settings: String

        init(_ providers: String, _ pool: String, _ scaling: String = "") async throws {
            folder = try Fanfold.temporaryFolder()
            let text = """
                providers:
                \(providers.replacingOccurrences(of: "FOLDER", with: folder.path + "/workers"))
                pools:
                \(pool)
                scaling:
                  interval: 250ms
                  window: 2s
                  up-cooldown: 1s
                  down-cooldown: 2s
                  horizon: 1s
                \(scaling)
                """
            let file = folder.appendingPathComponent("fanfold.yaml")
            try Data(text.utf8).write(to: file)
            settings = file.path
            cluster = try await LogCluster(workers: 0, settings: file.path)
        }

        static func local(_ pool: String = "  spare: { provider: here, max: 2 }") async throws
            -> Rig
        {
            try await Rig(
                """
                  here:
                    use: local
                    with:
                      folder: FOLDER
                      sizes: { one: { cpus: 1, memory-mib: 128 } }
                      price-per-hour: 0.5
                """, pool)
        }

        /// Every worker that there ever was.
        var everRented: [String] {
            let names =
                (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/workers"))
                ?? []
            return names.filter { $0.hasPrefix("local-") }.sorted()
        }

        /// Processes whose command line names the folder of the workers: what is really there.
        func processes() -> [String] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.filter { Int32($0) != nil }.compactMap { number in
                guard let data = FileManager.default.contents(atPath: "/proc/\(number)/cmdline")
                else { return nil }
                let line = String(decoding: data, as: UTF8.self)
                return line.contains(folder.path + "/workers") ? "\(number) \(line)" : nil
            }
        }

        func state() async throws -> JSON {
            let answer = try await cluster.ask(["scale", "--output", "json"])
            try #require(answer.code == 0, "\(answer.errors)")
            return try JSON(parsing: answer.text)
        }

        /// Waits until the pool has so many workers, starting ones included.
        func waitForPool(_ count: Int64, seconds: Int = 60) async throws {
            var last = JSON.null
            for _ in 0..<(seconds * 5) {
                last = try await state()
                let workers = last["workers"]?.arrayValue ?? []
                if Int64(workers.count) == count { return }
                try await Task.sleep(for: .milliseconds(200))
            }
            Issue.record("the pool never had \(count) workers: \(last.prettyText)")
        }

        func waitForSilence() async throws {
            for _ in 0..<150 where !processes().isEmpty {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(processes().isEmpty)
        }
    }

    private static func pipeline(_ items: Int, seconds: Double) throws -> String {
        try Fanfold.pipeline(
            """
            fanfold: 1
            name: waves
            inputs: { n: { range: \(items) } }
            tasks:
              work:
                input: ${inputs.n}
                strategy: { use: data-parallel, with: { size: { items: 1 } } }
                run: { command: [sh, -c, 'sleep \(seconds); cat'], stdin: lines, stdout: lines }
                needs: { cpus: 1, memory: 1MiB }
            """)
    }

    @Test
    func `a pool grows for a run, ends it right, and is empty again when nothing is left to do`()
        async throws
    {
        let rig = try await Rig.local()
        let submitted = try await rig.cluster.ask(["submit", try Self.pipeline(8, seconds: 1)])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let waited = try await rig.cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        #expect(rig.everRented.count == 2)
        try await rig.waitForPool(0)
        try await rig.waitForSilence()
        let why = try await rig.cluster.ask(["why", "scale"])
        for word in ["launch", "found no room", "drain", "end local-"] {
            #expect(why.text.contains(word), "\(word): \(why.text)")
        }
        let cost = try JSON(
            parsing: try await rig.cluster.ask(["cost", "--output", "json"]).text)
        #expect((cost["spent"]?.doubleValue ?? 0) > 0)
        #expect(cost["per_hour"]?.doubleValue == 0)
        try await rig.cluster.stop()
        #expect(rig.processes().isEmpty)
    }

    @Test func `workers for a task that is to begin soon are launched before it does`() async throws
    {
        func provider(_ name: String, _ folder: String, _ cpus: Int, _ price: Double) -> String {
            """
              \(name):
                use: local
                with:
                  folder: \(folder)
                  sizes: { size: { cpus: \(cpus), memory-mib: 128 } }
                  price-per-hour: \(price)

            """
        }
        let rig = try await Rig(
            provider("small", "FOLDER", 1, 0.5) + provider("large", "FOLDER-large", 2, 5),
            """
              narrow: { provider: small, max: 1 }
              wide: { provider: large, max: 2 }
            """)
        let document = try Fanfold.pipeline(
            """
            fanfold: 1
            name: stages
            inputs: { n: { range: 12 }, m: { range: 3 } }
            tasks:
              first:
                input: ${inputs.n}
                strategy: { use: data-parallel, with: { size: { items: 1 } } }
                run: { command: [sh, -c, 'sleep 0.5; cat'], stdin: lines, stdout: lines }
                needs: { cpus: 1, memory: 1MiB, labels: { pool: narrow } }
              second:
                input: ${inputs.m}
                after: [first]
                strategy: { use: data-parallel, with: { size: { items: 1 } } }
                run: { command: [cat], stdin: lines, stdout: lines }
                needs: { cpus: 2, memory: 1MiB }
            """)
        let submitted = try await rig.cluster.ask(["submit", document])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let waited = try await rig.cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        let why = try await rig.cluster.ask(["why", "scale"]).text
        #expect(
            why.contains("task second of run 1 is expected to begin before a worker has booted"),
            "\(why)")
        try await rig.waitForPool(0)
        try await rig.waitForSilence()
        try await rig.cluster.stop()
    }

    @Test func `a coordinator that is killed adopts its workers, and makes none twice`()
        async throws
    {
        let rig = try await Rig.local()
        let submitted = try await rig.cluster.ask(["submit", try Self.pipeline(40, seconds: 1)])
        #expect(submitted.code == 0, "\(submitted.errors)")
        try await rig.cluster.waitForWorkers(2)
        let before = try await rig.state()["workers"]?.arrayValue?.compactMap {
            $0["name"]?.stringValue
        }
        try await rig.cluster.killCoordinator()
        #expect(!rig.processes().isEmpty)
        try await rig.cluster.restartCoordinator()
        try await rig.waitForPool(2)
        let after = try await rig.state()
        #expect(
            after["workers"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == before,
            "\(after.prettyText)")
        let waited = try await rig.cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        #expect(rig.everRented == before)
        try await rig.waitForPool(0)
        try await rig.waitForSilence()
        try await rig.cluster.stop()
    }

    @Test func `a worker that is in no pool any more is collected`() async throws {
        let rig = try await Rig.local("  spare: { provider: here, min: 1, max: 2 }")
        try await rig.cluster.waitForWorkers(1)
        try await rig.cluster.killCoordinator()
        let text = try String(contentsOfFile: rig.settings, encoding: .utf8)
        try text.replacingOccurrences(
            of: "spare: { provider: here, min: 1", with: "other: { provider: here"
        )
        .write(toFile: rig.settings, atomically: true, encoding: .utf8)
        try await rig.cluster.restartCoordinator()
        try await rig.waitForSilence()
        let why = try await rig.cluster.ask(["why", "scale"])
        #expect(why.text.contains("belongs to no pool"), "\(why.text)")
        try await rig.cluster.stop()
    }

    @Test func `a budget that allows no worker is the reason why a run waits`() async throws {
        let rig = try await Rig(
            """
              pretend:
                use: fake
                with:
                  folder: FOLDER
                  offerings: { big: { cpus: 4, memory-mib: 4096, price-per-hour: 2 } }
            """, "  dear: { provider: pretend, max: 3 }", "  budget: { hour: 1 }")
        let submitted = try await rig.cluster.ask(["submit", try Self.pipeline(4, seconds: 1)])
        #expect(submitted.code == 0, "\(submitted.errors)")
        var why = ""
        for _ in 0..<100 where !why.contains("budget") {
            why = try await rig.cluster.ask(["why", "last"]).text
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(why.contains("budget"), "\(why)")
        let plan = try await rig.cluster.ask(["scale", "--dry-run"])
        #expect(plan.text.contains("with 1 core,"), "\(plan.text)")
        #expect(plan.text.contains("nothing would be done"), "\(plan.text)")
        try await rig.cluster.stop()
    }

    @Test func `mode recommend launches nothing and says what it would launch`() async throws {
        let rig = try await Rig(
            """
              pretend:
                use: fake
                with:
                  folder: FOLDER
                  offerings: { big: { cpus: 4, memory-mib: 4096, price-per-hour: 2 } }
            """, "  dear: { provider: pretend, max: 3 }", "  mode: recommend")
        #expect(try await rig.cluster.ask(["submit", try Self.pipeline(4, seconds: 1)]).code == 0)
        var why = ""
        for _ in 0..<100 where !why.contains("launch 1 worker of big") {
            why = try await rig.cluster.ask(["why", "scale"]).text
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(why.contains("launch 1 worker of big"), "\(why)")
        #expect(try await rig.state()["workers"]?.arrayValue?.isEmpty == true)
        let said = rig.cluster.coordinator.errorsSoFar
        #expect(
            said.contains(
                "warning: pool dear rents of pretend, which is fake: its machines run nothing"),
            "\(said)")
        let file = rig.folder.path + "/workers/cloud.json"
        let cloud = try JSON(parsing: String(contentsOfFile: file, encoding: .utf8))
        #expect(cloud["machines"]?.arrayValue?.isEmpty == true)
        try await rig.cluster.stop()
    }
}
