import DockerLogic
import FanfoldJSON
import PluginKit
import Testing

/// An engine as far as these tests need it; Podman answers 500 where Docker answers 409.
private final class TinyEngine {
    var containers: [String: (state: String, labels: JSON)] = [:]
    var isPodman = false
    /// The next request whose path holds this is done, and its answer lost.
    var cut: String?
    var starts = 0

    func answer(_ request: ScriptedCloud.Request) -> ScriptedCloud.Reply {
        let path = String(request.url.dropFirst("unix:///var/run/docker.sock:".count))
        let reply = self.reply(request.method, path, request.json)
        if let cut, path.contains(cut) {
            self.cut = nil
            return .init(status: 0, body: "")
        }
        return reply
    }

    private func reply(_ method: String, _ path: String, _ body: JSON) -> ScriptedCloud.Reply {
        if path.hasPrefix("/containers/create?name=") {
            let name = String(path.dropFirst("/containers/create?name=".count))
            guard containers[name] == nil else {
                return Self.refusal(
                    isPodman ? 500 : 409, "the container name \"\(name)\" is already in use")
            }
            containers[name] = ("created", body["Labels"] ?? [:])
            return .init(status: 201, body: "{\"Id\":\"x\"}")
        }
        if path.hasPrefix("/containers/json") {
            let items = containers.sorted { $0.key < $1.key }.map { name, it -> JSON in
                [
                    "Names": .array([.string("/" + name)]), "State": .string(it.state),
                    "Labels": it.labels, "Created": 1_767_225_600,
                ]
            }
            return .init(status: 200, body: JSON.array(items).text)
        }
        if path == "/info" {
            return .init(status: 200, body: "{\"NCPU\":2,\"MemTotal\":4294967296,\"Name\":\"h\"}")
        }
        let parts = path.split(separator: "/")
        guard parts.count > 1, parts[0] == "containers" else {
            return Self.refusal(404, "no such image")
        }
        let name = String(parts[1].prefix { $0 != "?" })
        guard let known = containers[name] else {
            return Self.refusal(404, "No such container: \(name)")
        }
        switch (method, parts.dropFirst(2).first?.prefix { $0 != "?" }) {
        case ("GET", "json"):
            return .init(status: 200, body: "{\"State\":{\"Status\":\"\(known.state)\"}}")
        case ("POST", "start"):
            starts += 1
            containers[name]?.state = "running"
        case ("POST", "stop"): containers[name]?.state = "exited"
        case ("DELETE", nil): containers[name] = nil
        default: return Self.refusal(400, "bad")
        }
        return .init(status: 204, body: "")
    }

    static func refusal(_ status: Int, _ said: String) -> ScriptedCloud.Reply {
        .init(status: status, body: JSON.object(JSONObject([("message", .string(said))])).text)
    }
}

@Suite struct DockerTests {
    private let engine = TinyEngine()

    private func cloud() throws -> ScriptedCloud {
        try ScriptedCloud(DockerProvider.self, [:]) { [engine] in engine.answer($0) }
    }

    private static func request(_ least: Int64, _ most: Int64, size: String = "small") -> JSON {
        [
            "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
            "offerings": .array([.string(size)]),
            "count": ["min": .integer(least), "max": .integer(most)], "boot": "#!/bin/sh\n",
            "tags": ["owner": "me"], "expires": "2030-01-01T01:00:00Z",
        ]
    }

    @Test(arguments: [false, true], ["create", "/json", "/start"])
    func `a launch whose answer is lost and that is repeated gives one set of containers`(
        isPodman: Bool, cut: String
    ) throws {
        engine.isPodman = isPodman
        engine.cut = cut
        let cloud = try cloud()
        #expect(cloud.call("launch", Self.request(2, 3)).retry == 1)
        let again = cloud.call("launch", Self.request(2, 3))
        #expect(again.code == 0, "\(again.message)")
        #expect(again.ids.sorted() == engine.containers.keys.sorted())
        #expect(engine.containers.count == 3)
        #expect(engine.starts == 3)
        #expect(engine.containers.values.allSatisfy { $0.state == "running" })
    }

    @Test func `a container that has ended is not started again`() throws {
        let cloud = try cloud()
        let name = try #require(cloud.call("launch", Self.request(1, 1)).ids.first)
        engine.containers[name]?.state = "exited"
        _ = cloud.call("launch", Self.request(1, 1))
        #expect(engine.starts == 1)
    }

    @Test func `no more run than may, and what is there is found and ended`() throws {
        let cloud = try cloud()
        #expect(cloud.call("launch", Self.request(1, 9)).ids.count == 4)
        var other = Self.request(1, 1).objectValue ?? JSONObject()
        other["token"] = "6ba7b811-9dad-41d1-80b4-00c04fd430c8"
        let full = cloud.call("launch", .object(other))
        #expect(full.code == 8 && full.retry == 2)
        let mine = cloud.call("describe", ["owner": "me"])
        #expect(mine.ids.count == 4)
        #expect(mine.json["workers"]?[0]?["since"]?.stringValue == "2026-01-01T00:00:00Z")
        #expect(cloud.call("describe", ["owner": "you"]).ids.isEmpty)
        let ended = cloud.call(
            "terminate", ["ids": .array((mine.ids + ["fanfold-gone"]).map { .string($0) })])
        #expect(ended.code == 0)
        #expect(engine.containers.isEmpty)
        #expect(
            cloud.call("describe", ["ids": ["fanfold-gone"]]).json["workers"]?[0]?["state"]
                == "gone")
    }

    @Test func `a size that the machine has not is shown as not there, and check says so`() throws {
        let cloud = try ScriptedCloud(
            DockerProvider.self,
            [
                "sizes": [
                    "huge": ["cpus": 64, "memory-mib": 100],
                    "small": ["cpus": 1, "memory-mib": 100],
                ]
            ]
        ) { [engine] in engine.answer($0) }
        let offered = cloud.call("offerings").emitted.first?["offerings"]
        #expect(offered?[0]?["id"] == "huge" && offered?[0]?["available"] == false)
        #expect(offered?[1]?["id"] == "small" && offered?[1]?["available"] == true)
        let checks = cloud.call("check").json["checks"]?.arrayValue ?? []
        #expect(checks.map { $0["ok"] } == [true, false, false])
        #expect(checks[1]["fix"]?.stringValue?.contains("make huge smaller") == true)
        let unknown = cloud.call("launch", Self.request(1, 1, size: "medium"))
        #expect(unknown.code == 3 && unknown.message.contains("huge, small"))
    }
}

extension `Errors of clouds become their classes` {
    /// What engines said, recorded: Docker 20.10 to 27, Podman 4 and 5.
    static let docker: [RecordedError] = [
        (404, "No such image: fanfold/worker:latest", 3, never, "config./image"),
        (404, "fanfold/w: image not known", 3, never, "config./image"),
        (404, "pull access denied for x, repository does not exist", 3, never, "config./image"),
        (400, "invalid reference format", 3, never, "config./image"),
        (
            400, "OCI runtime create failed: exec: \"/bin/sh\": executable file not found in $PATH",
            3, never, "config./image"
        ),
        (
            500, "crun: executable file `/bin/sh` not found: No such file or directory: unknown", 3,
            never, "config./image"
        ),
        (
            400, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", 3, never,
            "config./sizes"
        ),
        (400, "Minimum memory limit allowed is 6MB", 3, never, "config./sizes"),
        (
            500, "could not select device driver \"\" with capabilities: [[gpu]]", 3, never,
            "config./sizes"
        ),
        (404, "network fanfold not found", 3, never, "config./network"),
        (500, "unable to find network with name or ID x", 3, never, "config./network"),
        (400, "invalid mount: bind source path does not exist: /x", 3, never, "config./binds"),
        (500, "write /var/lib/docker: no space left on device", 8, elsewhere, "capacity."),
        (500, "fork/exec /usr/bin/runc: cannot allocate memory", 8, elsewhere, "capacity."),
        (429, "toomanyrequests: too many requests", 8, later, "throttled."),
        (401, "unauthorized: authentication required", 16, renewed, "credentials."),
        (403, "authorization denied by plugin x", 7, renewed, "permission."),
        (500, "something broke", 14, later, "cloud."),
        (503, "This node is not a swarm manager", 14, later, "cloud."),
        (500, "context deadline exceeded", 14, later, "cloud."),
        (500, "manifest unknown", 3, never, "config./image"),
        (
            400,
            "OCI runtime create failed: exec: \"/bin/x\": stat /bin/x: no such file or "
                + "directory: unknown", 3, never, "config./image"
        ),
        (409, "removal of container x is already in progress", 5, never, "missing."),
        (404, "No such container: x", 5, never, "missing."),
        (500, "no container with name or ID \"x\" found", 5, never, "missing."),
        (400, "Maximum memory limit allowed is 8GB", 3, never, "config./sizes"),
        (400, "invalid CPU quota", 3, never, "config./sizes"),
        (404, "No such network: x", 3, never, "config./network"),
        (500, "invalid volume specification: 'x'", 3, never, "config./binds"),
        (500, "runc: resource temporarily unavailable", 8, elsewhere, "capacity."),
        (403, "dial unix docker.sock: connect: permission denied", 7, renewed, "permission."),
        (500, "read tcp: i/o timeout", 14, later, "cloud."),
        (429, "", 8, later, "throttled."), (502, "", 14, later, "cloud."),
        (400, "bad parameter", 3, never, "request."),
    ]

    @Test(arguments: docker.indices)
    func `of container engines`(_ index: Int) throws {
        let row = Self.docker[index]
        let cloud = try ScriptedCloud(DockerProvider.self, [:]) { request in
            if request.url.hasSuffix("/info") || request.method == "GET" {
                return .init(status: 200, body: "[]")
            }
            return TinyEngine.refusal(row.status, row.code)
        }
        let outcome = cloud.call(
            "launch",
            [
                "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8", "offerings": ["small"],
                "count": ["min": 1, "max": 1], "boot": "", "tags": [:], "expires": "",
            ])
        #expect(outcome.code == row.number, "\(row.code): \(outcome.message)")
        #expect(outcome.retry == row.retry, "\(row.code): \(outcome.message)")
        if row.retry != Self.elsewhere {
            #expect(outcome.reason.hasPrefix(row.reason), "\(outcome.reason)")
        }
    }
}
