import FanfoldJSON
import Foundation
import Testing

private let venv = ProcessInfo.processInfo.environment["FANFOLD_TEST_RAY"]
private let testsAll = ProcessInfo.processInfo.environment["FANFOLD_TEST_ALL"] != nil

/// The Ray provider through the built program, on a real head with a node that the test starts;
/// Ray's own API, asked by Python, says what is really there.
///
/// An environment with `ray[default]` takes 400 MB and a minute: it is made with
/// FANFOLD_TEST_ALL=1, or named by FANFOLD_TEST_RAY.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && (venv != nil || testsAll),
        "wanted FANFOLD_TEST_ALL=1, or FANFOLD_TEST_RAY with an environment that has ray: NOTHING WAS RUN"
    ),
    .timeLimit(.minutes(10)))
struct ProviderRayTests {
    /// A Ray with a proxy before it, and the settings that name the proxy.
    private final class Rig {
        let cluster: Backend
        let proxy: CuttingProxy
        let options: [String]
        private let port = Int.random(in: 20_000...29_000)

        init() async throws {
            let port = port
            cluster = try await Backend(
                { ["sh", Fanfold.tool("ray.sh"), $0.path, "\(port)"] + [venv].compactMap { $0 } },
                ready: "ready", seconds: 400)
            proxy = try await CuttingProxy(before: "127.0.0.1:\(port)")
            let address = try proxy.address
            options = try cluster.settings(
                """
                secrets: { ray: { file: \(cluster.folder.path)/token } }
                providers:
                  cluster:
                    use: ray
                    with:
                      endpoint: http://\(address)
                      secret: ray
                      sizes: { one: { cpus: 1, memory-mib: 100 }, huge: { cpus: 64, memory-mib: 100 } }
                      most: 3
                    grant: { hosts: ["\(address)"], secrets: [ray] }
                """)
            try "#!/bin/sh\necho it\\'s; while :; do sleep 1; done\n".write(
                toFile: cluster.folder.path + "/boot.sh", atomically: true, encoding: .utf8)
        }

        func run(_ arguments: String...) async throws -> Finished {
            try await Fanfold.run(["provider"] + arguments + options)
        }

        func launch(_ token: String, _ offering: String = "one") async throws -> Finished {
            try await run(
                "launch", "cluster", "--offering", offering, "--count", "2", "--owner", "test",
                "--token", token, "--boot", cluster.folder.path + "/boot.sh", "--output", "quiet")
        }

        /// What Ray's API lists: id, status.
        func observed() async throws -> [String] {
            let program = """
                import json, sys, urllib.request
                token = open(sys.argv[1] + "/token").read()
                request = urllib.request.Request(
                    f"http://127.0.0.1:{sys.argv[2]}/api/jobs/", headers={"Authorization": "Bearer " + token})
                for job in json.load(urllib.request.urlopen(request, timeout=60)):
                    print(job["submission_id"], job["status"])
                """
            let listed = try await Child(
                [Backend.python, "-c", program, cluster.folder.path, "\(port)"]
            ).finish(within: 90)
            try #require(listed.code == 0, "\(listed.errors)")
            return listed.text.split(separator: "\n").map(String.init).sorted()
        }
    }

    @Test func `workers are offered, launched twice as one, described and ended, and none is left`()
        async throws
    {
        let rig = try await Rig()
        let check = try await rig.run("check", "cluster")
        #expect(check.code == 1)
        #expect(check.text.contains("no node is large enough for huge"), "\(check.text)")
        let offered = try await rig.run("offerings", "cluster")
        #expect(offered.text.contains("*  one"), "\(offered.text)\(offered.errors)")
        #expect(offered.text.contains("(sold out)"))

        let token = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
        try rig.proxy.cut("POST /api/jobs/ ")
        let lost = try await rig.launch(token)
        #expect(lost.code == 1 && rig.proxy.hasCut, "\(lost.text)")
        #expect(lost.errors.contains("may work later"), "\(lost.errors)")
        let first = try await rig.launch(token)
        try #require(first.code == 0, "\(first.errors)")
        let again = try await rig.launch(token)
        #expect(again.text == first.text)
        let names = first.text.split(separator: "\n").map(String.init).sorted()
        #expect(names.count == 2)
        for _ in 0..<60 where try await rig.observed() != names.map({ "\($0) RUNNING" }) {
            try await Task.sleep(for: .milliseconds(500))
        }
        #expect(try await rig.observed() == names.map { "\($0) RUNNING" })
        let described = try await rig.run("describe", "cluster", "--owner", "test")
        #expect(described.text.components(separatedBy: "running").count == 3, "\(described.text)")
        let sold = try await rig.launch("6ba7b811-9dad-41d1-80b4-00c04fd430c8", "huge")
        #expect(sold.errors.contains("another offering"), "\(sold.errors)")

        let ended = try await rig.run("terminate", "cluster", "--owner", "test")
        #expect(ended.code == 0, "\(ended.errors)")
        #expect(try await rig.observed() == [])
        #expect(try await rig.run("terminate", "cluster", "--id", names[0]).code == 0)
        // A wrong token is said as such.
        try "wrong".write(
            toFile: rig.cluster.folder.path + "/wrong", atomically: true, encoding: .utf8)
        chmod(rig.cluster.folder.path + "/wrong", 0o600)
        let settings = try String(contentsOfFile: rig.options[1], encoding: .utf8)
        try settings.replacing("/token }", with: "/wrong }")
            .write(toFile: rig.options[1], atomically: true, encoding: .utf8)
        let refused = try await rig.launch(token)
        #expect(refused.code == 4 && refused.errors.contains("renew what"), "\(refused.errors)")
    }
}
