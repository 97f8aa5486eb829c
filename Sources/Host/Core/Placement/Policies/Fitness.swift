/// How well a worker suits a request, and why not if it does not.
///
/// Numbers are from 0 to 1, and higher is better; all are 0 for a worker that does not fit.
package struct Fitness: Hashable, Sendable {
    /// Why a worker does not fit.
    package enum Unfit: String, Hashable, Sendable, CaseIterable {
        case cpu, memory, gpu, label
        case workerNotFound = "worker_not_found"
    }

    /// What is short, in the order of the cases; empty if the request fits.
    package var unfit: [Unfit] = []
    /// The share of the cores that is free.
    package var cpu = 0.0
    /// The share of the memory that is free.
    package var memory = 0.0
    /// The share of the GPUs and their memory that is free, whichever is less; `nil` without GPUs.
    package var gpu: Double?
    /// The mean of the shares.
    package var overall = 0.0

    /// A worker that is not there.
    package static let unknown = Fitness(unfit: [.workerNotFound])

    /// How well what is free suits a request.
    ///
    /// - Parameters:
    ///   - free: What is free of the worker.
    ///   - total: What it has.
    package static func calculate(
        _ request: PlacementRequest, free: ResourceVector, total: ResourceVector, labels: [String]
    ) -> Fitness {
        let unfit = reasons(request, free: free, labels: labels)
        guard unfit.isEmpty else { return Fitness(unfit: unfit) }
        var fitness = Fitness()
        fitness.cpu = share(free.milliCores, total.milliCores)
        fitness.memory = share(free.memoryBytes, total.memoryBytes)
        var shares = [fitness.cpu, fitness.memory]
        if !total.devices.isEmpty {
            let gpu = min(
                share(free.devices, total.devices, \.milli),
                share(free.devices, total.devices, \.memoryBytes))
            fitness.gpu = gpu
            shares.append(gpu)
        }
        fitness.overall = shares.reduce(0, +) / Double(shares.count)
        return fitness
    }

    private static func reasons(
        _ request: PlacementRequest, free: ResourceVector, labels: [String]
    ) -> [Unfit] {
        var unfit: [Unfit] = []
        let wanted = request.resources
        if wanted.milliCores > free.milliCores { unfit.append(.cpu) }
        if wanted.memoryBytes > free.memoryBytes { unfit.append(.memory) }
        if wanted.devices > 0, Ledger.devices(for: wanted, in: free).count < wanted.devices {
            unfit.append(.gpu)
        }
        if !request.accepts(labels) { unfit.append(.label) }
        return unfit
    }

    private static func share(_ free: Int64, _ total: Int64) -> Double {
        total > 0 ? Double(free) / Double(total) : 1
    }

    private static func share(
        _ free: [DeviceVector], _ total: [DeviceVector], _ part: KeyPath<DeviceVector, Int64>
    ) -> Double {
        share(
            free.reduce(0) { $0 + $1[keyPath: part] }, total.reduce(0) { $0 + $1[keyPath: part] })
    }
}
