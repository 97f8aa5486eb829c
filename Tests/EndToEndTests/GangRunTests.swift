import Foundation
import Testing

/// Programs that run at the same time on two workers and talk to one another.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Fanfold.has("python3"),
        "the commands are not built yet, or there is no python3: NOTHING WAS RUN"),
    .serialized, .timeLimit(.minutes(5)))
struct GangRunTests {
    /// Rank 0 listens and adds up what the others send; on the first try the last one fails.
    private static let program = """
        import os, socket, sys, time
        rank = int(os.environ["FANFOLD_GANG_RANK"])
        size = int(os.environ["FANFOLD_GANG_SIZE"])
        host = os.environ["FANFOLD_GANG_HOSTS"].split(",")[0]
        port = 29500 + int(os.environ["FANFOLD_SUBTASK"]) - rank
        number = int(sys.stdin.read())
        if os.environ["FANFOLD_ATTEMPT"] == "1" and rank == size - 1:
            sys.exit(1)
        if rank == 0:
            server = socket.create_server((host, port))
            for _ in range(size - 1):
                number += int(server.accept()[0].makefile().read())
            print(number)
        else:
            for _ in range(1200):
                try:
                    peer = socket.create_connection((host, port))
                    break
                except OSError:
                    time.sleep(0.05)
            peer.sendall(str(number).encode())
            peer.close()
        """

    private static let document =
        """
        fanfold: 1
        name: gang
        inputs: { n: { range: 4 } }
        tasks:
          sum:
            input: ${inputs.n}
            strategy: { use: data-parallel, with: { size: { items: 1 }, merge: concat } }
            needs: { cpus: 2, memory: 16MiB, gang: 2 }
            retry: { attempts: 3, backoff: 10ms }
            run:
              command:
                - python3
                - -c
                - |

        """
        + program.split(separator: "\n").map { "            \($0)\n" }.joined()
            + """
                  stdin: lines
                  stdout: lines
            outputs: { sums: { from: "${tasks.sum.output}" } }

            """

    @Test func `members find one another, and begin again together when one fails`() async throws {
        let served = try await Served()
        try await served.startWorker(role: "a")
        let pipeline = try Fanfold.pipeline(Self.document)
        let submitted = try await served.ask(["submit", pipeline])
        #expect(submitted.code == 0, "\(submitted.errors)")
        let why = try await waitForReason(served)
        #expect(why.contains("2 are to run at the same time"), "\(why)")
        try await served.startWorker(role: "b")
        let ended = try await served.ask(["wait", "last"])
        #expect(ended.code == 0, "\(ended.text) \(ended.errors)")
        let output = try await served.ask(["output", "last"])
        #expect(output.text == "1\n5\n", "\(output.errors)")
        try await served.stop()
    }

    private func waitForReason(_ served: Served) async throws -> String {
        var text = ""
        for _ in 0..<100 {
            text = try await served.ask(["why", "last"]).text
            if text.contains("at the same time") { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        return text
    }
}
