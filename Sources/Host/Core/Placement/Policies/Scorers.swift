/// What a scorer looks at: a worker before and after the request is on it.
struct Candidate {
    var request: PlacementRequest
    var kind: NodeKind
    var before: NodeState
    var after: NodeState
    /// Thousandths free in all devices.
    var deviceMilliBefore: Int64
    var deviceMilliAfter: Int64
}

/// Scores that need nothing but the worker and the request; higher is better.
enum Scorers {
    /// The mean of Nomad's score for cores and memory, and of the same for GPUs if there are any
    /// on the worker; from 0 to 1.
    ///
    /// Source: Nomad, `(20 - (10^freeCPU + 10^freeMemory)) / 18`, the free shares after placing;
    /// after Google's best-fit v3 (L. Barroso, U. Hölzle).
    static func bestFit(_ candidate: Candidate) -> Double {
        let cpu = share(candidate.after.milliCores, candidate.kind.total.milliCores)
        let memory = share(candidate.after.memoryBytes, candidate.kind.total.memoryBytes)
        let rest = (20 - Exponential.ten(cpu) - Exponential.ten(memory)) / 18
        let devices = candidate.kind.deviceMilli
        guard devices > 0 else { return rest }
        let gpu = share(candidate.deviceMilliAfter, devices)
        return (rest + (10 - Exponential.ten(gpu)) / 9) / 2
    }

    /// The dominant share of what is in use afterwards; from 0 to 1.
    static func pack(_ candidate: Candidate) -> Double {
        let total = candidate.kind.total
        var used = 1 - share(candidate.after.milliCores, total.milliCores)
        used = max(used, 1 - share(candidate.after.memoryBytes, total.memoryBytes))
        let devices = candidate.kind.deviceMilli
        if devices > 0 { used = max(used, 1 - share(candidate.deviceMilliAfter, devices)) }
        return used
    }

    /// What is left of the dominant share afterwards; from 0 to 1.
    static func spread(_ candidate: Candidate) -> Double { 1 - pack(candidate) }

    private static func share(_ free: Int64, _ total: Int64) -> Double {
        total > 0 ? Double(free) / Double(total) : 0
    }

    // What follows is in the units of the published experiment, a whole number from 0 to 100, with
    // its largest worker of 128 cores and 8 GPUs, so that its ties are the same.  Source: the
    // procedure of hkust-adsl/kubernetes-scheduler-simulator.

    private static let largestMilliCores = 128_000.0
    private static let largestDeviceMilli = 8_000.0

    static func dotProduct(_ candidate: Candidate) -> Double {
        let cores =
            Double(candidate.before.milliCores) / largestMilliCores
            * (Double(candidate.request.resources.milliCores) / largestMilliCores)
        let devices =
            Double(candidate.deviceMilliBefore) / largestDeviceMilli
            * (Double(candidate.request.allDeviceMilli) / largestDeviceMilli)
        return (100 * (1 - (cores + devices) / 2)).rounded(.down)
    }

    static func leastLeft(_ candidate: Candidate) -> Double {
        let left =
            Double(candidate.after.milliCores) / largestMilliCores * 0.5
            + Double(candidate.deviceMilliAfter) / largestDeviceMilli * 0.5
        return (100 * (1 - left)).rounded(.down)
    }

    static func clustering(_ candidate: Candidate) -> Double {
        guard candidate.request.resources.devices > 0 else { return 0 }
        let base = 25 * (8_000 - candidate.deviceMilliBefore) / 8_000
        let kinds = candidate.before.clusters.nonzeroBitCount
        if candidate.before.clusters & clusterBit(of: candidate.request) != 0 {
            return Double(base + (kinds == 1 ? 75 : 50))
        }
        return Double(base + (kinds == 0 ? 25 : 0))
    }

    /// The bit of ``NodeState/clusters`` for requests like this one.
    static func clusterBit(of request: PlacementRequest) -> UInt16 {
        let devices = request.resources.devices
        guard devices > 0 else { return 0 }
        return 1 << UInt16(request.resources.deviceMilli == 1000 ? min(devices, 15) : 0)
    }

    static func packing(_ candidate: Candidate, devices: [DeviceVector]) -> Double {
        let request = candidate.request.resources
        guard request.devices > 0 else { return 0 }
        let whole = devices.count { $0.milli == 1000 }
        if whole == devices.count { return Double(max(33 - whole, whole)) }
        let taken = devices.filter { $0.milli >= request.deviceMilli }.prefix(request.devices)
        let opened = taken.count { $0.milli == 1000 }
        if opened > 0 { return Double(max(50 - opened, 33)) }
        let ratio = taken.reduce(0) { $0 + $1.milli * 100 / 1000 }
        return Double(max(100 - ratio / 10, 50))
    }

    /// The gradient of fragmentation: `100 σ(-ΔF / one GPU)`, rounded down.
    static func fragmentation(lost: Double) -> Double {
        (100 / (1 + Exponential.natural(lost / 1000))).rounded(.down)
    }
}
