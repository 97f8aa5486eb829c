import FanfoldJSON
import PluginKit
import RayLogic
import Testing

/// The head of a Ray as far as these tests need it.
private final class TinyRay {
    struct Job {
        var status: String
        var body: JSON
    }

    var jobs: [String: Job] = [:]
    /// How many jobs there is room for; others wait.
    var room = 100
    /// Whether a job that is stopped has ended at once, or at the next look.
    var isSlow = false
    /// Whether a job that is removed comes back as one that failed, as in Ray 2.60 when it is
    /// removed before its supervisor has gone.
    var isHaunted = false
    /// The next request whose method and path begin with this is done, and its answer lost.
    var cut: String?
    private(set) var submits = 0

    func answer(_ request: ScriptedCloud.Request) -> ScriptedCloud.Reply {
        let path = String(request.url.dropFirst("http://127.0.0.1:8265".count))
        let reply = self.reply(request.method, path, request.json)
        if let cut, "\(request.method) \(path)".hasPrefix(cut) {
            self.cut = nil
            return .init(status: 0, body: "")
        }
        return reply
    }

    private func reply(_ method: String, _ path: String, _ body: JSON) -> ScriptedCloud.Reply {
        let parts = path.split(separator: "/").map(String.init)
        switch (method, parts.count) {
        case ("GET", 3) where parts[1] == "v0":
            let nodes = [Self.node(2, "ALIVE"), Self.node(64, "DEAD")]
            return Self.json(["data": ["result": ["result": .array(nodes)]]])
        case ("GET", 2): return list()
        case ("POST", 2): return submit(body)
        case ("POST", 4):
            guard let job = jobs[parts[2]] else { return Self.missing(parts[2]) }
            if job.status == "RUNNING" { jobs[parts[2]]?.status = isSlow ? "ENDS" : "STOPPED" }
            return Self.json(["stopped": true])
        case ("DELETE", 3):
            guard let job = jobs[parts[2]] else { return Self.missing(parts[2]) }
            guard !["RUNNING", "PENDING"].contains(job.status) else {
                return Self.trace("RuntimeError: Attempted to delete job, non-terminal state")
            }
            jobs[parts[2]] = isHaunted ? Job(status: "FAILED", body: [:]) : nil
            isHaunted = false
            return Self.json(["deleted": true])
        default: return .init(status: 404, body: "404: Not Found")
        }
    }

    private func list() -> ScriptedCloud.Reply {
        let items = jobs.sorted { $0.key < $1.key }.map { id, job -> JSON in
            [
                "type": "SUBMISSION", "submission_id": .string(id),
                "status": .string(job.status == "ENDS" ? "RUNNING" : job.status),
                "metadata": job.body["metadata"] ?? .null, "start_time": 1_767_225_600_000,
                "driver_agent_http_address": "http://10.0.0.1:52365",
            ]
        }
        for (id, job) in jobs where job.status == "ENDS" { jobs[id]?.status = "STOPPED" }
        return Self.json(.array(items + [["type": "DRIVER", "submission_id": .null]]))
    }

    private func submit(_ body: JSON) -> ScriptedCloud.Reply {
        let id = body["submission_id"]?.stringValue ?? ""
        guard jobs[id] == nil else {
            return Self.trace("ValueError: Job with submission_id \(id) already exists.")
        }
        submits += 1
        let isFree = jobs.values.count { $0.status == "RUNNING" } < room
        jobs[id] = Job(status: isFree ? "RUNNING" : "PENDING", body: body)
        return Self.json(["submission_id": .string(id)])
    }

    private static func node(_ cpus: Int64, _ state: String) -> JSON {
        [
            "state": .string(state),
            "resources_total": ["CPU": .integer(cpus), "memory": 4_294_967_296.0, "rack": 1.0],
        ]
    }

    private static func json(_ json: JSON) -> ScriptedCloud.Reply {
        .init(status: 200, body: json.text)
    }

    private static func missing(_ id: String) -> ScriptedCloud.Reply {
        .init(status: 404, body: "Job \(id) does not exist")
    }

    /// How Ray 2.60 words a refusal.
    static func trace(_ said: String) -> ScriptedCloud.Reply {
        .init(
            status: 500,
            body: "Traceback (most recent call last):\n  File \"job_head.py\", line 419\n"
                + "RuntimeError: Request failed with status code 400: Traceback\n\(said)\n.\n")
    }
}

@Suite struct RayTests {
    private let ray = TinyRay()

    private func cloud(_ configuration: JSON = [:]) throws -> ScriptedCloud {
        try ScriptedCloud(RayProvider.self, configuration) { [ray] in ray.answer($0) }
    }

    private static func request(_ least: Int64, _ most: Int64, size: String = "small") -> JSON {
        [
            "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
            "offerings": .array([.string(size)]),
            "count": ["min": .integer(least), "max": .integer(most)],
            "boot": "#!/bin/sh\necho it's\n", "tags": ["owner": "me"],
            "expires": "2030-01-01T01:00:00Z",
        ]
    }

    private static func ids(_ ids: [String]) -> JSON {
        ["ids": .array(ids.map { .string($0) })]
    }

    @Test func `a job asks for what its size says, and the boot data stand in no command line`()
        throws
    {
        let cloud = try cloud(
            [
                "sizes": ["small": ["cpus": 0.5, "memory-mib": 64, "gpus": 0]],
                "resources": ["rack": 1], "path": "/opt/fanfold", "grace-s": 7, "secret": "ray",
            ])
        let outcome = cloud.call("launch", Self.request(1, 1))
        #expect(outcome.code == 0, "\(outcome.message)")
        let submit = try #require(cloud.requests.last { $0.method == "POST" })
        #expect(submit.sign["with"]?.stringValue == "bearer")
        let body = submit.json
        #expect(body["entrypoint_num_cpus"]?.doubleValue == 0.5)
        #expect(body["entrypoint_memory"]?.integerValue == 64 << 20)
        #expect(body["entrypoint_num_gpus"] == nil)
        #expect(body["entrypoint_resources"]?["rack"]?.doubleValue == 1)
        #expect(body["metadata"]?["fanfold.owner"] == "me")
        #expect(body["metadata"]?["fanfold.offering"] == "small")
        #expect(body["metadata"]?["fanfold.expires"] == "2030-01-01T01:00:00Z")
        let variables = body["runtime_env"]?["env_vars"]
        #expect(variables?["FANFOLD_BOOT"]?.stringValue?.contains("echo it's") == true)
        #expect(variables?["FANFOLD_INSTANCE"]?.stringValue == outcome.ids.first)
        #expect(variables?["RAY_JOB_STOP_WAIT_TIME_S"] == "7")
        #expect(variables?["FANFOLD_CPUS"] == "0.5" && variables?["FANFOLD_MEMORY"] == "64MiB")
        let entry = body["entrypoint"]?.stringValue ?? ""
        #expect(entry.hasPrefix("export PATH='/opt/fanfold':$PATH; "))
        #expect(entry.contains("unset FANFOLD_BOOT") && !entry.contains("echo it's"))
    }

    @Test func `an offering says the memory of its GPUs if its size does`() throws {
        let cloud = try cloud([
            "sizes": [
                "large": ["cpus": 1, "memory-mib": 64, "gpus": 1, "gpu-memory-mib": 16],
                "small": ["cpus": 1, "memory-mib": 64],
            ]
        ])
        let pages = cloud.call("offerings").emitted
        let offerings = pages.flatMap { $0["offerings"]?.arrayValue ?? [] }
        #expect(offerings.map { $0["gpu_memory"]?.integerValue } == [16 << 20, nil])
    }

    @Test(arguments: ["GET /api/jobs/", "GET /api/v0", "POST /api/jobs/"])
    func `a launch whose answer is lost and that is repeated gives one set of jobs`(
        _ cut: String
    ) throws {
        ray.cut = cut
        let cloud = try cloud()
        #expect(cloud.call("launch", Self.request(2, 3)).retry == 1)
        let again = cloud.call("launch", Self.request(2, 3))
        #expect(again.code == 0, "\(again.message)")
        #expect(again.ids.sorted() == ray.jobs.keys.sorted())
        #expect(ray.jobs.count == 3 && ray.submits == 3)
        #expect(cloud.call("launch", Self.request(2, 3)).ids.sorted() == again.ids.sorted())
        #expect(ray.submits == 3)
        for query: JSON in [["owner": "me"], Self.ids(again.ids)] {
            let found = cloud.call("describe", query)
            #expect(found.ids.sorted() == again.ids.sorted())
            #expect(found.json["workers"]?[0]?["state"] == "running")
            #expect(found.json["workers"]?[0]?["address"] == "10.0.0.1")
            #expect(found.json["workers"]?[0]?["since"] == "2026-01-01T00:00:00Z")
        }
    }

    @Test func `a job that was taken while the list did not show it counts as handed in`() throws {
        let cloud = try cloud()
        let ids = cloud.call("launch", Self.request(2, 2)).ids
        // Another coordinator's request came between the look and the submit.
        let known = ray.jobs
        var looked = false
        cloud.answer = { [ray] request in
            if request.method == "GET", request.url.hasSuffix("/api/jobs/") {
                return .init(status: 200, body: "[]")
            }
            looked = true
            return ray.answer(request)
        }
        let again = cloud.call("launch", Self.request(2, 2))
        #expect(again.code == 0 && again.ids == ids, "\(again.message)")
        #expect(looked && ray.jobs.count == known.count)
    }

    @Test(arguments: [false, true])
    func `what is ended is stopped, waited for and removed, and gone already is a success`(
        isSlow: Bool
    ) throws {
        ray.isSlow = isSlow
        let cloud = try cloud()
        let ids = cloud.call("launch", Self.request(2, 2)).ids
        let ended = cloud.call("terminate", Self.ids(ids + ["fanfold-unknown-0"]))
        #expect(ended.code == 0, "\(ended.message)")
        #expect(ray.jobs.isEmpty)
        #expect(cloud.call("terminate", Self.ids(ids)).code == 0)
        let described = cloud.call("describe", Self.ids(ids))
        #expect(described.json["workers"]?[1]?["state"] == "gone")
    }

    @Test func `a job that comes back as failed after it was removed is removed again`() throws {
        let cloud = try cloud()
        let ids = cloud.call("launch", Self.request(2, 2)).ids
        ray.isHaunted = true
        #expect(cloud.call("terminate", Self.ids(ids)).code == 0)
        #expect(ray.jobs.isEmpty)
    }

    @Test func `a job that waits for room is left until Ray lets go of it`() throws {
        ray.room = 1
        let cloud = try cloud()
        let ids = cloud.call("launch", Self.request(2, 2)).ids
        let described = cloud.call("describe", ["owner": "me"])
        #expect(described.json["workers"]?[1]?["state"] == "starting")
        let ended = cloud.call("terminate", Self.ids(ids))
        #expect(ended.retry == 1 && ended.reason == "terminate.left")
        #expect(ended.message.contains(ids[1]) && !ended.message.contains(ids[0]))
        ray.jobs[ids[1]]?.status = "FAILED"
        #expect(cloud.call("terminate", Self.ids(ids)).code == 0)
        #expect(ray.jobs.isEmpty)
    }

    @Test func `a job that has ended is not run again`() throws {
        let cloud = try cloud()
        let ids = cloud.call("launch", Self.request(1, 2)).ids
        ray.jobs[ids[0]]?.status = "FAILED"
        let again = cloud.call("launch", Self.request(1, 2))
        #expect(again.ids == [ids[1]] && ray.submits == 2)
    }

    @Test func `what no node could hold is sold out, unless Ray adds nodes`() throws {
        let sizes: JSON = [
            "huge": ["cpus": 8, "memory-mib": 64], "small": ["cpus": 1, "memory-mib": 64],
        ]
        for (grows, code) in [(false, Int32(8)), (true, 0)] {
            let cloud = try cloud(["sizes": sizes, "grows": .bool(grows), "price-per-hour": 0.5])
            let page = cloud.call("offerings").code == 0 ? cloud.call("offerings").emitted : []
            let offered = page.first?["offerings"]?.arrayValue ?? []
            #expect(offered.map { $0["available"] } == [.bool(grows), true])
            #expect(offered.map { $0["price_per_hour"]?.doubleValue } == [4, 0.5])
            let checks = cloud.call("check").json["checks"]?.arrayValue ?? []
            #expect(checks.map { $0["ok"] } == [true, .bool(grows)])
            let huge = cloud.call("launch", Self.request(1, 1, size: "huge"))
            #expect(huge.code == code, "\(huge.message)")
        }
        let unknown = try cloud().call("launch", Self.request(1, 1, size: "medium"))
        #expect(unknown.code == 3 && unknown.message.contains("small"))
    }

    @Test func `no more wait and run than may`() throws {
        let cloud = try cloud(["most": 2])
        #expect(cloud.call("launch", Self.request(1, 9)).ids.count == 2)
        var other = Self.request(1, 1).objectValue ?? JSONObject()
        other["token"] = "6ba7b811-9dad-41d1-80b4-00c04fd430c8"
        #expect(cloud.call("launch", .object(other)).retry == 2)
        #expect(ray.submits == 2)
    }
}

extension `Errors of clouds become their classes` {
    /// What a head of Ray 2.60 said, recorded.
    static let ray: [RecordedError] = [
        (401, "Unauthorized: Missing authentication token", 16, renewed, "credentials."),
        (403, "Forbidden: Invalid authentication token", 16, renewed, "credentials."),
        (403, "something of a proxy", 7, renewed, "permission."),
        (429, "", 8, later, "throttled."),
        (
            500, "No available agent to submit job, please try again later.", 14, later, "cloud."
        ),
        (500, "RuntimeError: Request failed with status code 500: x\n.\n", 14, later, "cloud."),
        (
            500, "RuntimeError: Attempted to delete job 'x', but it is in a non-terminal state R.",
            14, later, "cloud.still-ends"
        ),
        (502, "<html>", 14, later, "cloud."), (503, "", 14, later, "cloud."),
        (
            400, "TypeError: entrypoint_num_cpus must be a number, got <class 'str'>", 3, never,
            "config./sizes"
        ),
        (400, "ValueError: entrypoint_memory must be positive", 3, never, "config./sizes"),
        (400, "TypeError: entrypoint_resources keys must be", 3, never, "config./resources"),
        (400, "TypeError: runtime_env['env_vars'] must be", 3, never, "config./environment"),
        (400, "TypeError: runtime_env must be a dict", 3, never, "config./environment"),
        (400, "TypeError: metadata values must be strings", 3, never, "request."),
        (400, "Can only stop submission type jobs", 3, never, "request."),
        (400, "Can only delete submission type jobs", 3, never, "request."),
        (400, "TypeError: JobSubmitRequest.__init__() missing 1", 3, never, "request."),
        (404, "Job x does not exist", 5, never, "missing."),
    ]

    @Test(arguments: ray.indices)
    func `of Ray`(_ index: Int) throws {
        let row = Self.ray[index]
        let cloud = try ScriptedCloud(RayProvider.self, [:]) { request in
            guard request.method == "POST" else {
                return .init(
                    status: 200,
                    body: request.url.contains("/v0/")
                        ? #"{"data":{"result":{"result":[{"state":"ALIVE","resources_total":"#
                            + #"{"CPU":9,"memory":99999999999}}]}}}"#
                        : "[]")
            }
            return .init(status: row.status, body: row.code)
        }
        let outcome = cloud.call(
            "launch",
            [
                "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "offerings": ["small"],
                "count": ["min": 1, "max": 1], "boot": "", "tags": [:], "expires": "",
            ])
        #expect(outcome.code == row.number, "\(row.code): \(outcome.message)")
        #expect(outcome.retry == row.retry, "\(row.code): \(outcome.message)")
        #expect(outcome.reason.hasPrefix(row.reason), "\(row.code): \(outcome.reason)")
    }
}
