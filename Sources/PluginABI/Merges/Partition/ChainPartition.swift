import PluginKit

/// One layer of a profile.
public struct ChainLayer: Sendable, Hashable {
    /// The name, for people.
    public var name: String
    /// Time on a device of speed 1, in seconds.
    public var compute: Double
    /// What crosses a cut behind this layer, in bytes.
    public var activationBytes: Double
    /// What the layer needs of its device's memory, in bytes.
    public var parameterBytes: Double

    /// A layer.
    public init(
        name: String, compute: Double, activationBytes: Double = 0, parameterBytes: Double = 0
    ) {
        self.name = name
        self.compute = compute
        self.activationBytes = activationBytes
        self.parameterBytes = parameterBytes
    }
}

/// A device that can take a stage.
public struct ChainDevice: Sendable, Hashable {
    /// The name, for people.
    public var name: String
    /// How much faster than a device of speed 1 it computes.
    public var speed: Double
    /// Memory in bytes; infinity if it does not matter.
    public var memory: Double
    /// Link in bytes per second; infinity if it does not matter.
    public var link: Double

    /// A device.
    public init(
        name: String, speed: Double = 1, memory: Double = .infinity, link: Double = .infinity
    ) {
        self.name = name
        self.speed = speed
        self.memory = memory
        self.link = link
    }
}

/// A stage of a cut chain.
public struct ChainStage: Sendable, Hashable {
    /// The device, by its place in the list of devices.
    public var device: Int
    /// The layers.
    public var layers: Range<Int>
    /// Time to compute, in seconds.
    public var compute: Double
    /// Time to receive what the stage before gives, in seconds.
    public var receive: Double
    /// Time to send to the next stage, in seconds.
    public var send: Double
    /// Memory taken, in bytes.
    public var memory: Double

    /// The largest of compute, receive and send: transfers run beside the computing.
    public var period: Double { max(compute, receive, send) }
}

/// A chain of layers and the devices it is cut for.
public struct ChainPartition: Sendable {
    /// More steps than this are refused; a step takes about a nanosecond.
    public static let maximumSteps = 400_000_000

    /// The layers, in order.
    public let layers: [ChainLayer]
    /// The devices.
    public var devices: [ChainDevice]

    private let computeBefore: [Double]
    private let memoryBefore: [Double]

    /// A problem.
    public init(layers: [ChainLayer], devices: [ChainDevice]) {
        self.layers = layers
        self.devices = devices
        computeBefore = layers.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.compute) }
        memoryBefore = layers.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.parameterBytes) }
    }

    /// A stage of these layers on this device.
    public func stage(_ range: Range<Int>, on device: Int) -> ChainStage {
        let link = devices[device].link
        let receive = range.lowerBound > 0 ? layers[range.lowerBound - 1].activationBytes : 0
        let send =
            range.upperBound < layers.count ? layers[range.upperBound - 1].activationBytes : 0
        return ChainStage(
            device: device, layers: range,
            compute: (computeBefore[range.upperBound] - computeBefore[range.lowerBound])
                / devices[device].speed,
            receive: receive / link, send: send / link,
            memory: memoryBefore[range.upperBound] - memoryBefore[range.lowerBound])
    }

    /// The cut that splits layers by share of memory, in the order of the devices: what is often
    /// done, and what the exact cut is compared with.
    public func memoryShare() -> [ChainStage] {
        let total = devices.reduce(0) { $0 + $1.memory }
        guard total.isFinite, total > 0 else { return [] }
        var stages: [ChainStage] = []
        var used = 0.0
        var start = 0
        for (index, device) in devices.enumerated() {
            used += device.memory
            let end = Int((Double(layers.count) * used / total).rounded())
            if end > start { stages.append(stage(start..<end, on: index)) }
            start = max(start, end)
        }
        return stages
    }

    /// The stages with the least period; of equal ones, those on the fewest devices.
    ///
    /// Exact: dynamic programming over layers and the number of devices used of each kind, the
    /// order of devices being free unless `fixedOrder`.  A device may stay unused.
    ///
    /// Complexity: `kinds * product(count + 1) * layers^2`, less where a partial stage is already
    /// too slow or too large.
    ///
    /// Throws: `partition.memory` if the layers fit in no way, `partition.steps` if there are too
    /// many kinds of devices.
    public func solve(fixedOrder: Bool = false) throws(PluginError) -> [ChainStage] {
        guard !layers.isEmpty else { return [] }
        var search = ChainSearch(self, fixedOrder: fixedOrder)
        guard search.steps <= Self.maximumSteps else {
            throw PluginError(
                .range, reason: "partition.steps",
                "\(layers.count) layers on \(search.kinds.count) different kinds of devices take "
                    + "more than \(Self.maximumSteps) steps. Say order: fixed, or make devices "
                    + "alike.")
        }
        guard let stages = search.run() else { throw doesNotFit() }
        return stages
    }

    private func doesNotFit() -> PluginError {
        let largest = layers.map(\.parameterBytes).max() ?? 0
        let most = devices.map(\.memory).max() ?? 0
        let total = devices.reduce(0) { $0 + $1.memory }
        return PluginError(
            .exhausted, retry: .elsewhere, reason: "partition.memory",
            "No cut fits: the layers need \(gigabytes(memoryBefore[layers.count])) in all and "
                + "\(gigabytes(largest)) for the largest; the devices have "
                + "\(gigabytes(total)) in all and \(gigabytes(most)) on the largest. Add devices "
                + "or memory.")
    }
}

/// Bytes for people.
func gigabytes(_ bytes: Double) -> String {
    "\((bytes / 1e7).rounded() / 100) GB"
}

/// The tables of one search.
struct ChainSearch {
    /// Devices that are alike, by their places.
    private(set) var kinds: [[Int]] = []
    private let problem: ChainPartition
    private let strides: [Int]
    private let states: Int

    private var best: [Double]
    /// The kind of the last stage and its first layer, for each state and end; -1 for none.
    private var choice: [(kind: Int32, start: Int32)]

    /// Sorts the devices by kind; in a fixed order each device is a kind of its own, and a state
    /// is how many of them have been passed.
    init(_ problem: ChainPartition, fixedOrder: Bool) {
        self.problem = problem
        isFixed = fixedOrder
        for (index, device) in problem.devices.enumerated() {
            let alike = kinds.firstIndex { kind in
                let other = problem.devices[kind[0]]
                return other.speed == device.speed && other.memory == device.memory
                    && other.link == device.link
            }
            if let alike, !fixedOrder { kinds[alike].append(index) } else { kinds.append([index]) }
        }
        var strides: [Int] = []
        var states = 1
        if fixedOrder {
            strides = kinds.map { _ in 1 }
            states = kinds.count + 1
        } else {
            for kind in kinds {
                strides.append(states)
                states = min(states * (kind.count + 1), ChainPartition.maximumSteps)
            }
        }
        self.strides = strides
        self.states = states
        best = []
        choice = []
    }

    private let isFixed: Bool
    private var width: Int { problem.layers.count + 1 }

    /// An upper bound on the steps of `run`.
    var steps: Int {
        let layers = problem.layers.count
        let (product, overflow) = (layers * layers / 2 + 1).multipliedReportingOverflow(
            by: states * (isFixed ? 1 : max(kinds.count, 1)))
        return overflow ? Int.max : product
    }

    /// The best stages; `nil` if none fit.
    mutating func run() -> [ChainStage]? {
        best = Array(repeating: .infinity, count: states * width)
        choice = Array(repeating: (-1, -1), count: states * width)
        best[0] = 0
        for state in 1..<max(states, 1) {
            if isFixed {
                for end in 0..<width where best[(state - 1) * width + end] < .infinity {
                    best[state * width + end] = best[(state - 1) * width + end]
                    choice[state * width + end] = (-1, Int32(end))
                }
                extend(state, by: state - 1)
            } else {
                for kind in kinds.indices where count(of: kind, in: state) > 0 {
                    extend(state, by: kind)
                }
            }
        }
        return trace()
    }

    private func count(of kind: Int, in state: Int) -> Int {
        state / strides[kind] % (kinds[kind].count + 1)
    }

    /// Tries a last stage on a device of this kind.
    private mutating func extend(_ state: Int, by kind: Int) {
        let device = kinds[kind][0]
        let memory = problem.devices[device].memory
        let before = (state - strides[kind]) * width
        let row = state * width
        for end in 1..<width {
            for start in stride(from: end - 1, through: 0, by: -1) {
                let stage = problem.stage(start..<end, on: device)
                guard stage.memory <= memory, stage.compute < best[row + end] else { break }
                let period = max(best[before + start], stage.period)
                if period < best[row + end] {
                    best[row + end] = period
                    choice[row + end] = (Int32(kind), Int32(start))
                }
            }
        }
    }

    private func used(_ state: Int) -> Int {
        isFixed ? state : kinds.indices.reduce(0) { $0 + count(of: $1, in: state) }
    }

    private func trace() -> [ChainStage]? {
        let end = width - 1
        let finals = (0..<states).filter { best[$0 * width + end] < .infinity }
        guard
            var state = finals.min(by: { left, right in
                let (a, b) = (best[left * width + end], best[right * width + end])
                return a != b ? a < b : (used(left), left) < (used(right), right)
            })
        else { return nil }
        var taken = kinds.map { _ in 0 }
        var stages: [ChainStage] = []
        var layer = end
        while layer > 0 {
            let (kind, start) = choice[state * width + layer]
            guard kind >= 0 else {
                state -= 1
                continue
            }
            let device = kinds[Int(kind)][taken[Int(kind)]]
            taken[Int(kind)] += 1
            stages.append(problem.stage(Int(start)..<layer, on: device))
            state -= strides[Int(kind)]
            layer = Int(start)
        }
        return stages.reversed()
    }
}
