import FanfoldJSON
import Foundation
import Testing

/// The Docker provider through the built program, on a real Docker and a real Podman that the test
/// starts; the engine's own command line says what is really there.
@Suite(
    .serialized,
    .enabled(
        if: Fanfold.hasCommands && getuid() == 0 && Fanfold.has("busybox") && Fanfold.has("docker"),
        "wanted root, busybox and the docker command: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct ProviderEngineTests {
    /// An engine that can be started here.
    enum Engine: String, CaseIterable, CustomTestStringConvertible {
        case docker
        case podman

        var testDescription: String { rawValue }
        var isHere: Bool { Fanfold.has(self == .docker ? "dockerd" : "podman") }

        /// What starts it, with everything that is its own in one folder.
        func command(_ folder: URL) -> [String] {
            let f = folder.path
            switch self {
            case .docker:
                return [
                    "dockerd", "--host", "unix://\(f)/engine.sock", "--pidfile", "\(f)/pid",
                    "--data-root", "\(f)/data", "--exec-root", "\(f)/exec", "--bridge=none",
                    "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                    "--ip-masq=false", "--userland-proxy=false", "--storage-driver=vfs",
                    "--exec-opt", "native.cgroupdriver=cgroupfs",
                    "--cgroup-parent=/fanfold-test",
                ]
            case .podman:
                let settings = """
                    [containers]
                    netns = "none"
                    log_driver = "k8s-file"
                    default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
                    [engine]
                    cgroup_manager = "cgroupfs"
                    runtime = "runc"
                    events_logger = "file"
                    """
                try? settings.write(
                    toFile: f + "/containers.conf", atomically: true, encoding: .utf8)
                return [
                    "env", "CONTAINERS_CONF=\(f)/containers.conf", "podman", "--root",
                    "\(f)/root", "--runroot", "\(f)/run", "--tmpdir", "\(f)/tmp",
                    "--storage-driver", "vfs", "system", "service", "--time=0",
                    "unix://\(f)/engine.sock",
                ]
            }
        }
    }

    private final class Rig {
        let backend: Backend
        let proxy: CuttingProxy
        let options: [String]
        let boot: String

        init(_ engine: Engine) async throws {
            backend = try await Backend(engine.command, ready: "engine.sock")
            let folder = backend.folder.path
            let socket = folder + "/engine.sock"
            // An image without a registry: one program that is a shell and more.
            let image = """
                set -e
                until curl -sf --unix-socket \(socket) http://d/_ping >/dev/null; do sleep 0.1; done
                mkdir -p \(folder)/image/bin \(folder)/image/tmp
                cp "$(command -v busybox)" \(folder)/image/bin/busybox
                for name in sh sleep date stat cat; do
                    ln -sf busybox \(folder)/image/bin/$name
                done
                tar -C \(folder)/image -cf \(folder)/image.tar .
                docker -H unix://\(socket) import \(folder)/image.tar fanfold/test:latest
                """
            let made = try await Child(["sh", "-c", image], in: backend.folder).finish(within: 60)
            try #require(made.code == 0, "\(made.errors)")
            proxy = try await CuttingProxy(before: "unix:\(socket)")
            let door = try proxy.address
            boot = folder + "/boot.sh"
            try "#!/bin/sh\nwhile :; do sleep 1; done\n".write(
                toFile: boot, atomically: true, encoding: .utf8)
            options = try backend.settings(
                """
                providers:
                  engine:
                    use: docker
                    with:
                      endpoint: unix://\(door)
                      image: \(engine == .docker ? "fanfold/test:latest" : "docker.io/fanfold/test:latest")
                      network: none
                      grace-s: 0
                      most: 3
                      sizes: { tiny: { cpus: 0.5, memory-mib: 32 } }
                    grant: { hosts: ["unix:\(door)"] }
                """)
        }

        func run(_ arguments: String...) async throws -> Finished {
            try await Fanfold.run(["provider"] + arguments + options)
        }

        func launch(_ token: String, _ count: String) async throws -> Finished {
            try await run(
                "launch", "engine", "--offering", "tiny", "--count", count, "--min", "1",
                "--owner", "test", "--token", token, "--boot", boot, "--output", "quiet")
        }

        /// What the engine's own command line lists: names of all containers.
        func observed() async throws -> [String] {
            let listed = try await Child([
                "docker", "-H", "unix://\(backend.folder.path)/engine.sock", "ps", "--all",
                "--format", "{{.Names}} {{.State}}",
            ]).finish(within: 60)
            try #require(listed.code == 0, "\(listed.errors)")
            return listed.text.split(separator: "\n").map(String.init).sorted()
        }
    }

    @Test(arguments: Engine.allCases.filter(\.isHere))
    func `workers are offered, launched twice as one, described and ended, and nothing is left`(
        _ engine: Engine
    ) async throws {
        let rig = try await Rig(engine)
        let check = try await rig.run("check", "engine")
        #expect(check.code == 0, "\(check.text)\(check.errors)")
        let offered = try await rig.run("offerings", "engine")
        #expect(offered.text.contains("*  tiny"), "\(offered.text)\(offered.errors)")

        let token = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
        for request in ["POST /containers/create", "POST /containers/fanfold-"] {
            try rig.proxy.cut(request)
            let lost = try await rig.launch(token, "2")
            #expect(lost.code == 1 && rig.proxy.hasCut, "\(lost.text)")
            #expect(lost.errors.contains("may work later"), "\(lost.errors)")
        }
        let first = try await rig.launch(token, "2")
        try #require(first.code == 0, "\(first.errors)")
        let again = try await rig.launch(token, "2")
        #expect(again.text == first.text)
        let names = first.text.split(separator: "\n").map { "\($0) running" }.sorted()
        #expect(names.count == 2)
        #expect(try await rig.observed() == names)

        // One more has room, two have not; what is rented is no more than may be.
        let other = try await rig.launch("6ba7b811-9dad-41d1-80b4-00c04fd430c8", "2")
        #expect(other.text.split(separator: "\n").count == 1, "\(other.errors)")
        let full = try await rig.launch("6ba7b812-9dad-41d1-80b4-00c04fd430c8", "1")
        #expect(full.code == 1)
        #expect(full.errors.contains("another offering"), "\(full.errors)")

        let described = try await rig.run("describe", "engine", "--owner", "test")
        #expect(described.text.split(separator: "\n").count == 4, "\(described.text)")
        let ended = try await rig.run("terminate", "engine", "--owner", "test")
        #expect(ended.code == 0, "\(ended.errors)")
        // The engine has accepted it; what it removes by itself is gone a moment later.
        for _ in 0..<50 where try await !rig.observed().isEmpty {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try await rig.observed() == [])
        let twice = try await rig.run("terminate", "engine", "--id", "fanfold-\(token)-0")
        #expect(twice.code == 0, "\(twice.errors)")
    }

    @Test func `an engine that does not answer is said by check`() async throws {
        let folder = try Fanfold.temporaryFolder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("fanfold.yaml")
        try """
        plugins: { cache: \(folder.path)/cache }
        providers:
          engine:
            use: docker
            with: { endpoint: "unix://\(folder.path)/none.sock" }
            grant: { hosts: ["unix:\(folder.path)/none.sock"] }
        """.write(to: file, atomically: true, encoding: .utf8)
        let check = try await Fanfold.run(["provider", "check", "engine", "--config", file.path])
        #expect(check.code == 1)
        #expect(check.text.contains("FAIL  engine"), "\(check.text)\(check.errors)")
    }
}
