import Foundation
import Testing

/// Workers have blobs from each other, and from the coordinator when that fails.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("curl"),
        "the commands are not built yet, or there is no curl: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(10)))
struct PeerFetchTests {
    private static let own = "fanfold_blob_bytes_sent_total{by=\"coordinator\"}"
    private static let others = "fanfold_blob_bytes_sent_total{by=\"worker\""
    /// More than orders and sums take, far less than the blobs.
    private static let little = 100_000

    private static func task(
        _ name: String, _ input: String, _ run: String, on role: String
    ) -> String {
        """
          \(name):
            input: ${\(input)}
            strategy: { use: data-parallel, with: { merge: concat } }
            run: \(run)
            needs: { cpus: 0.5, memory: 1MiB, labels: { role: \(role) } }
            retry: { attempts: 3 }

        """
    }

    private static let sum = "{ command: [sha256sum], stdin: bytes, stdout: lines }"

    /// Some MiB that one worker makes and another one reads.
    static let handedOn =
        """
        fanfold: 1
        name: handed-on
        inputs: { n: { range: 1 } }
        tasks:

        """
        + task(
            "make", "inputs.n",
            "{ command: [seq, \"1\", \"1200000\"], stdin: none, stdout: bytes }", on: "maker")
        + task("use", "tasks.make.output", sum, on: "user")
        + "outputs: { sum: { from: \"${tasks.use.output}\" } }\n"

    /// A pipeline beside a file, which a worker reads: whoever read it has it.
    private static func reading(_ file: URL, on role: String) throws -> String {
        let text =
            """
            fanfold: 1
            name: reading
            inputs: { data: { file: \(file.lastPathComponent), format: bytes } }
            tasks:

            """ + task("use", "inputs.data", sum, on: role)
            + "outputs: { sum: { from: \"${tasks.use.output}\" } }\n"
        let path = file.deletingLastPathComponent().appendingPathComponent("\(role).yaml")
        try Data(text.utf8).write(to: path)
        return path.path
    }

    /// A file of 25 MiB and its sum, as `sha256sum` says it.
    private static func file() async throws -> (file: URL, sum: String) {
        let file = try Fanfold.temporaryFolder().appendingPathComponent("data.bin")
        let sum = try await shell(
            "seq 1 3400000 > \(file.path); sha256sum < \(file.path)")
        return (file, String(bytes: sum, encoding: .utf8) ?? "")
    }

    @Test func `what one worker made another one has from it, past the coordinator`() async throws {
        let served = try await Served()
        try await served.startWorker(role: "maker")
        try await served.startWorker(role: "user")
        let wanted = try await shell("seq 1 1200000 | sha256sum")
        let output = try await served.run(try Fanfold.pipeline(Self.handedOn))
        #expect(output.output == wanted, "\(output.errors)")
        #expect(try await served.waitForFigure(Self.others, atLeast: 8_000_000) >= 8_000_000)
        #expect(try await served.figure(Self.own) < Self.little)
        try await served.stop()
    }

    @Test func `what a worker has that does not listen comes from the coordinator`() async throws {
        let served = try await Served()
        try await served.startWorker(role: "maker", listen: "none")
        try await served.startWorker(role: "user")
        let wanted = try await shell("seq 1 1200000 | sha256sum")
        let output = try await served.run(try Fanfold.pipeline(Self.handedOn))
        #expect(output.output == wanted, "\(output.errors)")
        #expect(try await served.figure(Self.own) > 8_000_000)
        try await served.stop()
    }

    @Test func `a peer that is killed during the fetch is done without`() async throws {
        let served = try await Served()
        let (file, sum) = try await Self.file()
        let maker = try await served.startWorker(role: "maker")
        try await served.startWorker(role: "user")
        let first = try await served.run(try Self.reading(file, on: "maker"))
        #expect(first.text == sum, "\(first.errors)")
        let before = try await served.figure(Self.own)

        // It takes the connection and says nothing, and then it is gone.
        maker.send(SIGSTOP)
        let submitted = try await served.ask([
            "submit", try Self.reading(file, on: "user"),
        ])
        #expect(submitted.code == 0, "\(submitted.errors)")
        try await Task.sleep(for: .milliseconds(1_500))
        maker.send(SIGKILL)
        let waited = try await served.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        #expect(try await served.ask(["output", "last"]).text == sum)
        #expect(try await served.figure(Self.own) - before > 20_000_000)
        try await served.stop()
    }

    @Test func `wrong bytes of a peer are refused, and had elsewhere`() async throws {
        let served = try await Served()
        let (file, sum) = try await Self.file()
        try await served.startWorker(role: "maker")
        try await served.startWorker(role: "user")
        let first = try await served.run(try Self.reading(file, on: "maker"))
        #expect(first.text == sum, "\(first.errors)")
        let before = try await served.figure(Self.own)

        // What is in the worker's cache was checked when it came; now it lies.
        let id = String(sum.prefix(64))
        let blob = served.folder(of: "maker")
            .appendingPathComponent("blobs/blobs/\(id.prefix(2))/\(id)").path
        _ = try await shell(
            "chmod u+w \(blob) && for mib in $(seq 0 23); do printf wrong | "
                + "dd of=\(blob) bs=1 seek=$((mib * 1048576 + 77)) conv=notrunc 2>/dev/null; done")
        let second = try await served.run(try Self.reading(file, on: "user"))
        #expect(second.text == sum, "\(second.errors)")
        #expect(try await served.figure(Self.own) - before > 20_000_000)
        #expect(try await served.waitForFigure(Self.others, atLeast: 1) > 0)
        try await served.stop()
    }

    // MARK: Memory

    /// Bytes of the input of the memory test.
    private static let large =
        ProcessInfo.processInfo.environment["FANFOLD_TEST_ALL"] == nil ? 512 << 20 : 4 << 30
    /// Bytes that coordinator and worker may need for it, with their code.
    private static let allowed = 300 << 20

    @Test func `an input of 512 MiB is nowhere in memory as a whole`() async throws {
        let served = try await Served()
        let file = try Fanfold.temporaryFolder().appendingPathComponent("large.bin")
        let path = file.path
        _ = try await shell("truncate -s \(Self.large) \(path) && printf end >> \(path)")
        let wanted = try await shell("sha256sum < \(path)", seconds: 300)
        defer { try? FileManager.default.removeItem(at: file) }
        let worker = try await served.startWorker(role: "user")
        let output = try await served.run(
            try Self.reading(file, on: "user"), seconds: 580)
        #expect(output.output == wanted, "\(output.errors)")
        let peaks = (
            coordinator: try Served.peakBytes(of: served.coordinator),
            worker: try Served.peakBytes(of: worker)
        )
        #expect(peaks.coordinator < Self.allowed && peaks.worker < Self.allowed, "\(peaks)")
        print("peaks with an input of \(Self.large >> 20) MiB: \(peaks)")
        try await served.stop()
    }

    @Test func `an output of 512 MiB is nowhere in memory as a whole`() async throws {
        let served = try await Served()
        let worker = try await served.startWorker(role: "maker")
        let pipeline = """
            fanfold: 1
            name: large-output
            inputs: { n: { range: 1 } }
            tasks:

            """
            + Self.task(
                "make", "inputs.n",
                "{ command: [head, -c, \"\(512 << 20)\", /dev/zero], stdin: none, stdout: bytes }",
                on: "maker") + "outputs: { all: { from: \"${tasks.make.output}\" } }\n"
        let submitted = try await served.ask(
            [
                "submit", try Fanfold.pipeline(pipeline), "--follow",
            ], seconds: 300)
        #expect(submitted.code == 0, "\(submitted.errors)")
        let output = try await served.ask(["output", "last"], seconds: 300)
        #expect(output.output.count == 512 << 20, "\(output.errors)")
        let peaks = (
            coordinator: try Served.peakBytes(of: served.coordinator),
            worker: try Served.peakBytes(of: worker)
        )
        #expect(peaks.coordinator < Self.allowed && peaks.worker < Self.allowed, "\(peaks)")
        print("peaks with an output of 512 MiB: \(peaks)")
        try await served.stop()
    }
}
