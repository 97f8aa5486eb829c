import Foundation
import Testing

/// What a coordinator has stored, as its operator looks at it.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct JournalCommandTests {
    /// A journal of ten batches, written by Tests/JournalWriter; returns its last record too.
    private func journal() async throws -> (path: String, last: Int) {
        let folder = try Fanfold.temporaryFolder().appendingPathComponent("state").path
        let writer = Fanfold.products.appendingPathComponent("JournalWriter").path
        let written = try await Child([writer, folder, "3", "10"]).finish(within: 60)
        #expect(written.code == 0, "\(written.errors)")
        let last = written.text.split(separator: "\n").last.flatMap { Int($0) }
        return (folder, try #require(last))
    }

    private func spoil(_ path: String) throws {
        let file = URL(fileURLWithPath: path + "/journal.sqlite")
        var data = try Data(contentsOf: file)
        // The content of record 50; the batches before and after it stay as they are.
        let content = Data("50".utf8) + Data(repeating: 50, count: 50)
        let place = try #require(data.range(of: content))
        data[place.lowerBound + 3] = 1
        try data.write(to: file)
    }

    @Test func `a whole journal is verified and exported`() async throws {
        let (path, last) = try await journal()
        let verified = try await Fanfold.run(["journal", "verify", path])
        #expect(verified.code == 0, "\(verified.errors)")
        #expect(verified.text.contains("1 to \(last), in 10 batches"), "\(verified.text)")
        let exported = try await Fanfold.run(["journal", "export", path, "--from", "2"])
        #expect(exported.code == 0)
        let lines = exported.text.split(separator: "\n")
        #expect(lines.count == last - 1)
        #expect(
            lines.first == #"{"sequence":2,"length":3,"sum":"right","bytes":"MgIC"}"#)
        let repaired = try await Fanfold.run(["journal", "repair", path])
        #expect(repaired.code == 0)
        #expect(repaired.text == "nothing to cut: all is whole up to record \(last)\n")
    }

    @Test func `a damaged journal is told from a whole one, and repaired`() async throws {
        let (path, last) = try await journal()
        try spoil(path)
        let verified = try await Fanfold.run(["journal", "verify", path])
        #expect(verified.code == 1)
        #expect(verified.errors.contains("is not what was stored"), "\(verified.errors)")
        let exported = try await Fanfold.run(["journal", "export", path, "--to-first-damage"])
        #expect(exported.code == 1)
        let whole = exported.text.split(separator: "\n").count
        #expect(whole > 0 && whole < 50)
        let repaired = try await Fanfold.run(["journal", "repair", path])
        #expect(repaired.code == 0, "\(repaired.errors)")
        #expect(
            repaired.text.contains("cut off from record \(whole + 1) on: \(last - whole) records"),
            "\(repaired.text)")
        let again = try await Fanfold.run(["journal", "verify", path])
        #expect(again.code == 0, "\(again.errors)")
    }

    @Test(arguments: ["verify", "export", "repair"])
    func `where there is no journal it ends with 3`(_ command: String) async throws {
        let finished = try await Fanfold.run(["journal", command, "/nowhere/at-all"])
        #expect(finished.code == 3, "\(finished.errors)")
        #expect(finished.errors.contains("/nowhere/at-all"))
        #expect(try await Fanfold.run(["journal", command]).code == 2)
    }
}
