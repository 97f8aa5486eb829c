import FanfoldJSON
import Foundation
import Testing

/// A coordinator that rents containers of a real Docker and a real Podman; the engine's own command line
/// says what is really there.
@Suite(
    .serialized,
    .enabled(
        if: Fanfold.hasCommands && getuid() == 0 && Fanfold.has("busybox") && Fanfold.has("docker"),
        "wanted root, busybox and the docker command: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct ScalingEngineTests {
    /// An engine with an image of a worker that was just built.
    private final class Rig {
        let backend: Backend
        let cluster: LogCluster

        init(_ engine: ProviderEngineTests.Engine) async throws {
            backend = try await Backend(engine.command, ready: "engine.sock")
            let folder = backend.folder.path
            let socket = folder + "/engine.sock"
            let script = Fanfold.root.appendingPathComponent("scripts/worker-image/rootfs").path
            let image = """
                set -e
                until curl -sf --unix-socket \(socket) http://d/_ping >/dev/null; do sleep 0.1; done
                \(script) \(Fanfold.products.path) \(folder)/image with-tools
                tar -C \(folder)/image -cf \(folder)/image.tar .
                docker -H unix://\(socket) import \(folder)/image.tar fanfold/worker:latest
                rm -rf \(folder)/image \(folder)/image.tar
                """
            let made = try await Child(["sh", "-c", image], in: backend.folder)
                .finish(within: 240)
            try #require(made.code == 0, "\(made.errors)")
            let prefix = engine == .docker ? "" : "docker.io/"
            let settings = try backend.settings(
                """
                providers:
                  engine:
                    use: docker
                    with:
                      endpoint: unix://\(socket)
                      image: \(prefix)fanfold/worker:latest
                      network: host
                      grace-s: 3
                      most: 2
                      sizes: { one: { cpus: 1, memory-mib: 512 } }
                    grant: { hosts: ["unix:\(socket)"] }
                pools:
                  boxes: { provider: engine, max: 2 }
                scaling:
                  interval: 500ms
                  window: 3s
                  up-cooldown: 1s
                  down-cooldown: 3s
                  horizon: 1s
                """)
            cluster = try await LogCluster(workers: 0, settings: settings[1], serve: ["--tls"])
        }

        /// What the engine's own command line lists: names of all containers.
        func observed() async throws -> [String] {
            let listed = try await Child([
                "docker", "-H", "unix://\(backend.folder.path)/engine.sock", "ps", "--all",
                "--format", "{{.Names}}",
            ]).finish(within: 60)
            try #require(listed.code == 0, "\(listed.errors)")
            return listed.text.split(separator: "\n").map(String.init).sorted()
        }
    }

    @Test(arguments: ProviderEngineTests.Engine.allCases.filter(\.isHere))
    func `containers are rented for a run, adopted by the next coordinator, and none is left`(
        _ engine: ProviderEngineTests.Engine
    ) async throws {
        let rig = try await Rig(engine)
        let path = try Fanfold.pipeline(
            """
            fanfold: 1
            name: boxes
            inputs: { n: { range: 16 } }
            tasks:
              work:
                input: ${inputs.n}
                strategy: { use: data-parallel, with: { size: { items: 1 } } }
                run: { command: [sh, -c, 'sleep 1; cat'], stdin: lines, stdout: lines }
                needs: { cpus: 1, memory: 1MiB }
            """)
        let submitted = try await rig.cluster.ask(["submit", path])
        #expect(submitted.code == 0, "\(submitted.errors)")
        try await rig.cluster.waitForWorkers(2, seconds: 60)
        let before = try await rig.observed()
        #expect(before.count == 2, "\(before)")
        try await rig.cluster.killCoordinator()
        #expect(try await rig.observed() == before)
        try await rig.cluster.restartCoordinator()
        let waited = try await rig.cluster.ask(["wait", "last"])
        #expect(waited.code == 0, "\(waited.text) \(waited.errors)")
        for _ in 0..<300 where try await !rig.observed().isEmpty {
            #expect(Set(try await rig.observed()).isSubset(of: before))
            try await Task.sleep(for: .milliseconds(200))
        }
        #expect(try await rig.observed() == [])
        let why = try await rig.cluster.ask(["why", "scale"])
        for word in ["launch 2 workers of one", "drain", "end fanfold-"] {
            #expect(why.text.contains(word), "\(word): \(why.text)")
        }
        try await rig.cluster.stop()
    }
}
