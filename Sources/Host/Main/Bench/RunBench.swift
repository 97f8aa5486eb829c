import FanfoldRuntime
@preconcurrency import Glibc

/// Whole runs through the production path: split, ledger, worker, merge.
struct RunBench {
    static let noopSubtasks = 500_000
    static let commands = 2_000

    let context: HostContext
    let rounds: Int

    /// No-op subtasks a second.
    func noop() throws -> [String] {
        let run = try prepare(run: "{ use: noop }", items: Self.noopSubtasks)
        var rate = Figures()
        for _ in 0..<rounds {
            rate.add(Double(Self.noopSubtasks) / (try self.time(of: run)))
        }
        return [
            "noop: \(rate.text()) subtasks/s, \(Self.noopSubtasks) of one item each through "
                + "data-parallel, in memory"
        ]
    }

    /// `command: [true]` a second, as a share of what the machine's own posix_spawn gives.
    func spawn() throws -> [String] {
        let run = try prepare(
            run: "{ command: [/bin/true], stdin: none, stdout: bytes }", items: Self.commands)
        var ours = Figures()
        var bare = Figures()
        var share = Figures()
        for _ in 0..<rounds {
            let bareRate = Double(Self.commands) / bareSpawn()
            let ourRate = Double(Self.commands) / (try self.time(of: run))
            bare.add(bareRate)
            ours.add(ourRate)
            share.add(100 * ourRate / bareRate)
        }
        return [
            "spawn: command true \(ours.text())/s, posix_spawn and waitpid on as many threads "
                + "\(bare.text())/s, share \(share.text()) %"
        ]
    }

    private func prepare(run: String, items: Int) throws -> PreparedRun {
        try prepare(run: run, input: "{ range: \(items) }", size: "{ items: 1 }")
    }

    /// A run that splits one input and counts what comes back.
    func prepare(run: String, input: String, size: String) throws -> PreparedRun {
        let path = context.scratchDirectory + "/bench.yaml"
        let text = """
            fanfold: 1
            name: bench
            inputs:
              items: \(input)
            tasks:
              work:
                input: ${inputs.items}
                strategy: { use: data-parallel, with: { size: \(size), merge: count } }
                run: \(run)
                needs: { cpus: 1, memory: 1MiB }
            outputs:
              result: { from: "${tasks.work.output}" }

            """
        guard let file = fopen(path, "w") else {
            Terminal.complain("error: \(path) could not be written")
            throw Exit.runFailed
        }
        fputs(text, file)
        fclose(file)
        let pipeline: Pipeline
        do throws(DocumentErrors) {
            pipeline = try Pipeline.load(path: path)
        } catch {
            Terminal.complain(Diagnostic.render(error.diagnostics))
            throw Exit.usage
        }
        return try context.prepare(pipeline)
    }

    /// Seconds that a run takes, which must complete.
    func time(of run: PreparedRun) throws -> Double {
        let engine = Engine(
            run: run, options: context.engineOptions(try WorkerOptions.parse([])))
        var report: RunReport?
        let time = seconds { report = engine.execute() }
        guard let report, report.isComplete else {
            Terminal.complain(
                "error: the benchmark's run did not complete: \(report?.outcome as Any)")
            throw Exit.runFailed
        }
        return time
    }

    private func bareSpawn() -> Double {
        seconds {
            let threads = (0..<LocalMachine.cores).map { _ in
                PlainThread(name: "bare-spawn") {
                    for _ in 0..<(Self.commands / LocalMachine.cores) { Self.spawnOne() }
                }
            }
            for thread in threads { thread.join() }
        }
    }

    private static func spawnOne() {
        var child: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
        defer { free(arguments[0]) }
        guard posix_spawn(&child, "/bin/true", nil, nil, &arguments, environ) == 0 else { return }
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1 && errno == EINTR {}
    }
}
