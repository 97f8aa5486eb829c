import AWSLogic
import FanfoldJSON
import PluginKit
import Testing

/// EC2 as far as these tests need it: instances by client token, faults by action.
private final class TinyEC2 {
    var launches: [String: (type: String, ids: [String])] = [:]
    var tags: [String: [String: String]] = [:]
    var states: [String: String] = [:]
    /// Codes that the next requests of an action are refused with; status 0 breaks the connection
    /// after the request took effect.
    var faults: [String: [(status: Int, code: String)]] = [:]
    /// How many instances of a type and zone there are.
    var room: [String: Int] = [:]
    var isLagging = false

    func answer(_ request: ScriptedCloud.Request) -> ScriptedCloud.Reply {
        let form = request.form
        let action = form["Action"] ?? ""
        var breaks = false
        if let fault = faults[action]?.first {
            faults[action]?.removeFirst()
            guard fault.status == 0 else { return Self.error(fault.status, fault.code) }
            breaks = true
        }
        let reply: ScriptedCloud.Reply
        switch action {
        case "RunInstances": reply = run(form)
        case "DescribeInstances":
            let value = form["Filter.1.Value.1"] ?? ""
            let key = (form["Filter.1.Name"] ?? "").dropFirst(4)
            let found = tags.filter { id, tags in
                form["Filter.1.Name"] == "instance-id"
                    ? form.values.contains(id) : tags[String(key)] == value
            }
            reply = Self.list(
                "DescribeInstancesResponse",
                isLagging ? "" : "<item>\(instances(found.keys.sorted()))</item>")
        case "TerminateInstances":
            let ids = form.filter { $0.key.hasPrefix("InstanceId.") }.map(\.value).sorted()
            let unknown = ids.filter { states[$0] == nil }
            guard unknown.isEmpty else {
                return Self.error(
                    400, "InvalidInstanceID.NotFound",
                    "The instance IDs '\(unknown.joined(separator: ", "))' do not exist")
            }
            for id in ids { states[id] = "terminated" }
            reply = .init(status: 200, body: "<TerminateInstancesResponse/>")
        default: reply = Self.error(400, "InvalidAction")
        }
        return breaks ? .init(status: 0, body: "") : reply
    }

    private func run(_ form: [String: String]) -> ScriptedCloud.Reply {
        let token = form["ClientToken"] ?? ""
        let most = Int(form["MaxCount"] ?? "") ?? 0
        let place = (form["Placement.AvailabilityZone"] ?? "") + "/" + (form["InstanceType"] ?? "")
        if launches[token] == nil {
            let count = min(most, room[place] ?? 1_000)
            guard count >= Int(form["MinCount"] ?? "") ?? 1 else {
                return Self.error(500, "InsufficientInstanceCapacity")
            }
            room[place] = (room[place] ?? 1_000) - count
            let ids = (0..<count).map { "i-\(states.count + $0)abc" }
            for id in ids {
                states[id] = "running"
                for index in 1...12 {
                    guard let key = form["TagSpecification.1.Tag.\(index).Key"] else { break }
                    tags[id, default: [:]][key] = form["TagSpecification.1.Tag.\(index).Value"]
                }
            }
            launches[token] = (place, ids)
        }
        let ids = launches[token]?.ids ?? []
        return .init(
            status: 200,
            body: "<RunInstancesResponse>\(instances(ids))</RunInstancesResponse>")
    }

    private func instances(_ ids: [String]) -> String {
        let items = ids.map { id in
            let pairs = (tags[id] ?? [:]).sorted { $0.key < $1.key }.map {
                "<item><key>\($0.key)</key><value>\($0.value)</value></item>"
            }.joined()
            return "<item><instanceId>\(id)</instanceId><instanceState><name>"
                + "\(states[id] ?? "")</name></instanceState>"
                + "<privateIpAddress>10.0.0.1</privateIpAddress>"
                + "<launchTime>2026-01-01T00:00:00.000Z</launchTime><tagSet>\(pairs)</tagSet></item>"
        }.joined()
        return "<instancesSet>\(items)</instancesSet>"
    }

    private static func list(_ name: String, _ items: String) -> ScriptedCloud.Reply {
        .init(
            status: 200,
            body: "<?xml version=\"1.0\"?><\(name) xmlns=\"x\"><reservationSet>\(items)"
                + "</reservationSet></\(name)>")
    }

    static func error(_ status: Int, _ code: String, _ said: String = "said") -> ScriptedCloud.Reply
    {
        .init(
            status: status,
            body: "<Response><Errors><Error><Code>\(code)</Code><Message>\(said)</Message>"
                + "</Error></Errors><RequestID>r</RequestID></Response>")
    }

    var living: [String] { states.filter { $0.value == "running" }.keys.sorted() }
}

@Suite struct AWSTests {
    private let ec2 = TinyEC2()
    private let offerings = ["us-east-1a/m5.large/spot", "us-east-1b/m5.large/on-demand"]

    private func cloud() throws -> ScriptedCloud {
        try ScriptedCloud(AWSProvider.self, ["image": "ami-1"]) { [ec2] in ec2.answer($0) }
    }

    private func request(_ least: Int, _ most: Int) -> JSON {
        [
            "token": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
            "offerings": .array(offerings.map { .string($0) }),
            "count": ["min": .integer(Int64(least)), "max": .integer(Int64(most))],
            "boot": "#!/bin/sh\n", "tags": ["owner": "me"], "expires": "2030-01-01T01:00:00Z",
        ]
    }

    @Test func `a launch tags, tokens and signs, and its workers are found by each query`() throws {
        let cloud = try cloud()
        let outcome = cloud.call("launch", request(1, 2))
        #expect(outcome.code == 0, "\(outcome.message)")
        #expect(outcome.ids.count == 2)
        let run = try #require(cloud.requests.first { $0.form["Action"] == "RunInstances" })
        #expect(run.url == "https://ec2.us-east-1.amazonaws.com/")
        #expect(run.sign["with"]?.stringValue == "aws-sigv4")
        #expect(run.sign["service"]?.stringValue == "ec2")
        #expect(run.form["InstanceMarketOptions.MarketType"] == "spot")
        #expect(run.form["ClientToken"]?.count == 36)
        #expect(run.form["InstanceInitiatedShutdownBehavior"] == "terminate")
        let token = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
        for query: JSON in [
            ["owner": "me"], ["token": .string(token)],
            ["ids": .array(outcome.ids.map { .string($0) })],
        ] {
            let found = cloud.call("describe", query)
            #expect(found.ids == outcome.ids)
            #expect(found.json["workers"]?[0]?["token"]?.stringValue == token)
            #expect(found.json["workers"]?[0]?["offering"]?.stringValue == offerings[0])
        }
    }

    @Test func `a launch whose answer is lost and that is repeated gives one set of workers`()
        throws
    {
        for lag in [false, true] {
            for room in [1, 2, 5] {
                ec2.room["us-east-1a/m5.large"] = room
                let cloud = try cloud()
                ec2.faults["RunInstances"] = [(0, "")]
                let lost = cloud.call("launch", request(2, 3))
                #expect(lost.code == 14 && lost.retry == 1)
                ec2.isLagging = lag
                let again = cloud.call("launch", request(2, 3))
                #expect(again.code == 0, "\(again.message)")
                #expect(again.ids.sorted() == ec2.living)
                #expect(Set(again.ids).count == 3)
                ec2.isLagging = false
                (ec2.launches, ec2.tags, ec2.states) = ([:], [:], [:])
            }
        }
    }

    @Test func `what was sold out and has room again does not give a second set`() throws {
        ec2.room["us-east-1a/m5.large"] = 0
        let cloud = try cloud()
        #expect(cloud.call("launch", request(2, 2)).code == 0)
        ec2.room["us-east-1a/m5.large"] = 100
        let again = cloud.call("launch", request(2, 2))
        #expect(again.ids.count == 2)
        #expect(ec2.living.count == 2)
    }

    @Test func `fewer than the least are ended again and the call fails for another place`() throws
    {
        ec2.room = ["us-east-1a/m5.large": 1, "us-east-1b/m5.large": 1]
        let outcome = try cloud().call("launch", request(3, 4))
        #expect(outcome.code == 8 && outcome.retry == 2)
        #expect(ec2.living.isEmpty)
    }

    @Test func `an id that is not listed starts, and one that is gone is ended`() throws {
        let cloud = try cloud()
        let unknown = cloud.call("describe", ["ids": ["i-9"]])
        #expect(unknown.json["workers"]?[0]?["state"]?.stringValue == "starting")
        let ids = cloud.call("launch", request(2, 2)).ids
        let ended = cloud.call(
            "terminate", ["ids": .array((["i-9"] + ids + ["i-8"]).map { .string($0) })])
        #expect(ended.code == 0, "\(ended.message)")
        #expect(ec2.living.isEmpty)
        #expect(cloud.call("describe", ["owner": "me"]).json["workers"]?[0]?["state"] == "gone")
    }

    @Test func `boot data that EC2 would refuse is refused before anything is asked`() throws {
        var request = request(1, 1).objectValue ?? JSONObject()
        request["boot"] = .string(String(repeating: "x", count: 16_400))
        let cloud = try cloud()
        #expect(cloud.call("launch", .object(request)).reason == "request./boot")
        #expect(cloud.requests.isEmpty)
    }

    @Test(arguments: [
        "<a><b>1 &lt; 2 &amp;&#65;</b><c/><!-- x --><d k='>'><![CDATA[<>]]></d></a>"
    ])
    func `an answer of XML is read`(_ text: String) throws {
        // Through the door: what is no XML is a bad day of the cloud.
        for (body, code) in [(text, Int32(0)), ("<html>", 14), ("", 14), ("<a></b>", 14)] {
            let cloud = try ScriptedCloud(AWSProvider.self, ["image": "ami-1"]) { _ in
                .init(status: 200, body: body)
            }
            #expect(cloud.call("describe", ["owner": "me"]).code == code, "\(body)")
        }
    }
}
