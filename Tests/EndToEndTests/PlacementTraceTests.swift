import Foundation
import Testing

/// `fanfold bench placement` on a trace made up here, and on the published one, which is not part
/// of the project: `FANFOLD_TRACES` names the folder in which `openb` lies.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct PlacementTraceTests {
    private static let trace = ProcessInfo.processInfo.environment["FANFOLD_TRACES"].map {
        $0 + "/openb"
    }

    /// Two nodes with two GPUs each; half of the pods ask for a model that one of them has.
    private func madeUp() throws -> URL {
        let folder = try Fanfold.temporaryFolder()
        func write(_ name: String, _ text: String) throws {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        try write(
            "nodes_gpu.csv",
            """
            sn,cpu_milli,memory_mib,gpu,model
            b,8000,16384,2,T4
            a,8000,16384,2,P100
            """)
        try write(
            "pods/openb_pod_list_tiny.csv",
            """
            name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec
            p0,1000,1024,1,1000,T4
            p1,1000,1024,1,1000,T4|V100
            p2,1000,1024,1,1000,P100
            p3,1000,1024,1,1000,P100
            """)
        try write(
            "published/analysis_allo_discrete.csv",
            """
            workload,sc_policy,seed,100,130
            openb_pod_list_tiny,06-FGD,42,90.0,95.0
            openb_pod_list_tiny,06-FGD,43,91.0,96.0
            openb_pod_list_other,06-FGD,42,1.0,1.0
            """)
        return folder
    }

    @Test func `pods beyond the GPUs are turned away, and published figures stand beside`()
        async throws
    {
        let folder = try madeUp()
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try await Fanfold.output(
            ["bench", "placement", folder.path, "--variant", "all", "--seeds", "3", "--shuffled"])
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: " ").map(String.init) }.filter { $0.first == "tiny" }
        #expect(lines.count == 11)
        for line in lines {
            // trace, policy, at 95, 100 and 130 %, deviation, published, rejected, time.
            #expect(line[3...4] == ["100.00", "100.00"], "\(line)")
            #expect(line[9] == "20.00", "\(line)")
        }
        let published = lines.filter { $0[6...8] != ["-", "-", "-"] }
        #expect(published.map { $0[1] } == ["fgd"])
        #expect(published.first?[6...8] == ["-", "90.50", "95.50"])
    }

    @Test func `a trace that is not there is said, and ends with 1`() async throws {
        let finished = try await Fanfold.run(["bench", "placement", "/nowhere"])
        #expect(finished.code == 1)
        #expect(finished.errors.contains("/nowhere/nodes_gpu.csv: wanted this file"))
    }

    @Test func `a few placements are measured for each number of workers`() async throws {
        let text = try await Fanfold.output(
            ["bench", "placements", "--workers", "10", "20", "--subtasks", "500"])
        let lines = String(decoding: text, as: UTF8.self)
        #expect(lines.contains("10 workers: "))
        #expect(lines.contains("time for 20 workers over that for 10: "))
    }

    @Test(.enabled(if: trace != nil, "FANFOLD_TRACES names no folder: NOTHING WAS RUN"))
    func `our policy places more than FGD and first-fit, which are as published`() async throws {
        let policies = ["keep-usable", "fgd", "first-fit", "best-fit"]
        for ties in [[], ["--shuffled"]] {
            let text = try await Fanfold.output(
                ["bench", "placement", try #require(Self.trace), "--variant", "all", "--policy"]
                    + policies + ties, seconds: 590)
            let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
                .map { $0.split(separator: " ").map(String.init) }.filter { $0.count == 11 }
                .filter { policies.contains($0[1]) }
            #expect(lines.count == 4 * 10)
            for row in lines where row[1] == "keep-usable" {
                let allocated = try #require(Double(row[3]))
                for other in lines where other[0] == row[0] && other[1] != row[1] {
                    #expect(allocated > Double(other[3]) ?? 100, "\(row), \(other)")
                    guard let published = Double(other[7]), let own = Double(other[3]) else {
                        continue
                    }
                    #expect(abs(own - published) <= 0.8, "\(other)")
                }
            }
        }
    }
}
