import FanfoldJSON
import Testing

@testable import FanfoldAPI

/// Runs through the API.
@Suite(.timeLimit(.minutes(5)))
struct RunRouteTests {
    @Test func `a pipeline goes in as JSON with all that belongs to it`() async throws {
        try await TestServer.run { server in
            let sum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            #expect(try await server.ask("POST", "/api/v1/files/\(sum)/finish").status == 200)
            let answer = try await server.ask(
                "POST", "/api/v1/runs", as: .submit,
                [
                    "pipeline": ["fanfold": 1], "name": "scores",
                    "overrides": ["tasks.a.run": "noop"], "files": ["data/a.csv": .string(sum)],
                ])
            #expect(answer.status == 201)
            #expect(answer.headers.first(name: "location") == "/api/v1/runs/1")
            let taken = try #require(await server.plane.submissions.first)
            #expect(taken.format == .json)
            #expect(taken.document == Array("{\"fanfold\":1}".utf8))
            #expect(taken.name == "scores" && taken.submitter == "submit")
            #expect(taken.overrides.first?.key == "tasks.a.run")
            #expect(taken.files.first?.path == "data/a.csv")
        }
    }

    @Test func `a pipeline goes in as YAML, alone or in an envelope`() async throws {
        try await TestServer.run { server in
            let secret = server.secrets[.submit] ?? ""
            let plain = try await server.send(
                "POST", "/api/v1/runs",
                [("authorization", "Bearer \(secret)"), ("content-type", "application/yaml")],
                Array("fanfold: 1\n".utf8))
            #expect(plain.status == 201)
            let enveloped = try await server.ask(
                "POST", "/api/v1/runs", as: .submit, ["pipeline": "fanfold: 1\n"])
            #expect(enveloped.status == 201)
            for taken in await server.plane.submissions {
                #expect(taken.format == .yaml && taken.document == Array("fanfold: 1\n".utf8))
            }
        }
    }

    @Test func `what is wrong with a pipeline comes back with its places`() async throws {
        try await TestServer.run { server in
            let answer = try await server.ask("POST", "/api/v1/runs", ["pipeline": "a: 1"])
            #expect(answer.status == 422 && answer.code == "invalid")
            #expect(answer.json["errors"]?[0]?["line"]?.integerValue == 1)
        }
    }

    @Test func `pages show each run once, newest first, while new ones come`() async throws {
        try await TestServer.run { server in
            for number in 1...7 { #expect(try await server.submit() == Int64(number)) }
            var seen: [Int64] = []
            var path = "/api/v1/runs?limit=3"
            for page in 1...3 {
                let answer = try await server.ask("GET", path, as: .read)
                seen += (answer.json["runs"]?.arrayValue ?? []).compactMap {
                    $0["id"]?.integerValue
                }
                #expect(answer.json["total"]?.integerValue == Int64(6 + page))
                _ = try await server.submit("later")
                guard let next = answer.json["next"]?.stringValue else { break }
                path = "/api/v1/runs?limit=3&cursor=\(next)"
            }
            #expect(seen == [7, 6, 5, 4, 3, 2, 1])
        }
    }

    @Test func `a list can be narrowed to a state`() async throws {
        try await TestServer.run { server in
            for _ in 1...3 { _ = try await server.submit() }
            await server.plane.end(2, .completed)
            let answer = try await server.ask("GET", "/api/v1/runs?status=completed")
            #expect(answer.json["runs"]?.arrayValue?.count == 1)
            #expect(answer.json["total"]?.integerValue == 1)
        }
    }

    @Test(arguments: [
        ("/api/v1/runs?statsu=failed", "did you mean \"status\"?"),
        ("/api/v1/runs?status=faild", "status"),
        ("/api/v1/runs?limit=0", "limit"), ("/api/v1/runs?limit=501", "limit"),
        ("/api/v1/runs?limit=3&limit=4", "twice"), ("/api/v1/runs?limit=many", "limit"),
        ("/api/v1/runs?cursor=zzz", "cursor"),
        ("/api/v1/runs/one", "run"), ("/api/v1/runs/0", "run"),
        ("/api/v1/runs/99999999999999999999", "run"),
    ])
    func `a parameter that is wrong is refused by its name`(
        _ path: String, _ word: String
    ) async throws {
        try await TestServer.run { server in
            let answer = try await server.ask("GET", path)
            #expect(
                answer.status == 400 && answer.json["detail"]?.stringValue?.contains(word) == true,
                "\(answer.text)")
        }
    }

    @Test func `a member that is not known is refused with the one that was meant`() async throws {
        try await TestServer.run { server in
            let answer = try await server.ask(
                "POST", "/api/v1/runs", ["pipelin": ["fanfold": 1]])
            #expect(answer.status == 400)
            #expect(answer.text.contains("pipelin") && answer.text.contains("did you mean"))
        }
    }

    @Test func `a body is JSON, of the right type, and only where one is wanted`() async throws {
        try await TestServer.run { server in
            let who = ("authorization", "Bearer \(server.secrets[.admin] ?? "")")
            let path = "/api/v1/join-tokens"
            let broken = try await server.send(
                "POST", path, [who, ("content-type", "application/json")], Array("{".utf8))
            #expect(broken.status == 400)
            let other = try await server.send(
                "POST", path, [who, ("content-type", "text/plain")], Array("{}".utf8))
            #expect(other.status == 415)
            #expect(try await server.send("POST", path, [who], Array("{}".utf8)).status == 415)
            #expect(try await server.ask("POST", "/api/v1/runs/1/retry", ["a": 1]).status == 400)
        }
    }

    @Test func `a run is cancelled once and repeated only if it failed`() async throws {
        try await TestServer.run { server in
            _ = try await server.submit()
            #expect(try await server.ask("POST", "/api/v1/runs/1/retry").status == 409)
            let first = try await server.ask("POST", "/api/v1/runs/1/cancel?reason=enough")
            #expect(first.json["status"] == "cancelled")
            #expect(first.json["failure"]?["message"] == "enough")
            let second = try await server.ask("POST", "/api/v1/runs/1/cancel?reason=again")
            #expect(second.json["failure"]?["message"] == "enough")
            _ = try await server.submit()
            await server.plane.end(2, .failed)
            let again = try await server.ask("POST", "/api/v1/runs/2/retry")
            #expect(again.status == 201 && again.json["id"] == 3)
        }
    }

    @Test func `an output comes as its bytes, once there is one`() async throws {
        try await TestServer.run { server in
            _ = try await server.submit()
            #expect(try await server.ask("GET", "/api/v1/runs/1/outputs/result").status == 409)
            let bytes = Array("[1, 2, 3, 4, 5, 6, 7, 8, 9]".utf8)
            await server.plane.end(1, .completed, output: bytes)
            let answer = try await server.ask("GET", "/api/v1/runs/1/outputs/result")
            #expect(answer.status == 200 && answer.bytes == bytes)
            #expect(answer.headers.first(name: "content-length") == "\(bytes.count)")
            let listed = try await server.ask("GET", "/api/v1/runs/1/outputs")
            #expect(listed.json["outputs"]?[0]?["href"] == "/api/v1/runs/1/outputs/result")
            #expect(try await server.ask("GET", "/api/v1/runs/1/outputs/other").status == 404)
        }
    }

    @Test func `logs, subtasks and reasons are those of what is named`() async throws {
        try await TestServer.run { server in
            _ = try await server.submit()
            await server.plane.start(1, subtasks: 10)
            let logs = try await server.ask("GET", "/api/v1/runs/1/logs?task=task&subtask=0")
            #expect(logs.json["logs"]?[0]?["text"] == "no such luck\n")
            let stream = try await server.ask(
                "GET", "/api/v1/runs/1/logs/follow?task=task&subtask=0&lines=5")
            #expect(stream.text.hasPrefix("event: log\ndata: {\"task\":\"task\""))
            #expect(stream.text.hasSuffix("event: end\ndata: {}\n\n"))
            #expect(
                try await server.ask("GET", "/api/v1/runs/1/logs/follow?task=b").status == 404)
            let page = try await server.ask(
                "GET", "/api/v1/runs/1/tasks/task/subtasks?first=8&limit=5")
            #expect(page.json["subtasks"]?.arrayValue?.count == 2)
            #expect(page.json["total"] == 10)
            let why = try await server.ask("GET", "/api/v1/runs/1/why?task=task&subtask=3")
            #expect(why.json["reasons"]?[0]?["code"] == "no-worker")
            #expect(try await server.ask("GET", "/api/v1/runs/1/why?subtask=3").status == 404)
            #expect(try await server.ask("GET", "/api/v1/runs/1/why?task=b").status == 404)
        }
    }

    @Test func `what the engine is at fault for goes to the log and not to the client`()
        async throws
    {
        try await TestServer.run { server in
            await server.plane.setFailure(ControlError(.fault, "the secret of the engine"))
            let answer = try await server.ask("POST", "/api/v1/runs", ["pipeline": ["fanfold": 1]])
            #expect(answer.status == 500 && !answer.text.contains("secret"))
            await server.plane.setFailure(ControlError(.unavailable, "the disk is full"))
            let later = try await server.ask("POST", "/api/v1/runs", ["pipeline": ["fanfold": 1]])
            #expect(later.status == 503 && later.headers.first(name: "retry-after") == "1")
        }
    }
}
