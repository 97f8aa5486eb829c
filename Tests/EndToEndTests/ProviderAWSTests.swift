import FanfoldJSON
import Foundation
import Testing

/// The AWS provider through the built program, against a server that checks every signature;
/// boto3 says what is really there.
@Suite(
    .enabled(
        if: Fanfold.hasCommands && Backend.pythonHas("moto", "boto3", "werkzeug"),
        "python3 has no moto and boto3: NOTHING WAS RUN"),
    .timeLimit(.minutes(10)))
struct ProviderAWSTests {
    /// A server and the settings that name it.
    private final class Rig {
        let server: Backend
        let port: String
        let options: [String]

        init(secret: String = "credentials.json") async throws {
            server = try await Backend(
                { [Backend.python, Fanfold.tool("ec2.py"), $0.path] }, ready: "port")
            port = try server.text("port")
            options = try server.settings(
                """
                secrets: { ec2: { file: \(server.folder.path)/\(secret) } }
                providers:
                  cloud:
                    use: aws
                    with:
                      endpoint: http://127.0.0.1:\(port)
                      secret: ec2
                      instance-types: [m5.large, c5.xlarge, p3.2xlarge]
                      markets: [on-demand, spot]
                    grant: { hosts: ["127.0.0.1:\(port)"], secrets: [ec2] }
                """)
        }

        func run(_ arguments: String...) async throws -> Finished {
            try await Fanfold.run(["provider"] + arguments + options)
        }

        func workers(_ finished: Finished) throws -> [JSON] {
            try JSON(parsing: finished.text).arrayValue ?? []
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

        /// What boto3 sees: id, state, tags, market.
        func observed() async throws -> [[String]] {
            let seen = try await Child(
                [Backend.python, Fanfold.tool("ec2_instances.py"), server.folder.path]
            ).finish(within: 60)
            try #require(seen.code == 0, "\(seen.errors)")
            return seen.text.split(separator: "\n").map {
                $0.split(separator: "\t").map(String.init)
            }
        }
    }

    private static let token = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    private static let launch = [
        "launch", "cloud", "--offering", "us-east-1a/m5.large/spot", "--count", "2", "--owner",
        "test", "--token", token, "--join", "fanfold-join:one-time", "--output", "json",
    ]

    private func launch(_ rig: Rig) async throws -> Finished {
        try await Fanfold.run(["provider"] + Self.launch + rig.options)
    }

    @Test func `workers are offered, launched, described and ended, and an observer agrees`()
        async throws
    {
        let rig = try await Rig()
        let check = try await rig.run("check", "cloud")
        #expect(check.text.contains("ok    credentials"), "\(check.text)\(check.errors)")
        #expect(check.text.contains("ok    may launch"), "\(check.text)")
        let offered = try rig.workers(
            try await rig.run("offerings", "cloud", "--cpus", "4", "--output", "json"))
        #expect(!offered.isEmpty)
        #expect(offered.filter { $0["chosen"] == true }.count == 1)
        #expect(offered.allSatisfy { ($0["cpu"]?.doubleValue ?? 0) >= 4 })
        let table = try await rig.run("offerings", "cloud", "--market", "on-demand")
        #expect(table.text.contains("2025-06-01"), "\(table.text)")

        let launched = try await launch(rig)
        try #require(launched.code == 0, "\(launched.errors)")
        let ids = try rig.workers(launched).compactMap { $0["id"]?.stringValue }.sorted()
        #expect(ids.count == 2)
        let seen = try await rig.observed()
        #expect(seen.map { $0[0] }.sorted() == ids)
        for line in seen {
            #expect(line[3] == "spot")
            let tags = try JSON(parsing: line[2])
            #expect(tags["fanfold:token"]?.stringValue == Self.token)
            #expect(tags["fanfold:owner"] == "test")
            #expect(tags["fanfold:offering"] == "us-east-1a/m5.large/spot")
            #expect(tags["fanfold:expires"]?.stringValue?.hasSuffix("Z") == true)
        }
        let described = try await rig.run(
            "describe", "cloud", "--owner", "test", "--output", "json")
        #expect(
            try rig.workers(described).map { $0["state"] } == ["running", "running"],
            "\(described.text)\(described.errors)")

        let ended = try await rig.run("terminate", "cloud", "--owner", "test")
        #expect(ended.code == 0, "\(ended.errors)")
        #expect(try await rig.observed().allSatisfy { $0[1] == "terminated" })
        let again = try await rig.run("terminate", "cloud", "--id", ids[0], "--id", "i-0123456789")
        #expect(again.code == 0, "\(again.errors)")
    }

    @Test func `a launch whose answer is lost and that is repeated gives one set of instances`()
        async throws
    {
        let rig = try await Rig()
        try await rig.ask(#"{"action": "RunInstances", "cut": true}"#)
        let lost = try await launch(rig)
        #expect(lost.code == 1, "\(lost.text)")
        #expect(lost.errors.contains("may work later"), "\(lost.errors)")
        let again = try await launch(rig)
        try #require(again.code == 0, "\(again.errors)")
        #expect(try rig.workers(again).count == 2)
        #expect(try await rig.observed().count == 2)
        _ = try await rig.run("terminate", "cloud", "--owner", "test")
        #expect(try await rig.observed().allSatisfy { $0[1] == "terminated" })
    }

    @Test func `what the cloud refuses is said with what to do, and a wrong key gets nothing`()
        async throws
    {
        let rig = try await Rig()
        for (code, status, words) in [
            ("RequestLimitExceeded", 503, "may work later"),
            ("InsufficientInstanceCapacity", 500, "another offering may have room"),
            ("VcpuLimitExceeded", 400, "quota raised"),
            ("InvalidAMIID.NotFound", 400, "/providers/cloud/with/image"),
        ] {
            try await rig.ask(
                #"{"action": "RunInstances", "code": "\#(code)", "status": \#(status)}"#)
            let refused = try await launch(rig)
            #expect(refused.code == 1)
            #expect(refused.errors.contains(words), "\(code): \(refused.errors)")
        }
        #expect(try await rig.observed().isEmpty)

        let path = rig.server.folder.path + "/wrong.json"
        try #"{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "canary-key"}"#.write(
            toFile: path, atomically: true, encoding: .utf8)
        chmod(path, 0o600)
        let settings = try String(contentsOfFile: rig.options[1], encoding: .utf8)
        try settings.replacing("credentials.json", with: "wrong.json")
            .write(toFile: rig.options[1], atomically: true, encoding: .utf8)
        let refused = try await launch(rig)
        #expect(refused.code == 4, "\(refused.errors)")
        #expect(!refused.errors.contains("canary"))
    }
}
