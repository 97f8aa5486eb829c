import CPluginABI
import FanfoldJSON
import PluginKit
import Testing

/// Says what the query or the token tells it to.
private struct Renter: Provider {
    struct Configuration: Decodable {}
    static let component = ComponentDescription(
        id: "com.example.renter", version: "1.0.0", summary: "Rents.",
        configurationSchema: "{\"type\":\"object\"}")
    let host: HostHandle

    init(configuration: Configuration, host: HostHandle) throws(PluginError) {
        self.host = host
    }

    func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
        call.succeed([ProviderCheck("credentials", ok: true)])
        call.succeed([])
        call.fail(PluginError(.internalBug, reason: "twice", "twice"))
    }

    func offerings(_ query: JSON, _ call: ProviderCall<EndOfOfferings>) throws(PluginError) {
        let page = Offering(
            id: "small", region: "here", cpu: 4, memoryBytes: 8, pricePerHour: 0.5,
            currency: "USD", asOf: "2030-01-01T00:00:00Z", available: true)
        call.emit([page]) { () throws(PluginError) in
            guard query["bad"] == nil else { throw PluginError(.range, reason: "bad", "bad") }
            call.succeed(EndOfOfferings())
        }
    }

    func launch(_ request: LaunchRequest, _ call: ProviderCall<[Worker]>) throws(PluginError) {
        guard let http = host.http else { throw .missingService("fanfold.http/1") }
        let body: JSON = [
            "token": .string(cloudToken(request.token, request.offerings[0])),
            "boot": .string(request.userData),
        ]
        let signing = HTTPSigning("bearer", secret: "fake")
        http.fetch(
            HTTPRequest("POST", "http://cloud.test/launch", signing: signing, json: body),
            for: call
        ) { answer throws(PluginError) in
            struct Answer: Decodable { var workers: [Worker] }
            guard answer.status < 400 else {
                throw PluginError(
                    .exhausted, retry: .later, reason: answer.headers["x"]?.stringValue ?? "", "no")
            }
            call.succeed(try answer.decode(Answer.self).workers)
        }
    }

    func describe(_ query: WorkerQuery, _ call: ProviderCall<[Worker]>) throws(PluginError) {
        switch query {
        case .owner: throw PluginError(.denied, retry: .renewed, reason: "owner", "not yours")
        case .token: return
        case .ids(let ids):
            call.succeed(ids.map { Worker(id: $0, token: nil, state: .starting) })
        }
    }

    func terminate(_ ids: [String], _ call: ProviderCall<Termination>) throws(PluginError) {
        call.succeed(Termination(left: ids.filter { $0 == "stubborn" }))
    }
}

private let plugin = Plugin(providers: [Renter.self])

extension KitCallTests {
    private typealias Function = (
        UnsafePointer<fan_provider>, OpaquePointer, UnsafePointer<fan_call>, fan_view
    ) -> Void

    /// Makes one call of a new instance; the answers are in `RecordingHost`.
    private func ask(
        _ document: String, services: Set<String> = [], _ prepare: () -> Void = {},
        _ function: Function
    ) throws {
        RecordingHost.reset(services: services)
        prepare()
        let instance = try #require(create(plugin).0)
        let table = try #require(plugin.pointer.pointee.query(instance, "fanfold.provider/1"))
            .assumingMemoryBound(to: fan_provider.self)
        Array(document.utf8).withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            call(9) { function(table, instance, $0, view) }
        }
        RecordingHost.runLanes()
        plugin.pointer.pointee.destroy(instance)
    }

    private static let launch = """
        {"token":"6ba7b810-9dad-11d1-80b4-00c04fd430c8","offerings":["www.example.com",{"id":"b"}],
         "count":{"min":1,"max":2},"boot":"#!/bin/sh","tags":{"owner":"me"},
         "expires":"2030-01-01T01:00:00Z"}
        """

    @Test func `a second answer changes nothing and is a line in the log`() throws {
        try ask("") { table, instance, call, _ in table.pointee.check(instance, call) }
        #expect(RecordingHost.answers.map(\.code) == [0])
        #expect(
            RecordingHost.answers.first?.json
                == "{\"checks\":[{\"name\":\"credentials\",\"ok\":true,\"fix\":\"\"}]}")
        #expect(RecordingHost.logged.count == 2)
    }

    @Test func `a page that a busy host did not take is offered again, by the lane or without`()
        throws
    {
        for services in [Set(["fanfold.lane/1"]), []] {
            try ask("{}", services: services, { RecordingHost.emitCodes = [8, 8] }) {
                $0.pointee.offerings($1, $2, $3)
            }
            #expect(RecordingHost.emitted.count == 1)
            #expect(RecordingHost.emitted[0].hasPrefix("{\"offerings\":[{\"id\":\"small\""))
            #expect(RecordingHost.answers.map(\.code) == [0])
            #expect(RecordingHost.delays.count == (services.isEmpty ? 0 : 2))
        }
    }

    @Test func `an error after a page, and a host that no longer wants pages, end the call`() throws
    {
        try ask("{\"bad\":1}") { $0.pointee.offerings($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.code) == [11])
        try ask("{}", { RecordingHost.emitCodes = [1] }) { $0.pointee.offerings($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.code) == [1])
    }

    @Test func `a request is signed by name and its answer becomes that of the call`() throws {
        let worker = """
            {"workers":[{"id":"w-1","token":"t","state":"starting","address":null}]}
            """
        try ask(
            Self.launch, services: ["fanfold.http/1"],
            { RecordingHost.replies = [(200, "{}", worker)] }
        ) { $0.pointee.launch($1, $2, $3) }
        let request = try #require(RecordingHost.requests.first)
        #expect(request.document.contains("\"sign\":{\"with\":\"bearer\",\"secret\":\"fake\"}"))
        // The example of RFC 9562, appendix A.4, whose namespace is that launch token.
        #expect(request.body.contains("2ed6657d-e927-568b-95e1-2665a8aea6a2"))
        #expect(request.body.contains("#!/bin/sh\\n# fanfold-expires: 2030-01-01T01:00:00Z\\n"))
        #expect(RecordingHost.answers.map(\.code) == [0])
        #expect(RecordingHost.answers[0].json.contains("\"id\":\"w-1\",\"state\":\"starting\""))
    }

    @Test func `a refusal, a broken connection and nonsense each end the call once`() throws {
        for (status, body, code) in [
            (Int32(429), "", Int32(8)), (0, "", 14), (200, "<html>", 14), (200, "{}", 14),
        ] {
            try ask(
                Self.launch, services: ["fanfold.http/1"],
                {
                    RecordingHost.replies = [(status, "{\"x\":\"slow\"}", body)]
                    RecordingHost.answersTwice = true
                }
            ) { $0.pointee.launch($1, $2, $3) }
            #expect(RecordingHost.answers.map(\.code) == [code])
            #expect(RecordingHost.answers.map(\.retry) == [1])
        }
    }

    @Test func `a request that is wrong is refused at its place`() throws {
        try ask("{\"token\":\"t\",\"offerings\":[],\"count\":{\"min\":3,\"max\":2}}") {
            $0.pointee.launch($1, $2, $3)
        }
        #expect(RecordingHost.answers.map(\.reason) == ["request./count"])
        try ask(Self.launch) { $0.pointee.launch($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.reason) == ["service.fanfold.http/1"])
    }

    @Test func `a call that is let go without an answer fails`() throws {
        try ask("{\"token\":\"t\"}") { $0.pointee.describe($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.code) == [13])
        #expect(RecordingHost.answers[0].reason == "plugin.dropped")
        try ask("{\"owner\":\"o\"}") { $0.pointee.describe($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.code) == [7])
    }

    @Test func `workers that are left make of a termination a failure that names them`() throws {
        try ask("{\"ids\":[\"a\"]}") { $0.pointee.terminate($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.json) == ["{\"left\":[]}"])
        try ask("{\"ids\":[\"a\",\"stubborn\"]}") { $0.pointee.terminate($1, $2, $3) }
        #expect(RecordingHost.answers.map(\.code) == [14])
        #expect(RecordingHost.answers[0].json == "{\"left\":[\"stubborn\"]}")
        #expect(RecordingHost.answers[0].message.contains("stubborn"))
    }
}

/// Uses every service in turn.
private struct Visitor: Provider {
    struct Configuration: Decodable {}
    static let component = ComponentDescription(
        id: "com.example.visitor", version: "1.0.0", summary: "Visits.",
        configurationSchema: "{\"type\":\"object\"}")

    init(configuration: Configuration, host: HostHandle) throws(PluginError) { visited = host }
    func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {}
    func offerings(_ query: JSON, _ call: ProviderCall<EndOfOfferings>) throws(PluginError) {}
    func launch(_ request: LaunchRequest, _ call: ProviderCall<[Worker]>) throws(PluginError) {}
    func describe(_ query: WorkerQuery, _ call: ProviderCall<[Worker]>) throws(PluginError) {}
    func terminate(_ ids: [String], _ call: ProviderCall<Termination>) throws(PluginError) {}
}

private nonisolated(unsafe) var visited = HostHandle.silent
private let visitors = Plugin(providers: [Visitor.self])
private let all: Set<String> = [
    "fanfold.http/1", "fanfold.lane/1", "fanfold.store/1", "fanfold.metrics/1", "fanfold.blob/1",
]

extension KitCallTests {
    private func visit(services: Set<String>) throws -> HostHandle {
        RecordingHost.reset(services: services)
        let instance = try #require(create(visitors).0)
        visitors.pointer.pointee.destroy(instance)
        return visited
    }

    @Test func `a service that the host withholds, or that is shorter, is none`() throws {
        let poor = try visit(services: [])
        #expect(poor.http == nil && poor.lane == nil && poor.store == nil)
        #expect(poor.metrics == nil && poor.blobs == nil)
        let rich = try visit(services: all)
        #expect(rich.http != nil && rich.lane != nil && rich.metrics != nil && rich.blobs != nil)
        RecordingHost.store.pointee.struct_size = 8
        #expect(rich.store == nil)
        RecordingHost.store.pointee.struct_size = 4_096
        #expect(rich.store != nil)
    }

    @Test func `a store keeps, forgets and refuses`() throws {
        let store = try #require(try visit(services: all).store)
        #expect(try store.value(of: "k") == nil)
        try store.set(Array("value".utf8), for: "k")
        #expect(try store.value(of: "k") == Array("value".utf8))
        try store.set([], for: "k")
        #expect(try store.value(of: "k") == nil)
        #expect {
            try store.set(Array(repeating: 0, count: 10), for: "k")
        } throws: { error in
            (error as? PluginError)?.code == .exhausted
                && (error as? PluginError)?.retry == .renewed
        }
    }

    @Test func `figures carry their labels, and work comes back to the lane`() throws {
        let host = try visit(services: all)
        host.metrics?.add(1, to: "n", labels: JSONObject([("zone", "a")]))
        host.metrics?.observe(2.5, of: "s")
        #expect(RecordingHost.figures == ["+n 1.0 {\"zone\":\"a\"}", "=s 2.5 "])
        host.lane?.spawn { host.lane?.post { RecordingHost.logged.append("posted") } }
        host.lane?.after(.milliseconds(1_500)) { RecordingHost.logged.append("later") }
        RecordingHost.runLanes()
        #expect(RecordingHost.delays == [1_500_000_000])
        #expect(RecordingHost.logged == ["later", "posted"])
    }

    @Test func `memory of the host is filled by the plugin`() throws {
        let blobs = try #require(try visit(services: all).blobs)
        let blob = try blobs.blob(count: 3) { memory in
            memory.copyBytes(from: Array("abc".utf8))
        }
        #expect(blob.bytes == Array("abc".utf8))
    }
}
