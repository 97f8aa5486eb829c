import FanfoldCore

/// The published experiment: pods come until they ask for more than there is, none ever leaves,
/// and one that has no room is turned away for good.
///
/// Source: the procedure of hkust-adsl/kubernetes-scheduler-simulator (workload inflation); its
/// shuffles are Go's, so that a seed here is another order: means over seeds are compared.
struct PlacementProtocol {
    let trace: PlacementTrace
    /// What arrives in all, in parts of the cluster's GPUs.
    let target: Double
    /// Whether the names of nodes are drawn anew for each seed, so that ties fall elsewhere.
    let isShuffled: Bool

    /// What a run over one order of arrival found.
    struct Outcome {
        /// By percent of the GPUs that have arrived, the percent that is allocated.
        var curve: [Double]
        /// The share of pods that were turned away, in percent.
        var rejected: Double
    }

    /// Places what arrives in the order of a seed.
    func run(_ policy: PlacementPolicy, seed: UInt64) -> Outcome {
        var random = SplitMix64(seed: seed)
        let arrivals = workload(&random)
        var placer = placer(policy, &random)
        var shapeOf: [Int: Int] = [:]
        var curve = Curve(percents: Int(target * 100), capacity: trace.capacityMilli)
        var rejected = 0
        for pod in arrivals {
            let shape = shapeOf[pod] ?? placer.shape(of: trace.pods[pod])
            shapeOf[pod] = shape
            placer.arrived(shape)
            let place =
                policy == .random
                ? placer.place(shape, anywhere: &random) : placer.place(shape)
            if place == nil { rejected += 1 }
            curve.add(trace.pods[pod].allDeviceMilli, isPlaced: place != nil)
        }
        return Outcome(
            curve: curve.values, rejected: 100 * Double(rejected) / Double(max(1, arrivals.count)))
    }

    private func placer(_ policy: PlacementPolicy, _ random: inout SplitMix64) -> Placer {
        var placer = Placer(policy)
        var numbers = Array(trace.nodes.indices)
        if isShuffled { numbers.shuffle(using: &random) }
        for (number, node) in zip(numbers, trace.nodes) {
            placer.add(number, total: node.total, labels: [node.model])
        }
        if policy == .fgd { placer.assume(typicalPods) }
        return placer
    }

    /// FGD is told what is typical of the whole trace, without memory; ours learns from arrivals.
    private var typicalPods: [(count: Double, request: PlacementRequest)] {
        var counts: [PlacementRequest: Double] = [:]
        for pod in trace.pods {
            var request = pod
            request.resources.memoryBytes = 0
            request.anyLabel.sort()
            counts[request, default: 0] += 1
        }
        return counts.map { ($0.value, $0.key) }.sorted { Self.order($0) > Self.order($1) }
    }

    private static func order(
        _ counted: (count: Double, request: PlacementRequest)
    ) -> (Double, Int64, Int64, Int, String) {
        let resources = counted.request.resources
        return (
            counted.count, resources.milliCores, resources.deviceMilli, resources.devices,
            counted.request.anyLabel.joined(separator: "|")
        )
    }

    /// All pods in a random order, and then any of them again until the target is reached; if they
    /// are more than that, without as many as are too many.
    private func workload(_ random: inout SplitMix64) -> [Int] {
        var order = Array(trace.pods.indices)
        order.shuffle(using: &random)
        let limit = Int64(target * Double(trace.capacityMilli))
        var sum = trace.pods.reduce(0) { $0 + $1.allDeviceMilli }
        while sum > limit, !order.isEmpty {
            let gone = order.remove(at: Int(random.upTo(UInt64(order.count - 1))))
            sum -= trace.pods[gone].allDeviceMilli
        }
        guard order.count == trace.pods.count, sum > 0 else { return order }
        while true {
            let pod = Int(random.upTo(UInt64(trace.pods.count - 1)))
            sum += trace.pods[pod].allDeviceMilli
            guard sum <= limit else { return order }
            order.append(pod)
        }
    }

    /// What is allocated, by what has arrived.
    private struct Curve {
        private var sums: [Double]
        private var counts: [Double]
        private let capacity: Double
        private var arrived: Int64 = 0
        private var allocated: Int64 = 0

        init(percents: Int, capacity: Int64) {
            sums = Array(repeating: 0, count: percents + 1)
            counts = sums
            self.capacity = Double(max(1, capacity))
        }

        mutating func add(_ milli: Int64, isPlaced: Bool) {
            arrived += milli
            if isPlaced { allocated += milli }
            let percent = Int((100 * Double(arrived) / capacity).rounded(.toNearestOrEven))
            guard sums.indices.contains(percent) else { return }
            sums[percent] += 100 * Double(allocated) / capacity
            counts[percent] += 1
        }

        /// The mean at each percent; where nothing came, as before.
        var values: [Double] {
            var last = 0.0
            return zip(sums, counts).map { sum, count in
                if count > 0 { last = sum / count }
                return last
            }
        }
    }
}
