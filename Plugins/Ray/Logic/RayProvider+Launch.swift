import FanfoldJSON
import PluginClouds
import PluginKit

extension RayProvider {
    /// How long a job takes until its worker is at work, in seconds, if there is room.
    ///
    /// Measured: 1.4 to 1.8 s from a request to a program that runs, and two to join.
    static let bootSeconds = 4.0

    /// What a job runs: the boot data, which come in a variable, since Ray writes the entry point
    /// into its log and its page.
    static let entry = "script=$FANFOLD_BOOT; unset FANFOLD_BOOT; eval \"$script\""

    /// Hands in jobs whose submission ids follow from the token of the order: Ray takes each of
    /// them once.
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
                nodes(for: call) { nodes in
                    switch nodes {
                    case .failure(let error): done(.failure(error))
                    case .success(let nodes): submit(order, size, all, nodes, call, done)
                    }
                }
            }
        }
    }

    private func submit(
        _ order: RentOrder, _ size: WorkerSize, _ all: [RayJob], _ nodes: [RayNode],
        _ call: ProviderCall<[Worker]>,
        _ done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        func full(_ code: String, _ said: String) {
            done(.failure(RayErrors.table.error(.capacity, code, said)))
        }
        guard fits(size, nodes) else {
            return full("size", "no node of Ray could ever hold \(order.offering)")
        }
        let others = all.count {
            $0.worker.state != .gone && $0.labels["token"] != order.request.token
        }
        let room = min(order.most, configuration.most - others)
        guard room >= order.least else {
            return full("most", "\(others) of \(configuration.most) workers run or wait already")
        }
        let known = Dictionary(
            all.map { ($0.worker.id, $0.worker) }, uniquingKeysWith: { $1 })
        let names = (0..<room).map { "fanfold-\(order.token)-\($0)" }
        // One that has ended is never run again, since its id is taken.
        let tries = names.filter { known[$0]?.state != .gone }.map { name in
            { (one: @escaping (Result<Worker, PluginError>) -> Void) in
                if let worker = known[name] { return one(.success(worker)) }
                submit(name, order, size, call, one)
            }
        }
        Together.run(tries) { results in
            for case .failure(let error) in results { return done(.failure(error)) }
            done(.success(results.compactMap { try? $0.get() }))
        }
    }

    private func submit(
        _ name: String, _ order: RentOrder, _ size: WorkerSize,
        _ call: ProviderCall<[Worker]>, _ done: @escaping (Result<Worker, PluginError>) -> Void
    ) {
        let worker = Worker(
            id: name, token: order.request.token, state: .starting, offering: order.offering)
        send("POST", "/api/jobs/", document(of: name, order, size), for: call) { result in
            switch result {
            case .success: done(.success(worker))
            // Handed in by a request whose answer was lost.
            case .failure(let error) where error.code == .exists: done(.success(worker))
            case .failure(let error): done(.failure(error))
            }
        }
    }

    /// What Ray is asked to run.
    private func document(of name: String, _ order: RentOrder, _ size: WorkerSize) -> JSON {
        var labels = order.request.tags
        labels["token"] = order.request.token
        labels["offering"] = order.offering
        labels["expires"] = order.request.expires
        let tags = labels.sorted { $0.key < $1.key }.map {
            (RayJob.prefix + $0.key, JSON.string($0.value))
        }
        var variables = configuration.environment.merging(size.pilot) { $1 }
        variables["FANFOLD_BOOT"] = order.request.userData
        variables["FANFOLD_INSTANCE"] = name
        // A job ends with its script; there is no machine to switch off.
        variables["FANFOLD_KEEP_MACHINE"] = "1"
        variables["FANFOLD_STATE"] = "\(configuration.folder)/\(name)"
        // Ray reads it in the process that stops the script.
        variables["RAY_JOB_STOP_WAIT_TIME_S"] = String(configuration.graceSeconds)
        let environment = variables.sorted { $0.key < $1.key }.map {
            ($0.key, JSON.string($0.value))
        }
        let runtime: JSON = ["env_vars": .object(JSONObject(environment))]
        let path = configuration.path.isEmpty ? "" : "export PATH='\(configuration.path)':$PATH; "
        var job = JSONObject([
            ("entrypoint", .string(path + Self.entry)), ("submission_id", .string(name)),
            ("metadata", .object(JSONObject(tags))),
            ("entrypoint_num_cpus", .number(size.cpus)),
            ("entrypoint_memory", .integer(size.memoryMiB << 20)),
            ("runtime_env", runtime),
        ])
        if size.gpus > 0 { job["entrypoint_num_gpus"] = .integer(Int64(size.gpus)) }
        if !configuration.resources.isEmpty {
            job["entrypoint_resources"] = .object(
                JSONObject(
                    configuration.resources.sorted { $0.key < $1.key }
                        .map { ($0.key, .number($0.value)) }))
        }
        return .object(job)
    }
}
