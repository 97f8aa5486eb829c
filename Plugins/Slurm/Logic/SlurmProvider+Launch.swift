import FanfoldJSON
import PluginClouds
import PluginKit

extension SlurmProvider {
    /// How long a job takes until its worker is at work, in seconds, if there is room.
    static let bootSeconds = 5.0

    /// Hands in jobs whose names follow from the token of the order: a name that is there is not
    /// handed in again, since the number of a job that a crashed controller forgot goes to another.
    public func rent(
        _ order: RentOrder, for call: ProviderCall<[Worker]>,
        done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        guard let size = configuration.sizes[order.offering] else {
            return done(
                .failure(
                    PluginError(
                        .invalid, reason: "request./offerings",
                        "wanted one of \(configuration.sizes.keys.sorted().joined(separator: ", "))"
                            + ", found \(order.offering.prefix(80))")))
        }
        listed(for: call) { result in
            switch result {
            case .failure(let error): done(.failure(error))
            case .success(let all):
                let living = all.filter { $0.worker.state != .gone }
                let others = living.count { $0.labels["token"] != order.request.token }
                let room = min(order.most, configuration.most - others)
                guard room >= order.least else {
                    return done(
                        .failure(
                            SlurmErrors.table.error(
                                .capacity, "most",
                                "\(others) of \(configuration.most) workers run or wait already")))
                }
                let known = Set(living.map(\.worker.id))
                let names = (0..<room).map { "\(SlurmJob.prefix)\(order.token)-\($0)" }
                let tries = names.map { name in
                    { (one: @escaping (Result<Worker, PluginError>) -> Void) in
                        submit(name, order, size, isThere: known.contains(name), call, one)
                    }
                }
                Together.run(tries) { results in
                    for case .failure(let error) in results { return done(.failure(error)) }
                    done(.success(results.compactMap { try? $0.get() }))
                }
            }
        }
    }

    private func submit(
        _ name: String, _ order: RentOrder, _ size: WorkerSize, isThere: Bool,
        _ call: ProviderCall<[Worker]>, _ done: @escaping (Result<Worker, PluginError>) -> Void
    ) {
        let worker = Worker(
            id: name, token: order.request.token, state: .starting, offering: order.offering)
        guard !isThere else { return done(.success(worker)) }
        let body: JSON = [
            "script": .string(order.request.userData), "job": .object(job(name, order, size)),
        ]
        send("POST", "/job/submit", body, for: call) { result in done(result.map { _ in worker }) }
    }

    private func job(_ name: String, _ order: RentOrder, _ size: WorkerSize) -> JSONObject {
        var labels = order.request.tags
        labels["token"] = order.request.token
        labels["offering"] = order.offering
        labels["expires"] = order.request.expires
        let comment = JSON.object(
            JSONObject(labels.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        var variables = size.pilot
        variables["PATH"] = configuration.path
        variables["FANFOLD_INSTANCE"] = name
        // An allocation ends with its script; there is no machine to switch off.
        variables["FANFOLD_KEEP_MACHINE"] = "1"
        variables["FANFOLD_STATE"] = "\(configuration.folder)/\(name)"
        let environment = JSON.object(
            JSONObject(variables.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        var job = JSONObject([
            ("name", .string(name)), ("comment", .string(comment.text)), ("nodes", 1),
            ("tasks", 1), ("cpus_per_task", .integer(Int64(size.cpus))),
            ("memory_per_node", .integer(size.memoryMiB)), ("environment", environment),
            ("current_working_directory", .string(configuration.folder)),
            ("standard_output", .string("\(configuration.folder)/\(name).log")),
            ("requeue", false),
        ])
        if size.gpus > 0 { job["tres_per_node"] = .string("gres:gpu:\(size.gpus)") }
        if configuration.minutes > 0 {
            job["time_limit"] = .integer(Int64(configuration.minutes))
        }
        if !configuration.partition.isEmpty {
            job["partition"] = .string(configuration.partition)
        }
        if !configuration.account.isEmpty { job["account"] = .string(configuration.account) }
        return job
    }

    /// Says what is for rent.
    public func offerings(
        _ query: JSON, _ call: ProviderCall<EndOfOfferings>
    ) throws(PluginError) {
        send("GET", "/nodes", for: call) { result in
            call.attempt { () throws(PluginError) in
                let nodes = try result.get()["nodes"]?.arrayValue ?? []
                let page = configuration.sizes.sorted { $0.key < $1.key }.map { name, size in
                    Offering(
                        id: name, region: configuration.partition, cpu: size.cpus,
                        memoryBytes: size.memoryMiB << 20, gpu: Double(size.gpus),
                        gpuMemoryBytes: size.gpuMemoryBytes,
                        pricePerHour: 0, currency: "USD", asOf: "",
                        available: nodes.contains { Self.fits(size, $0) },
                        bootSeconds: Self.bootSeconds)
                }
                call.emit(page) { call.succeed(EndOfOfferings()) }
            }
        }
    }

    /// A job that no node could ever hold is accepted by Slurm and waits for ever.
    private static func fits(_ size: WorkerSize, _ node: JSON) -> Bool {
        (node["cpus"]?.doubleValue ?? 0) >= size.cpus
            && (node["real_memory"]?.integerValue ?? 0) >= size.memoryMiB
    }

    /// Says whether credentials, permissions and quota are good.
    public func check(_ call: ProviderCall<[ProviderCheck]>) throws(PluginError) {
        send("GET", "/nodes", for: call) { result in
            switch result {
            case .failure(let error):
                call.succeed([ProviderCheck("controller", ok: false, fix: error.message)])
            case .success(let answer):
                let nodes = answer["nodes"]?.arrayValue ?? []
                let tooLarge = configuration.sizes.filter { _, size in
                    !nodes.contains { Self.fits(size, $0) }
                }.keys.sorted()
                call.succeed([
                    ProviderCheck("controller", ok: true),
                    ProviderCheck(
                        "sizes", ok: tooLarge.isEmpty,
                        fix: tooLarge.isEmpty
                            ? ""
                            : "no node is large enough for \(tooLarge.joined(separator: ", ")): "
                                + "make them smaller in /sizes"),
                ])
            }
        }
    }
}
