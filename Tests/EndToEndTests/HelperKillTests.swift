import Foundation
import Testing

/// A run whose strategy lives in a helper that is killed again and again.
@Suite(
    .enabled(if: Fanfold.hasCommands, "the commands are not built yet: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(15)))
struct HelperKillTests {
    /// Kills of each kind; `FANFOLD_KILLS=100` is what `scripts/test --all` sets.
    static let kills =
        ProcessInfo.processInfo.environment["FANFOLD_KILLS"].flatMap { Int($0) } ?? 5
    @Test(arguments: [("SEGV", SIGSEGV), ("KILL", SIGKILL), ("STOP", SIGSTOP)])
    func `every run completes with the right bytes and leaves nothing`(
        _ name: String, _ signal: Int32
    ) async throws {
        let isLong = Self.kills >= 100
        let items = isLong ? 10_000 : 1_500
        let library = Fanfold.products.appendingPathComponent("libfanfold-data-parallel.so").path
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            name: killed
            plugins:
              split: { path: \(library), isolate: process }
            inputs: { numbers: { range: \(items) } }
            tasks:
              copy:
                input: ${inputs.numbers}
                strategy: { use: split, with: { size: { items: 1 }, merge: concat } }
                run: { command: [sh, -c, "sleep \(isLong ? "0.03" : "0.008"); cat"], stdin: lines, stdout: lines }
                needs: { cpus: 0.25, memory: 1MiB }
            outputs: { all: { from: "${tasks.copy.output}" } }
            """)
        let run = try Child([Fanfold.program, "run", path])
        var killed = 0
        var helpers: Set<Seen> = []
        var descriptors: [Int] = []
        var hasBegun = false
        while killed < Self.kills, kill(run.identifier, 0) == 0 {
            try await Task.sleep(for: .milliseconds(50))
            // Before the first subtask a strategy is only tried out, and its crash is a mistake.
            let children = children(of: run.identifier)
            hasBegun = hasBegun || children.contains { $0.command.hasPrefix("sh\0") }
            guard hasBegun, let helper = children.first(where: { $0.isHelper })?.id,
                let seen = seen(helper), !helpers.contains(seen)
            else { continue }
            // One in four is hit while it is told everything again, the others at work.
            if killed % 4 > 0 { try await waitUntilIdle(helper) }
            descriptors.append(count(of: "/proc/\(run.identifier)/fd"))
            helpers.insert(seen)
            if kill(helper, signal) == 0 { killed += 1 }
        }
        let finished = try await run.finish(within: 600)
        #expect(finished.code == 0, "\(finished.errors)")
        let wanted = (0..<items).map { "\($0)\n" }.joined()
        #expect(finished.text == wanted, "\(finished.text.count) bytes instead of \(wanted.count)")
        #expect(killed >= min(3, Self.kills), "the run was over after \(killed) kills")
        #expect(helpers.count >= killed - 1, "each kill had a helper of its own")
        for helper in helpers { #expect(seen(helper.id) != helper, "\(helper) is left") }
        // The slots of the worker come and go; a leak of a helper is five descriptors each time.
        if let first = descriptors.first, let last = descriptors.last {
            #expect(last <= first + 40, "descriptors: \(descriptors)")
        }
        print("\(killed) times SIG\(name), \(helpers.count) helpers, \(items) subtasks")
    }

    /// A process: its number comes again, but not at the same moment.
    private struct Seen: Hashable {
        var id: Int32
        /// In ticks since the machine began.
        var began: String
    }

    /// A process that is there now.
    private func seen(_ process: Int32) -> Seen? {
        let fields = status(of: process)
        return fields.count > 21 ? Seen(id: process, began: fields[21]) : nil
    }

    private func status(of process: Int32) -> [String] {
        FileManager.default.contents(atPath: "/proc/\(process)/stat")
            .map { String(decoding: $0, as: UTF8.self).split(separator: " ").map(String.init) }
            ?? []
    }

    /// Until a process has used no CPU for a moment, or is gone.
    private func waitUntilIdle(_ process: Int32) async throws {
        var before = ""
        for _ in 0..<40 {
            let fields = status(of: process)
            let used = fields.count > 14 ? "\(fields[13]) \(fields[14])" : ""
            if used == before { return }
            before = used
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private struct Descendant {
        var id: Int32
        /// Its words, each ended by a zero character.
        var command: String
        var isHelper: Bool { command.contains("fanfold-helper\0plugin") }
    }

    /// The children of all threads of a process.
    private func children(of process: Int32) -> [Descendant] {
        let threads =
            (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return threads.flatMap { thread in
            let list =
                FileManager.default
                .contents(atPath: "/proc/\(process)/task/\(thread)/children")
                .map { String(decoding: $0, as: UTF8.self) } ?? ""
            return list.split(separator: " ").compactMap { Int32($0) }.map { child in
                let words = FileManager.default.contents(atPath: "/proc/\(child)/cmdline") ?? Data()
                return Descendant(id: child, command: String(decoding: words, as: UTF8.self))
            }
        }
    }

    private func count(of folder: String) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: folder))?.count ?? 0
    }
}
