import FanfoldPlugins
import Foundation
import Testing

@testable import FanfoldServices

@Suite struct `Secrets by name` {
    private let folder = TestFolder()

    private func value(_ source: SecretSource) async -> Result<String, PluginFailure> {
        let store = SecretStore(["a": source], redactor: SecretRedactor(), clock: TestClock())
        do throws(PluginFailure) {
            return .success(try await store.value(of: "a").text)
        } catch {
            return .failure(error)
        }
    }

    private func reason(_ source: SecretSource) async -> String? {
        guard case .failure(let failure) = await value(source) else { return nil }
        #expect(failure.code == 16)
        #expect(failure.retry == .renewed)
        #expect(!failure.message.contains("canary"))
        return failure.reason
    }

    @Test func `a file is read if only its owner may`() async throws {
        let path = folder.write("key", " canary \n")
        #expect(try await value(.file(path)).get() == "canary")
        for mode in [0o640, 0o604, 0o660, 0o601] {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: path)
            #expect(await reason(.file(path)) == "secret.permissions")
        }
        for mode in [0o600, 0o400] {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: path)
            #expect(await reason(.file(path)) == nil)
        }
        #expect(await reason(.file(folder.path)) == "secret.unreadable")
        #expect(await reason(.file(folder.path + "/none")) == "secret.unreadable")
        #expect(await reason(.file(folder.write("empty", "\n"))) == "secret.empty")
    }

    @Test func `a value of the limit passes, and one byte more does not`() async {
        let most = String(repeating: "a", count: SecretStore.maximumBytes)
        #expect(await reason(.file(folder.write("most", most))) == nil)
        #expect(await reason(.file(folder.write("more", most + "a"))) == "secret.size")
        #expect(await reason(.command(["cat", folder.path + "/most"])) == nil)
        #expect(await reason(.command(["cat", folder.path + "/more"])) == "secret.size")
    }

    @Test func `a variable of the environment`() async throws {
        let name = "FANFOLD_TEST_SECRET"
        #expect(await reason(.environment(name)) == "secret.missing")
        setenv(name, "canary", 1)
        defer { unsetenv(name) }
        #expect(try await value(.environment(name)).get() == "canary")
    }

    @Test func `a command's output, and each way in which there is none`() async throws {
        #expect(try await value(.command(["printf", "%s", "canary"])).get() == "canary")
        for arguments in [
            ["/no/such/program"], ["no-such-program"], ["false"],
            ["sh", "-c", "echo canary; exit 3"], ["sh", "-c", "echo canary; kill -9 $$"],
        ] {
            #expect(await reason(.command(arguments)) == "secret.command", "\(arguments)")
        }
        #expect(await reason(.command(["true"])) == "secret.empty")
    }

    @Test func `a command that hangs is ended, with what it started`() async {
        let command = SecretCommand(["sh", "-c", "sleep 1000 & wait"], outputLimit: 10, seconds: 0)
        let outcome = await withCheckedContinuation { done in
            command.run { done.resume(returning: $0) }
        }
        #expect(outcome == .failure(.tooLate))
    }

    @Test func `a command runs once in a while, or when it is asked anew`() async throws {
        let count = folder.path + "/count"
        let clock = TestClock()
        let store = SecretStore(
            ["a": .command(["sh", "-c", "echo x >> \(count); wc -l < \(count)"])],
            redactor: SecretRedactor(), clock: clock)
        #expect(try await store.value(of: "a").text == "1")
        #expect(try await store.value(of: "a").text == "1")
        store.forget("a")
        #expect(try await store.value(of: "a").text == "2")
        clock.pass(seconds: Int64(SecretStore.commandKeptNanoseconds / 1_000_000_000))
        #expect(try await store.value(of: "a").text == "3")
    }

    @Test func `nothing that prints a secret prints its value`() {
        let secret = SecretValue(Array("canary".utf8))
        var dumped = ""
        dump(secret, to: &dumped)
        dump([secret], to: &dumped)
        for text in [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\([secret])",
            "\(Optional(secret) as Any)", dumped,
        ] {
            #expect(!text.contains("canary"), "\(text)")
            #expect(!text.contains("99"), "\(text)")
        }
        #expect(AWSCredentials(accessKey: "canary", secretKey: "canary").description == "(secret)")
    }

    @Test func `a redactor finds whole secrets and their parts`() {
        let redactor = SecretRedactor()
        redactor.learn(SecretValue(Array("whole-secret\n".utf8)))
        redactor.learn(
            SecretValue(
                Array(
                    #"{"client_email":"public@example","private_key":"-----A\nline-one\nline-two\n"}"#
                        .utf8)))
        redactor.learn(SecretValue(Array("[a]\naws_secret_access_key = hidden-key\n".utf8)))
        #expect(
            redactor.redacted("whole-secret line-one/line-two hidden-key public@example")
                == "(secret) (secret)/(secret) (secret) public@example")
    }

    @Test func `neither a request that fails nor one that succeeds leaves a trace of a secret`()
        async throws
    {
        let token = "canary-7f3a9c1e"
        var http = TestHTTP()
        http.secrets["token"] = .file(folder.write("token", token))
        http.limits.firstBackoff = 1_000_000
        // The server repeats what it was sent, in a head and in a body.
        let server = try await TestServer([
            .answer(200, headers: ["X-Echo": token], body: "you sent \(token)"),
            .answer(403, headers: ["X-Echo": token], body: "you sent \(token)"), .end,
        ])
        let recording = folder.path + "/recording.jsonl"
        let service = try RecordingHTTPService(
            http.networkService(), path: recording, redactor: http.redactor,
            logger: http.log.logger)
        var said = ""
        let signing = HTTPServiceRequest.Signing(scheme: "bearer", secret: "token")
        for path in ["a", "b?q=\(token)", "c"] {
            let request = HTTPServiceRequest(
                method: "POST", url: "http://127.0.0.1:\(server.port)/\(path)", signing: signing)
            switch await service.result(request) {
            case .success(let answer): said += "\(answer.status)"
            case .failure(let failure): said += "\(failure) \(failure.reason) \(failure.message)"
            }
        }
        #expect(server.seen.count == 3)
        #expect(server.seen.allSatisfy { $0.headers["authorization"] == "Bearer \(token)" })
        #expect(!said.contains(token))
        #expect(http.log.text.contains("answered"))
        #expect(!http.log.text.contains(token))
        let recorded = try String(contentsOfFile: recording, encoding: .utf8)
        #expect(recorded.contains(SecretRedactor.mark))
        #expect(!recorded.contains(token))
        #expect(!"\(http.secrets)".contains(token))
    }
}
