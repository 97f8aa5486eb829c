import FanfoldJSON
import PluginClouds
import PluginKit

/// What a node of Ray has in all.
struct RayNode {
    var cpus: Double
    var gpus: Double
    var memory: Double
    var resources: JSON

    /// Reads an item of `GET /api/v0/nodes`; `nil` for one that is dead.
    init?(_ json: JSON) {
        guard json["state"]?.stringValue == "ALIVE", let total = json["resources_total"] else {
            return nil
        }
        cpus = total["CPU"]?.doubleValue ?? 0
        gpus = total["GPU"]?.doubleValue ?? 0
        memory = total["memory"]?.doubleValue ?? 0
        resources = total
    }
}

extension RayProvider {
    /// Nodes that are asked for: the most that Ray hands out.
    static let mostNodes = 10_000

    /// The nodes that live.
    func nodes<Answer>(
        for call: ProviderCall<Answer>,
        done: @escaping (Result<[RayNode], PluginError>) -> Void
    ) {
        let path = "/api/v0/nodes?detail=1&limit=\(Self.mostNodes)"
        send("GET", path, for: call) { result in
            done(
                result.map { answer in
                    (answer["data"]?["result"]?["result"]?.arrayValue ?? [])
                        .compactMap(RayNode.init)
                })
        }
    }

    /// Whether some node could ever hold a job: one that none could hold is accepted by Ray and
    /// waits, in vain unless Ray adds nodes.
    func fits(_ size: WorkerSize, _ nodes: [RayNode]) -> Bool {
        configuration.grows
            || nodes.contains { node in
                node.cpus >= size.cpus && node.gpus >= Double(size.gpus)
                    && node.memory >= Double(size.memoryMiB << 20)
                    && configuration.resources.allSatisfy { name, wanted in
                        (node.resources[name]?.doubleValue ?? 0) >= wanted
                    }
            }
    }

    /// Says what is for rent.
    public func offerings(
        _ query: JSON, _ call: ProviderCall<EndOfOfferings>
    ) throws(PluginError) {
        nodes(for: call) { result in
            call.attempt { () throws(PluginError) in
                let nodes = try result.get()
                let page = configuration.sizes.sorted { $0.key < $1.key }.map { name, size in
                    Offering(
                        id: name, region: "", cpu: size.cpus,
                        memoryBytes: size.memoryMiB << 20, gpu: Double(size.gpus),
                        gpuMemoryBytes: size.gpuMemoryBytes,
                        pricePerHour: configuration.pricePerHour * size.cpus, currency: "USD",
                        asOf: "", available: fits(size, nodes), bootSeconds: Self.bootSeconds)
                }
                call.emit(page) { call.succeed(EndOfOfferings()) }
            }
        }
    }

    /// Says whether credentials, permissions and quota are good.
    public func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
        nodes(for: call) { result in
            switch result {
            case .failure(let error):
                call.succeed([ProviderCheck("head", ok: false, fix: error.message)])
            case .success(let nodes):
                let tooLarge = configuration.sizes.filter { !fits($0.value, nodes) }.keys.sorted()
                call.succeed([
                    ProviderCheck("head", ok: true),
                    ProviderCheck(
                        "sizes", ok: tooLarge.isEmpty,
                        fix: tooLarge.isEmpty
                            ? ""
                            : "no node is large enough for \(tooLarge.joined(separator: ", ")): "
                                + "make them smaller in /sizes, or say grows: true if Ray adds "
                                + "nodes"),
                ])
            }
        }
    }
}
