import Foundation
import Testing

/// Disks that are full, read-only or another's: clear words, nothing lost, nothing spent.
@Suite(
    .enabled(if: SmallDisk.canBeMade, "no file system can be mounted: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct FullDiskTests {
    @Test func `a coordinator on a full disk refuses and goes on once there is room`()
        async throws
    {
        let disk = try SmallDisk(mebibytes: 32)
        var plan = Cluster.Plan()
        plan.state = disk.folder.path
        let cluster = try await Cluster(workers: 2, plan)
        try await cluster.waitForWorkers(2)
        try await cluster.submit(cluster.doubling(200, sleep: "0.05"))
        try disk.fill()
        try await cluster.waitUntilCoordinatorSays("nothing can be stored: everything waits")

        let listed = try await cluster.ask(["get", "runs"], seconds: 20)
        #expect(listed.code == 5, "\(listed.code) \(listed.errors)")
        #expect(listed.errors.contains("make room on its disk"), "\(listed.errors)")
        let submitted = try await cluster.ask(
            ["submit", try Fanfold.pipeline(cluster.doubling(2, sleep: "0"))], seconds: 20)
        #expect(submitted.code != 0, "\(submitted.text)")
        // Whichever it comes to first: its own files, or the journal.
        #expect(
            submitted.errors.contains("No space left") || submitted.errors.contains("make room"),
            "\(submitted.errors)")

        try disk.makeRoom()
        try await cluster.waitUntilCoordinatorSays("the journal is written again")
        try await cluster.expectDoubled(200)
        try await cluster.stop()
    }

    @Test func `a coordinator that is killed on a full disk loses nothing`() async throws {
        let disk = try SmallDisk(mebibytes: 32)
        var plan = Cluster.Plan()
        plan.state = disk.folder.path
        let cluster = try await Cluster(workers: 2, plan)
        try await cluster.waitForWorkers(2)
        try await cluster.submit(cluster.doubling(100, sleep: "0.05"))
        try disk.fill()
        try await cluster.waitUntilCoordinatorSays("nothing can be stored: everything waits")
        cluster.coordinator.send(SIGKILL)
        _ = try await cluster.coordinator.finish(within: 10)
        try disk.makeRoom()
        try cluster.startCoordinator()
        try await cluster.waitUntilReady()
        try await cluster.expectDoubled(100)
        try await cluster.stop()
    }

    @Test func `a worker whose disk is full waits with the files of a run and spends no try`()
        async throws
    {
        let disk = try SmallDisk(mebibytes: 8)
        let cluster = try await Cluster(workers: 0)
        try cluster.startWorker("w0", folder: disk.folder.appendingPathComponent("w").path)
        try await cluster.waitForWorkers(1)
        try disk.fill()
        let folder = try Fanfold.temporaryFolder()
        try Data(count: 2 << 20).write(to: folder.appendingPathComponent("large.bin"))
        let pipeline = folder.appendingPathComponent("pipeline.yaml")
        try Data(
            """
            fanfold: 1
            name: large
            inputs: { n: { range: 3 } }
            tasks:
              count:
                input: ${inputs.n}
                strategy: { use: data-parallel, with: { size: { items: 1 }, merge: concat } }
                run: { command: [sh, -c, 'wc -c < large.bin'], cwd: pipeline, stdin: lines, stdout: lines }
                files: [large.bin]
                needs: { cpus: 0.5, memory: 1MiB }
                retry: { attempts: 1 }
            outputs: { all: { from: "${tasks.count.output}" } }
            """.utf8
        ).write(to: pipeline)
        let submitted = try await cluster.ask(["submit", pipeline.path])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let worker = try cluster.worker("w0")
        for _ in 0..<600 where !worker.errorsSoFar.contains("it waits") {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(worker.errorsSoFar.contains("it waits"), "\(worker.errorsSoFar)")
        try disk.makeRoom()
        let waited = try await cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        #expect(try await cluster.output("all", of: "last") == "2097152\n2097152\n2097152\n")
        try await cluster.stop()
        try FileManager.default.removeItem(at: folder)
    }

    @Test func `a state that is read-only or another's is refused with what to do`() async throws {
        let disk = try SmallDisk(mebibytes: 32)
        var plan = Cluster.Plan()
        plan.state = disk.folder.path
        let cluster = try await Cluster(workers: 0, plan)
        let second = try await serve(disk.folder.path)
        #expect(second.code != 0 && second.errors.contains("another process"), "\(second.errors)")
        #expect(
            second.errors.contains("\(cluster.coordinator.identifier)"), "it names the first one")

        cluster.coordinator.send(SIGTERM)
        #expect(try await cluster.coordinator.finish(within: 30).code == 0)
        try disk.setReadOnly(true)
        let refused = try await serve(disk.folder.path)
        #expect(refused.code != 0, "\(refused.text)")
        #expect(refused.errors.lowercased().contains("read-only"), "\(refused.errors)")

        try disk.setReadOnly(false)
        try cluster.startCoordinator()
        try await cluster.waitUntilReady()
        try await cluster.stop()
    }

    /// Starts a coordinator that is to end by itself.
    private func serve(_ state: String) async throws -> Finished {
        try await Fanfold.run(
            [
                "serve", "--state", state, "--listen", "127.0.0.1:0", "--workers", "127.0.0.1:0",
            ], seconds: 30)
    }
}
