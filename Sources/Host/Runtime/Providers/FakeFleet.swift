import FanfoldJSON
import FanfoldPlugins
import FanfoldSimulation
@preconcurrency import Glibc

/// A cloud that is none: ``FakeCloud`` with a clock, and a file that remembers it.
///
/// Its machines run nothing, so that a coordinator which rents them waits for workers that never
/// join.  It is for trying settings, prices and errors.
final class FakeFleet: Fleet {
    /// The code that ISO 4217 keeps for tests.
    static let currency = "XTS"

    private let configuration: FakeConfiguration
    private let folder: FleetFolder
    private let clock: @Sendable () -> UInt64

    /// - Parameter clock: nanoseconds since 1970.
    init(
        _ configuration: FakeConfiguration, folder: String,
        clock: @escaping @Sendable () -> UInt64 = WallClock.now
    ) {
        self.configuration = configuration
        self.folder = FleetFolder(path: folder)
        self.clock = clock
    }

    func close() {}

    func check() throws(PluginFailure) -> [RentalCheck] {
        [RentalCheck(name: "fake: nothing here is real", isFine: true, fix: "")]
    }

    func offerings() throws(PluginFailure) -> [RentableOffering] {
        let now = clock()
        return try with { (cloud) throws(PluginFailure) in
            cloud.kinds.compactMap { kind in
                var json = JSONObject([
                    ("id", .string(kind.name)), ("region", "fake"), ("zone", "fake"),
                    ("cpu", .number(Double(kind.milliCores) / 1_000)),
                    ("memory", .integer(kind.memoryBytes)),
                    ("gpu", .integer(Int64(kind.gpus))),
                    ("market", .string(kind.isSpot ? "spot" : "on-demand")),
                    ("price_per_hour", .number(Double(kind.microsPerHour(at: now)) / 1e6)),
                    ("currency", .string(Self.currency)), ("as_of", .string(WallClock.text(now))),
                    ("available", .bool(cloud.room(of: kind, at: now) > 0)),
                    ("interruption", .number(min(1, kind.interruptionsPerHour))),
                    ("boot_s", .number(Double(kind.bootNanoseconds) / 1e9)),
                ])
                if let memory = kind.gpuMemoryBytes { json["gpu_memory"] = .integer(memory) }
                return RentableOffering(.object(json))
            }
        }
    }

    func launch(_ request: RentalRequest) throws(PluginFailure) -> [RentedWorker] {
        let now = clock()
        return try with { (cloud) throws(PluginFailure) in
            do throws(FakeCloud.Refusal) {
                return try cloud.launch(
                    request.offerings, least: request.least, most: request.most,
                    token: request.token, owner: request.tags["owner"] ?? "", at: now
                ).compactMap { self.worker($0, now) }
            } catch {
                switch error {
                case .soldOut(let count):
                    throw .soldOut(
                        "fake: wanted \(max(1, request.least)) machines, there are \(count)")
                case .unknown(let name):
                    throw PluginFailure(
                        code: 3, reason: "request./offerings",
                        message: "fake: wanted one of "
                            + cloud.kinds.map(\.name).joined(separator: ", ")
                            + ", found \(name)")
                }
            }
        }
    }

    func describe(
        _ query: RentedFleet.Query
    ) throws(PluginFailure) -> [RentedWorker] {
        let now = clock()
        return try with { (cloud) throws(PluginFailure) in
            let all = cloud.machines.values.sorted { $0.id < $1.id }
            switch query {
            case .owner(let owner):
                return all.filter { $0.owner == owner }.compactMap { self.worker($0, now) }
            case .token(let token):
                return all.filter { $0.token == token }.compactMap { self.worker($0, now) }
            case .ids(let ids):
                return ids.compactMap { id in
                    cloud.machines[id].flatMap { self.worker($0, now) }
                        ?? RentedWorker(["id": .string(id), "state": "gone"])
                }
            }
        }
    }

    func terminate(_ ids: [String]) throws(PluginFailure) {
        let now = clock()
        try with { (cloud) throws(PluginFailure) in cloud.terminate(ids, at: now) }
    }

    private func worker(_ machine: FakeCloud.Machine, _ now: UInt64) -> RentedWorker? {
        let state = machine.state(at: now, notice: configuration.noticeNanoseconds)
        return RentedWorker([
            "id": .string(machine.id), "token": .string(machine.token),
            "state": .string(state.rawValue), "address": "fake",
            "offering": .string(machine.kind),
            "since": .string(
                WallClock.text(state == .starting ? machine.made : machine.boots)),
        ])
    }

    /// Does something with the cloud as the file remembers it, and remembers it again.
    private func with<Value>(
        _ body: (inout FakeCloud) throws(PluginFailure) -> Value
    ) throws(PluginFailure) -> Value {
        try folder.locked { () throws(PluginFailure) in
            let path = self.folder.path + "/cloud.json"
            let stored = FleetFolder.json(path)
            let began = stored?["began"]?.stringValue.flatMap { UInt64($0) } ?? self.clock()
            var cloud = self.configuration.cloud(began: began)
            for json in stored?["machines"]?.arrayValue ?? [] {
                guard let machine = FakeCloud.Machine(json) else { continue }
                cloud.machines[machine.id] = machine
            }
            let before = cloud.machines
            let value = try body(&cloud)
            if cloud.machines != before || stored == nil {
                let machines = cloud.machines.values.sorted { $0.id < $1.id }.map(\.json)
                let json: JSON = [
                    "fake": true, "began": .string("\(began)"), "machines": .array(machines),
                ]
                try self.folder.write(json.prettyText, to: path)
            }
            return value
        }
    }
}

extension FakeCloud.Machine {
    /// As the file holds it: moments are texts, since they are more than a number of JSON holds.
    var json: JSON {
        [
            "id": .string(id), "token": .string(token), "owner": .string(owner),
            "kind": .string(kind), "made": .string("\(made)"), "boots": .string("\(boots)"),
            "taken_back": .string("\(takenBack)"), "ended": .string("\(ended)"),
        ]
    }

    init?(_ json: JSON) {
        func moment(_ key: String) -> UInt64? { json[key]?.stringValue.flatMap { UInt64($0) } }
        guard let id = json["id"]?.stringValue, let made = moment("made"),
            let boots = moment("boots"), let takenBack = moment("taken_back"),
            let ended = moment("ended")
        else { return nil }
        self.init(
            id: id, token: json["token"]?.stringValue ?? "",
            owner: json["owner"]?.stringValue ?? "", kind: json["kind"]?.stringValue ?? "",
            made: made, boots: boots, takenBack: takenBack, ended: ended)
    }
}
