import FanfoldJSON
import PluginClouds
import PluginKit

extension DockerProvider {
    /// Makes and starts containers whose names follow from the token of the order: what is there
    /// already is not made again.
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
                let others = all.count {
                    $0.labels["token"] != order.request.token && $0.worker.state != .gone
                }
                let room = min(order.most, configuration.most - others)
                guard room >= order.least else {
                    return done(
                        .failure(
                            DockerErrors.table.error(
                                .capacity, "most",
                                "\(others) of \(configuration.most) workers run already")))
                }
                let names = (0..<room).map { "fanfold-\(order.token)-\($0)" }
                next(names[...], Making(order, size, call), [], done)
            }
        }
    }

    /// An order on its way.
    private struct Making {
        let order: RentOrder
        let size: WorkerSize
        let call: ProviderCall<[Worker]>

        init(_ order: RentOrder, _ size: WorkerSize, _ call: ProviderCall<[Worker]>) {
            self.order = order
            self.size = size
            self.call = call
        }
    }

    private func next(
        _ names: ArraySlice<String>, _ making: Making, _ made: [Worker],
        _ done: @escaping (Result<[Worker], PluginError>) -> Void
    ) {
        guard let name = names.first else { return done(.success(made)) }
        let body = document(of: name, making.order, making.size)
        send("POST", "/containers/create?name=\(name)", body, for: making.call) { result in
            if case .failure(let error) = result, error.code != .exists {
                return done(.failure(error))
            }
            start(name, making) { problem in
                if let problem { return done(.failure(problem)) }
                let worker = Worker(
                    id: name, token: making.order.request.token, state: .starting,
                    offering: making.order.offering)
                next(names.dropFirst(), making, made + [worker], done)
            }
        }
    }

    /// Starts a container that never ran: starting one that has ended would run it again.
    private func start(
        _ name: String, _ making: Making, _ done: @escaping (PluginError?) -> Void
    ) {
        send("GET", "/containers/\(name)/json", for: making.call) { result in
            switch result {
            case .failure(let error): done(error)
            case .success(let answer):
                let state = answer.json?["State"]?["Status"]?.stringValue ?? ""
                guard ["created", "configured", "initialized"].contains(state) else {
                    return done(nil)
                }
                send("POST", "/containers/\(name)/start", for: making.call) { result in
                    guard case .failure(let error) = result else { return done(nil) }
                    // What cannot start is no worker, and is not left behind.
                    guard error.retry != .later else { return done(error) }
                    send("DELETE", "/containers/\(name)?force=true", for: making.call) { _ in
                        done(error)
                    }
                }
            }
        }
    }

    /// What the engine is asked to make.
    private func document(of name: String, _ order: RentOrder, _ size: WorkerSize) -> JSON {
        var labels = JSONObject()
        for (key, value) in order.request.tags.sorted(by: { $0.key < $1.key }) {
            labels[Self.prefix + key] = .string(value)
        }
        labels[Self.prefix + "token"] = .string(order.request.token)
        labels[Self.prefix + "offering"] = .string(order.offering)
        labels[Self.prefix + "expires"] = .string(order.request.expires)
        var variables = configuration.environment
        variables["FANFOLD_INSTANCE"] = name
        // A container ends with its first process; there is no machine to switch off.
        variables["FANFOLD_KEEP_MACHINE"] = "1"
        let environment = variables.sorted { $0.key < $1.key }.map {
            JSON.string("\($0.key)=\($0.value)")
        }
        return [
            "Image": .string(configuration.image), "Entrypoint": ["/bin/sh", "-c"],
            "Cmd": [.string(order.request.userData)], "Env": .array(environment),
            "Labels": .object(labels), "StopSignal": "SIGTERM",
            "HostConfig": .object(hostDocument(size)),
        ]
    }

    private func hostDocument(_ size: WorkerSize) -> JSONObject {
        var document = JSONObject([
            ("Memory", .integer(size.memoryMiB << 20)),
            ("MemorySwap", .integer(size.memoryMiB << 20)),
            ("NanoCpus", .integer(Int64(size.cpus * 1e9))),
            ("AutoRemove", .bool(!configuration.keep)),
            ("SecurityOpt", .array([.string("no-new-privileges")])),
        ])
        if !configuration.network.isEmpty {
            document["NetworkMode"] = .string(configuration.network)
        }
        if !configuration.binds.isEmpty {
            document["Binds"] = .array(configuration.binds.map { .string($0) })
        }
        if size.gpus > 0 {
            let device: JSON = [
                "Driver": "", "Count": .integer(Int64(size.gpus)),
                "Capabilities": .array([.array([.string("gpu")])]),
            ]
            document["DeviceRequests"] = .array([device])
        }
        return document
    }
}
