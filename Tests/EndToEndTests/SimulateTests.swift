import FanfoldJSON
import Foundation
import Testing

/// `fanfold simulate WORKLOAD`: the scaler with clouds in memory, through the built program.
@Suite(.enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"))
struct SimulateTests {
    private static func file(_ folder: URL, _ name: String, _ text: String) throws -> String {
        let file = folder.appendingPathComponent(name)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    private static let settings = """
        providers:
          pretend:
            use: fake
            with:
              offerings:
                plain: { cpus: 4, memory-mib: 4096, price-per-hour: 2 }
                cheap: { cpus: 4, memory-mib: 4096, price-per-hour: 0.9, spot: true }
        pools:
          mixed: { provider: pretend, max: 3 }
        """

    private static func simulate(_ arguments: [String]) async throws -> Finished {
        try await Fanfold.run(["simulate"] + arguments)
    }

    @Test func `the same files give the same world, and what is dear or taken back is left`()
        async throws
    {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let config = try Self.file(folder, "s.yaml", Self.settings)
        let work = try Self.file(
            folder, "w.csv", "at_s,count,cpus,memory_mib,seconds\n0,24,1,512,600\n")
        let plain = [work, "--config", config, "--output", "json"]
        let first = try await Self.simulate(plain)
        #expect(first.code == 0, "\(first.text)\(first.errors)")
        #expect(try await Self.simulate(plain).text == first.text)
        let calm = try JSON(parsing: first.text)
        #expect(calm["done"] == 24)
        #expect(calm["fake"] == true)
        #expect(calm["left"] == 0)
        #expect((calm["most_workers"]?.integerValue ?? 9) <= 3)

        let away = try Self.file(folder, "a.csv", "offering,from_s,to_s\ncheap,300,900\n")
        let stormy = try JSON(
            parsing: try await Self.simulate(plain + ["--interrupts", away]).text)
        #expect(stormy["done"] == 24)
        #expect((stormy["began_again"]?.integerValue ?? 0) > 0)

        let prices = try Self.file(folder, "p.csv", "offering,from_s,price\ncheap,0,4\n")
        let dear = try JSON(parsing: try await Self.simulate(plain + ["--prices", prices]).text)
        #expect((dear["cost"]?.doubleValue ?? 0) > (calm["cost"]?.doubleValue ?? 9))
    }

    @Test func `a deadline that is far is kept on spot, and without spot on demand`() async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let config = try Self.file(
            folder, "s.yaml", Self.settings + "\nscaling: { spot: { deadlines: wait } }\n")
        let work = try Self.file(
            folder, "w.csv",
            "at_s,count,cpus,memory_mib,seconds,gpus,deadline_s\n0,24,1,512,600,0,14400\n")
        let plain = [work, "--config", config, "--output", "json"]
        let calm = try JSON(parsing: try await Self.simulate(plain).text)
        #expect(calm["deadlines"] == 1)
        #expect(calm["late"] == 0)
        #expect((calm["spot_cost"]?.doubleValue ?? 0) > 0)
        #expect(calm["spot_cost"] == calm["cost"])
        let away = try Self.file(folder, "a.csv", "offering,from_s,to_s\ncheap,0,90000\n")
        let stormy = try JSON(
            parsing: try await Self.simulate(plain + ["--interrupts", away]).text)
        #expect(stormy["late"] == 0)
        #expect(stormy["spot_cost"]?.doubleValue == 0)
        #expect((stormy["last_end_s"]?.doubleValue ?? 0) > 7_200)
        #expect(
            try await Self.simulate([work, "--config", config]).text.contains(
                "deadlines 1, 0 missed"))
    }

    @Test func `what is wrong with a file is said with its line`() async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let config = try Self.file(folder, "s.yaml", Self.settings)
        let head = "at_s,count,cpus,memory_mib,seconds\n"
        for (text, wanted) in [
            ("a,b\n", "w.csv:1: wanted the columns at_s,count"),
            (head + "0,1,1,1\n", "w.csv:2: wanted 5 fields, found 4"),
            (head + "0,1,1,1,1\n0,x,1,1,1\n", "w.csv:3: wanted a number from 0 for count"),
        ] {
            let work = try Self.file(folder, "w.csv", text)
            let finished = try await Self.simulate([work, "--config", config])
            #expect(finished.code == 2)
            #expect(finished.errors.contains(wanted), "\(finished.errors)")
        }
        let other = try Self.file(
            folder, "o.yaml", "providers: {here: {use: local}}\npools: {here: {max: 1}}\n")
        let work = try Self.file(folder, "w.csv", head)
        let finished = try await Self.simulate([work, "--config", other])
        #expect(finished.code == 2)
        #expect(finished.errors.contains("/pools/here/provider"), "\(finished.errors)")
    }
}
