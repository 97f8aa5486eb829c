import Foundation
import Testing

/// What is left when a run is interrupted: nothing that runs.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .timeLimit(.minutes(5)))
struct SignalTests {
    /// How long children may take to appear, or to be gone (seconds).
    static let patience = 20.0

    /// Starts a run of two children that sleep for a number of seconds nobody else sleeps for.
    private func start(
        environment: [String: String] = [:]
    ) async throws -> (run: Child, mark: String) {
        let mark = "86\(UInt32.random(in: 100...999)).\(getpid())"
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 2 } }
            tasks:
              wait:
                input: ${inputs.numbers}
                strategy: { use: data-parallel, with: { shards: 2 } }
                run: { command: [sleep, "\(mark)"], stdin: none }
                needs: { cpus: 0.1, memory: 1MiB }
            """)
        let run = try Child([Fanfold.program, "run", path], environment: environment)
        #expect(try await sleepers(mark, become: { $0 > 0 }), "no child was started")
        return (run, mark)
    }

    /// Waits until the number of processes with the mark is as wanted.
    private func sleepers(_ mark: String, become isWanted: (Int) -> Bool) async throws -> Bool {
        let end = Date(timeIntervalSinceNow: Self.patience)
        while Date() < end {
            if isWanted(count(mark)) { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    private func count(_ mark: String) -> Int {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.count { process in
            guard Int(process) != nil,
                let words = FileManager.default.contents(atPath: "/proc/\(process)/cmdline")
            else { return false }
            return words.split(separator: 0).map(Array.init) == [
                Array("sleep".utf8), Array(mark.utf8),
            ]
        }
    }

    @Test func `Ctrl-C ends the children and says what was done`() async throws {
        let (run, mark) = try await start()
        run.send(SIGINT)
        let finished = try await run.finish(within: Self.patience)
        #expect(finished.code == 130)
        #expect(
            finished.errors.lowercased().contains("cancel") || finished.errors.contains("interrupt")
        )
        #expect(try await sleepers(mark, become: { $0 == 0 }))
    }

    @Test func `a second Ctrl-C ends at once what does not want to end`() async throws {
        let mark = "87\(UInt32.random(in: 100...999)).\(getpid())"
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            inputs: { numbers: { range: 1 } }
            tasks:
              wait:
                input: ${inputs.numbers}
                run: { command: [sh, -c, "trap '' TERM; sleep \(mark); true"], stdin: none }
            """)
        let run = try Child([Fanfold.program, "run", path])
        #expect(try await sleepers(mark, become: { $0 == 1 }), "no child was started")
        run.send(SIGINT)
        // Two signals that nobody has taken yet are one; this one has been once it ends something.
        try await Task.sleep(for: .milliseconds(300))
        run.send(SIGINT)
        let finished = try await run.finish(within: Self.patience)
        #expect(finished.code == 130)
        #expect(try await sleepers(mark, become: { $0 == 0 }))
    }

    @Test func `a run that is killed leaves no child behind`() async throws {
        let (run, mark) = try await start()
        run.send(SIGKILL)
        _ = try await run.finish(within: Self.patience)
        #expect(try await sleepers(mark, become: { $0 == 0 }))
    }

    @Test func `what a killed run leaves is removed by a later one`() async throws {
        let scratch = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: scratch) }
        let environment = ["TMPDIR": scratch.path]
        let (killed, _) = try await start(environment: environment)
        killed.send(SIGKILL)
        _ = try await killed.finish(within: Self.patience)
        let left = try names(in: scratch)
        #expect(left.count == 1)
        let (other, _) = try await start(environment: environment)
        let longAgo = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -3600)]
        for name in try names(in: scratch) {
            try FileManager.default.setAttributes(
                longAgo, ofItemAtPath: scratch.appendingPathComponent(name).path)
        }
        let (third, _) = try await start(environment: environment)
        #expect(try names(in: scratch).isDisjoint(with: left))
        #expect(try names(in: scratch).count == 2)
        for run in [other, third] {
            run.send(SIGINT)
            _ = try await run.finish(within: Self.patience)
        }
        #expect(try names(in: scratch) == [])
    }

    private func names(in folder: URL) throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    }
}
