import FanfoldJSON
import FanfoldPlugins
import Foundation
import Testing

@testable import FanfoldServices

@Suite struct `Recordings of requests` {
    private let folder = TestFolder()

    private func recorded(
        _ outcomes: [Result<HTTPServiceAnswer, TransportFailure>], _ requests: [HTTPServiceRequest]
    ) async throws -> String {
        let path = folder.path + "/\(UUID().uuidString).jsonl"
        let http = TestHTTP()
        let service = try RecordingHTTPService(
            http.service(ScriptedTransport(outcomes)), path: path, redactor: http.redactor,
            logger: http.log.logger)
        for request in requests { _ = await service.result(request) }
        return path
    }

    private let post = HTTPServiceRequest(
        method: "POST", url: "https://api.example.org/a?b=1",
        headers: [.init("Accept", "text/xml"), .init("Authorization", "canary")],
        body: Array("x=1".utf8))

    @Test func `what was recorded is replayed, answers and failures`() async throws {
        let path = try await recorded(
            [
                .status(200, ["Vary": "a", "Set-Cookie": "canary"], body: "one"),
                .success(HTTPServiceAnswer(status: 404, body: [0xFF, 0xFE])),
                .failure(.cut),
            ],
            [post, post, .get("https://api.example.org/z")])
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.split(separator: "\n").count == 3)
        #expect(!text.contains("canary"))
        let replay = try ReplayingHTTPService(path: path)
        let first = try await replay.result(post).get()
        #expect(
            first
                == HTTPServiceAnswer(
                    status: 200, headers: [.init("Vary", "a")], body: Array("one".utf8)))
        #expect(try await replay.result(post).get().body == [0xFF, 0xFE])
        let failure = await replay.failure(.get("https://api.example.org/z"))
        #expect(failure?.reason == "http.cut")
        #expect(failure?.retry == .later)
        #expect(replay.unusedCount == 0)
        let used = await replay.failure(post)
        #expect(used?.reason == "replay.used")
    }

    @Test func `what was not recorded is a failure that shows the nearest`() async throws {
        let path = try await recorded(
            [.status(200)], [post, .get("https://other.example.org/")])
        let replay = try ReplayingHTTPService(path: path)
        let other = await replay.failure(.get("https://api.example.org/a?b=2"))
        #expect(other?.code == 5)
        #expect(other?.retry == .never)
        #expect(
            other?.message.contains("line 1: POST https://api.example.org/a?b=1") == true)
        var body = post
        body.body = Array("x=22".utf8)
        let failure = await replay.failure(body)
        #expect(failure?.message.contains("another body of 3 bytes, not 4") == true)
        let empty = try ReplayingHTTPService(path: folder.write("empty", "\n"))
        #expect(await empty.failure(post)?.reason == "replay.empty")
    }

    @Test func `a file that is no recording is refused with its line`() throws {
        let good = Recording(post, .success(HTTPServiceAnswer(status: 200)))
            .json(SecretRedactor()).text
        for line in [
            "no", "{}", #"{"version":2}"#, #"{"version":1}"#,
            #"{"version":1,"request":{"method":"GET","url":"a"}}"#,
            #"{"version":1,"request":{"method":"GET","url":"a"},"answer":{"status":0}}"#,
            #"{"version":1,"request":{"method":"GET","url":"a"},"failure":{"code":0}}"#,
            #"{"version":1,"request":{"method":"GET","url":"a","body_base64":"?"},"answer":{"status":200}}"#,
        ] {
            let path = folder.write("bad", good + "\n" + line + "\n")
            do throws(RecordingProblem) {
                _ = try ReplayingHTTPService(path: path)
                Issue.record("wanted a refusal of \(line)")
            } catch {
                #expect(error.description.hasPrefix(path + ":2: "), "\(error)")
            }
        }
        #expect(throws: RecordingProblem.self) {
            try ReplayingHTTPService(path: folder.path + "/none")
        }
    }

    @Test func `only its owner may read a recording, and it is added to`() async throws {
        let path = try await recorded([.status(200)], [post])
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        let http = TestHTTP()
        let service = try RecordingHTTPService(
            http.service(ScriptedTransport([.status(200)])), path: path,
            redactor: http.redactor, logger: http.log.logger)
        _ = await service.result(post)
        #expect(try ReplayingHTTPService(path: path).unusedCount == 2)
    }
}
