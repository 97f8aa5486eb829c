import FanfoldJSON
import Testing

@testable import FanfoldAPI

/// Queues, what is paused, and quarantines through the API.
@Suite(.timeLimit(.minutes(5)))
struct QueueRouteTests {
    @Test func `a queue is listed and shown with what it holds`() async throws {
        try await TestServer.run { server in
            let list = try await server.ask("GET", "/api/v1/queues", as: .read)
            #expect(list.status == 200)
            let queue = try await server.ask("GET", "/api/v1/queues/default", as: .read)
            #expect(list.json["queues"]?[0] == queue.json)
            #expect(queue.json["weight"] == 3)
            #expect(queue.json["quota"]?["milli_cores"] == 8_000)
            #expect(queue.json["quota"]?["milli_gpus"] == nil)
            #expect(queue.json["borrowed"]?["milli_cores"] == 1_000)
            #expect(queue.json["quota"]?["most_borrowed"] == ["milli_cores": 2_000])
            #expect(queue.json["users"] == ["alice"])
            #expect(queue.json["share"]?.doubleValue == 0.25)
            let unknown = try await server.ask("GET", "/api/v1/queues/none")
            #expect(unknown.status == 404)
            #expect(unknown.json["detail"]?.stringValue?.contains("there are default") == true)
            #expect(try await server.ask("GET", "/api/v1/queues/1a").status == 400)
        }
    }

    @Test func `a queue and a run are paused and go on`() async throws {
        try await TestServer.run { server in
            let paused = try await server.ask("POST", "/api/v1/queues/default/pause", as: .admin)
            #expect(paused.json["is_paused"] == true)
            let on = try await server.ask("POST", "/api/v1/queues/default/resume", as: .admin)
            #expect(on.json["is_paused"] == false)
            let run = try await server.submit()
            for (verb, isPaused) in [("pause", true), ("pause", true), ("resume", false)] {
                let answer = try await server.ask(
                    "POST", "/api/v1/runs/\(run)/\(verb)", as: .submit)
                #expect(answer.status == 200 && answer.json["is_paused"] == .bool(isPaused))
            }
            await server.plane.end(UInt64(run), .completed)
            let ended = try await server.ask("POST", "/api/v1/runs/\(run)/pause")
            #expect(ended.status == 200 && ended.json["is_paused"] == false)
            #expect(try await server.ask("POST", "/api/v1/runs/99/pause").status == 404)
        }
    }

    @Test func `queue and priority beside a document become changes of it`() async throws {
        try await TestServer.run { server in
            let answer = try await server.ask(
                "POST", "/api/v1/runs", as: .submit,
                ["pipeline": ["fanfold": 1], "queue": "null", "priority": -3])
            #expect(answer.status == 201)
            #expect(answer.json["queue"] == "default" && answer.json["priority"] == 0)
            let task = try await server.ask(
                "POST", "/api/v1/tasks", as: .submit,
                [
                    "task_data": ["items": [1], "command": ["cat"]], "queue": "nightly",
                    "priority": 4,
                ])
            #expect(task.status == 201)
            let taken = await server.plane.submissions
            #expect(taken[0].overrides.map(\.key) == ["queue", "priority"])
            #expect(taken[0].overrides.map(\.value) == ["\"null\"", "-3"])
            let document = try JSON(parsing: taken[1].document)
            #expect(document["queue"] == "nightly" && document["priority"] == 4)
            for body: JSON in [
                ["pipeline": ["fanfold": 1], "priority": 101],
                ["pipeline": ["fanfold": 1], "queue": "a b"],
            ] {
                let refused = try await server.ask("POST", "/api/v1/runs", as: .submit, body)
                #expect([400, 422].contains(refused.status))
            }
        }
    }

    @Test func `a worker in quarantine says why, and is pardoned`() async throws {
        try await TestServer.run { server in
            await server.plane.quarantine(
                1,
                QuarantineDetail(
                    code: "several-kinds", sentence: "3 kinds failed", since: .now(),
                    until: .now()))
            let worker = try await server.ask("GET", "/api/v1/workers/1", as: .read)
            #expect(worker.json["status"] == "quarantined")
            #expect(worker.json["quarantine"]?["code"] == "several-kinds")
            let pardoned = try await server.ask("POST", "/api/v1/workers/1/pardon", as: .admin)
            #expect(pardoned.json["status"] == "active")
            #expect(pardoned.json["quarantine"] == nil)
            #expect(try await server.ask("POST", "/api/v1/workers/9/pardon").status == 404)
        }
    }

    @Test func `the pool shows which share of it is reserved`() async throws {
        try await TestServer.run { server in
            let pool = try await server.ask("GET", "/api/v1/resources", as: .read).json
            #expect(pool["utilisation"]?["cpu"]?.doubleValue == 0.25)
            #expect(pool["utilisation"]?["gpu"] == nil)
        }
    }
}
