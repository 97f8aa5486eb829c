import FanfoldJSON
import Testing

@testable import FanfoldAPI

/// `/api/v1/tasks`: the routes of the first system of this kind.
@Suite(.timeLimit(.minutes(5)))
struct OrchestrationTests {
    static let request: JSON = [
        "task_data": [
            "items": [1, 2, 3], "command": ["cat"], "parameters": ["shards": 3],
        ],
        "strategy": "data_parallel",
    ]

    @Test func `task data becomes a pipeline of one task`() async throws {
        try await TestServer.run { server in
            let answer = try await server.ask("POST", "/api/v1/tasks", as: .submit, Self.request)
            #expect(answer.status == 201)
            #expect(answer.json["task_id"] == "1" && answer.json["status"] == "pending")
            #expect(answer.headers.first(name: "location") == "/api/v1/tasks/1")
            let taken = try #require(await server.plane.submissions.first)
            #expect(taken.isOrchestrated)
            let document = try JSON(parsing: taken.document)
            #expect(document["inputs"]?["items"]?["value"] == [1, 2, 3])
            let task = document["tasks"]?["task"]
            #expect(task?["strategy"] == ["use": "data-parallel", "with": ["shards": 3]])
            #expect(task?["run"] == ["command": ["cat"], "stdin": "jsonl", "stdout": "jsonl"])
        }
    }

    @Test(
        arguments: [
            ["items": [1]], ["items": [1], "command": ["cat"], "executor": "noop"],
            ["command": ["cat"]], ["items": [1], "command": []],
            ["items": [1], "comand": ["cat"]],
        ] as [JSON])
    func `task data that says too little or too much is refused`(_ data: JSON) async throws {
        try await TestServer.run { server in
            let answer = try await server.ask("POST", "/api/v1/tasks", ["task_data": data])
            #expect(answer.status == 400 || answer.status == 422, "\(answer.text)")
            #expect(await server.plane.submissions.isEmpty)
        }
    }

    @Test func `a task's status has its subtasks and how far it is`() async throws {
        try await TestServer.run { server in
            _ = try await server.ask("POST", "/api/v1/tasks", Self.request)
            await server.plane.start(1, subtasks: 3)
            let running = try await server.ask("GET", "/api/v1/tasks/1", as: .read)
            #expect(running.json["status"] == "in_progress")
            #expect(running.json["total_subtasks"] == 3)
            #expect(running.json["completion_percentage"]?.doubleValue == 0)
            #expect(running.json["subtasks"]?[2]?["status"] == "running")
            #expect(try await server.ask("GET", "/api/v1/tasks/1/result").status == 409)
            await server.plane.end(1, .completed, output: Array("[1, 2, 3]".utf8))
            let ended = try await server.ask("GET", "/api/v1/tasks/1")
            #expect(ended.json["completion_percentage"]?.doubleValue == 100)
            let result = try await server.ask("GET", "/api/v1/tasks/1/result")
            #expect(result.json["result"] == [1, 2, 3])
            #expect(result.json["task_id"] == "1")
        }
    }

    @Test func `the list's total counts the filter, whatever limit and offset say`() async throws {
        try await TestServer.run { server in
            for _ in 1...5 { _ = try await server.ask("POST", "/api/v1/tasks", Self.request) }
            _ = try await server.submit("other")
            await server.plane.start(2, subtasks: 4)
            await server.plane.end(3, .completed)
            let all = try await server.ask("GET", "/api/v1/tasks?limit=2&offset=1")
            #expect(all.json["total"] == 5)
            let ids = all.json["tasks"]?.arrayValue?.compactMap { $0["task_id"]?.stringValue }
            #expect(ids == ["4", "3"])
            let pending = try await server.ask("GET", "/api/v1/tasks?status=pending&limit=1")
            #expect(pending.json["total"] == 3)
            #expect(pending.json["tasks"]?.arrayValue?.count == 1)
            let moving = try await server.ask("GET", "/api/v1/tasks?status=in_progress")
            #expect(moving.json["tasks"]?[0]?["task_id"] == "2" && moving.json["total"] == 1)
            let past = try await server.ask("GET", "/api/v1/tasks?offset=9")
            #expect(past.json["tasks"] == [] && past.json["total"] == 5)
        }
    }

    @Test func `a task is cancelled, and a run that is none of one task is not found`() async throws
    {
        try await TestServer.run { server in
            _ = try await server.ask("POST", "/api/v1/tasks", Self.request)
            let answer = try await server.ask("POST", "/api/v1/tasks/1/cancel", as: .submit)
            #expect(answer.json["status"] == "cancelled")
            _ = try await server.submit()
            #expect(try await server.ask("GET", "/api/v1/tasks/2").status == 404)
            #expect(try await server.ask("POST", "/api/v1/tasks/2/cancel").status == 404)
        }
    }

    @Test(arguments: [
        (RunStatus.pending, TaskStatus.waiting, 0, "pending"),
        (.running, .waiting, 0, "pending"), (.running, .beginning, 0, "splitting"),
        (.running, .running, 0, "splitting"), (.running, .running, 1, "in_progress"),
        (.running, .finishing, 1, "merging"), (.completed, .completed, 1, "completed"),
        (.failed, .failed, 1, "failed"), (.cancelled, .cancelled, 1, "cancelled"),
    ])
    func `the states are those of the table`(
        _ run: RunStatus, _ task: TaskStatus, _ put: Int, _ wanted: String
    ) {
        var detail = TaskDetail(name: "task", strategy: "data-parallel", status: task)
        detail.put = put
        #expect(OrchestratedState(run: run, task: detail).rawValue == wanted)
    }

    @Test func `the states of subtasks are those of the table`() {
        #expect(
            Set(SubtaskStatus.allCases.map(\.orchestratedName))
                == Set(SubtaskStatus.orchestratedNames))
    }
}
