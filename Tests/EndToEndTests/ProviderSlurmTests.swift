import FanfoldJSON
import Foundation
import Testing

/// The Slurm provider through the built program, on a real controller and real nodes that the test
/// starts; squeue says what is really there.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && getuid() == 0
            && ["slurmctld", "slurmd", "slurmrestd", "munged"].allSatisfy(Fanfold.has),
        "wanted root and slurmctld, slurmd, slurmrestd, munged: NOTHING WAS RUN"),
    .timeLimit(.minutes(5)))
struct ProviderSlurmTests {
    @Test func `workers are offered, launched twice as one, described and ended, and none is left`()
        async throws
    {
        let port = Int.random(in: 20_000...30_000)
        let cluster = try await Backend(
            { ["sh", Fanfold.tool("slurm.sh"), $0.path, "\(port)"] }, ready: "ready")
        let folder = cluster.folder.path
        let proxy = try await CuttingProxy(before: "unix:\(folder)/rest/rest.sock")
        let socket = try proxy.address
        let boot = folder + "/boot.sh"
        try "#!/bin/sh\nwhile :; do sleep 1; done\n".write(
            toFile: boot, atomically: true, encoding: .utf8)
        let options = try cluster.settings(
            """
            providers:
              cluster:
                use: slurm
                with:
                  endpoint: unix://\(socket)
                  sizes: { one: { cpus: 1, memory-mib: 100 }, huge: { cpus: 64, memory-mib: 100 } }
                  most: 3
                grant: { hosts: ["unix:\(socket)"] }
            """)
        func run(_ arguments: String...) async throws -> Finished {
            try await Fanfold.run(["provider"] + arguments + options)
        }
        func observed() async throws -> [String] {
            let listed = try await Child(
                ["squeue", "--noheader", "--format", "%j"],
                environment: ["SLURM_CONF": folder + "/slurm.conf"]
            ).finish(within: 30)
            return listed.text.split(separator: "\n").map(String.init).sorted()
        }
        func launch() async throws -> Finished {
            try await run(
                "launch", "cluster", "--offering", "one", "--count", "2", "--owner", "test",
                "--token", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "--boot", boot, "--output",
                "quiet")
        }

        let check = try await run("check", "cluster")
        #expect(check.code == 1)
        #expect(check.text.contains("no node is large enough for huge"), "\(check.text)")
        let offered = try await run("offerings", "cluster")
        #expect(offered.text.contains("*  one"), "\(offered.text)\(offered.errors)")
        #expect(offered.text.contains("(sold out)"))

        try proxy.cut("POST /slurm/v0.0.38/job/submit")
        let lost = try await launch()
        #expect(lost.code == 1 && proxy.hasCut, "\(lost.text)")
        #expect(lost.errors.contains("may work later"), "\(lost.errors)")
        let first = try await launch()
        try #require(first.code == 0, "\(first.errors)")
        let again = try await launch()
        #expect(again.text == first.text)
        let names = first.text.split(separator: "\n").map(String.init).sorted()
        #expect(names.count == 2)
        #expect(try await observed() == names)

        try await expectEnd(names, run, observed)
    }

    /// Jobs are at work within seconds, and none is left when they are ended.
    private func expectEnd(
        _ names: [String], _ run: (String...) async throws -> Finished,
        _ observed: () async throws -> [String]
    ) async throws {
        var described = try await run("describe", "cluster", "--owner", "test")
        for _ in 0..<20 where described.text.components(separatedBy: "running").count != 3 {
            try await Task.sleep(for: .milliseconds(500))
            described = try await run("describe", "cluster", "--owner", "test")
        }
        #expect(described.text.components(separatedBy: "running").count == 3, "\(described.text)")
        let ended = try await run("terminate", "cluster", "--owner", "test")
        #expect(ended.code == 0, "\(ended.errors)")
        for _ in 0..<40 where try await !observed().isEmpty {
            try await Task.sleep(for: .milliseconds(250))
        }
        #expect(try await observed() == [])
        let twice = try await run("terminate", "cluster", "--id", names[0])
        #expect(twice.code == 0, "\(twice.errors)")
    }
}
