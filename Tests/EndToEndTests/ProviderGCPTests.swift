import FanfoldJSON
import Foundation
import Testing

/// The GCP provider through the built program, against a server made from Google's discovery
/// document; Google's own client proves the server first, and says what is really there.
@Suite(
    .enabled(
        if: Fanfold.hasCommands
            && Backend.pythonHas("googleapiclient", "google.oauth2", "cryptography"),
        "python3 has no google-api-python-client: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct ProviderGCPTests {
    private final class Rig {
        let server: Backend
        let port: String
        let options: [String]

        init(scope: String = "") async throws {
            server = try await Backend(
                { [Backend.python, Fanfold.tool("gce.py"), $0.path] }, ready: "port")
            port = try server.text("port")
            options = try server.settings(
                """
                secrets: { google: { file: \(server.folder.path)/key.json } }
                providers:
                  cloud:
                    use: gcp
                    with:
                      project: p
                      zones: [us-central1-a, us-central1-b]
                      endpoint: http://127.0.0.1:\(port)
                      secret: google
                      scope: "\(scope)"
                      spot-prices: { e2-standard-4: 0.04 }
                    grant: { hosts: ["127.0.0.1:\(port)"], secrets: [google] }
                """)
        }

        func run(_ arguments: String...) async throws -> Finished {
            try await Fanfold.run(["provider"] + arguments + options)
        }

        func launch() async throws -> Finished {
            try await run(
                "launch", "cloud", "--offering", "us-central1-a/e2-standard-4/spot",
                "--offering", "us-central1-b/e2-standard-4/on-demand", "--count", "2", "--owner",
                "Somebody Else", "--token", "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "--join",
                "fanfold-join:one-time", "--output", "quiet")
        }

        func ask(_ fault: String) async throws {
            let post = """
                import sys, urllib.request
                urllib.request.urlopen(sys.argv[1], sys.argv[2].encode())
                """
            let asked = try await Child(
                [Backend.python, "-c", post, "http://127.0.0.1:\(port)/faults", fault]
            ).finish(within: 60)
            try #require(asked.code == 0, "\(asked.errors)")
        }

        /// What Google's own client is told to do, and says.
        func client(_ what: String) async throws -> [String] {
            let seen = try await Child(
                [Backend.python, Fanfold.tool("gce_client.py"), server.folder.path, what]
            ).finish(within: 60)
            try #require(seen.code == 0, "\(seen.errors)")
            return seen.text.split(separator: "\n").map(String.init)
        }
    }

    @Test(arguments: ["", "https://www.googleapis.com/auth/compute"])
    func `workers are offered, launched, described and ended, and Google's client agrees`(
        scope: String
    ) async throws {
        let rig = try await Rig(scope: scope)
        #expect(try await rig.client("prove") == ["proved"])
        let check = try await rig.run("check", "cloud")
        #expect(check.code == 0, "\(check.text)\(check.errors)")
        let offered = try await rig.run("offerings", "cloud", "--output", "quiet")
        #expect(
            offered.text.split(separator: "\n").contains("us-central1-b/e2-standard-4/spot"),
            "\(offered.text)\(offered.errors)")

        let launched = try await rig.launch()
        try #require(launched.code == 0, "\(launched.errors)")
        let ids = launched.text.split(separator: "\n").map(String.init).sorted()
        #expect(ids.count == 2)
        let seen = try await rig.client("list")
        #expect(
            seen.map { $0.split(separator: "\t").prefix(2).joined(separator: "/") } == ids)
        #expect(seen.allSatisfy { $0.contains("\"fanfold\": \"worker\"") })
        let described = try await rig.run(
            "describe", "cloud", "--owner", "Somebody Else", "--output", "json")
        let workers = try JSON(parsing: described.text).arrayValue ?? []
        #expect(workers.map { $0["state"] } == ["running", "running"], "\(described.errors)")
        #expect(
            workers.allSatisfy { $0["offering"] == "us-central1-a/e2-standard-4/spot" })

        let ended = try await rig.run("terminate", "cloud", "--owner", "Somebody Else")
        #expect(ended.code == 0, "\(ended.errors)")
        #expect(try await rig.client("list") == [])
        #expect(try await rig.run("terminate", "cloud", "--id", ids[0]).code == 0)
    }

    @Test func `a launch whose answer is lost, and one that is sold out, give one set`()
        async throws
    {
        let rig = try await Rig()
        try await rig.ask(#"{"method": "compute.instances.insert", "cut": true}"#)
        let lost = try await rig.launch()
        #expect(lost.code == 1 && lost.errors.contains("may work later"), "\(lost.errors)")
        let again = try await rig.launch()
        #expect(again.code == 0, "\(again.errors)")
        #expect(try await rig.client("list").count == 2)
        _ = try await rig.run("terminate", "cloud", "--owner", "Somebody Else")

        for _ in 0..<2 {
            try await rig.ask(
                #"{"method": "compute.instances.insert", "operation": "ZONE_RESOURCE_POOL_EXHAUSTED"}"#
            )
        }
        let fresh = try await rig.run(
            "launch", "cloud", "--offering", "us-central1-a/e2-standard-4/spot", "--offering",
            "us-central1-b/e2-standard-4/on-demand", "--count", "2", "--owner", "Somebody Else",
            "--join", "fanfold-join:one-time", "--output", "quiet")
        #expect(fresh.text.contains("us-central1-b/"), "\(fresh.errors)")
        #expect(!fresh.text.contains("us-central1-a/"))
        _ = try await rig.run("terminate", "cloud", "--owner", "Somebody Else")
        #expect(try await rig.client("list") == [])
    }
}
