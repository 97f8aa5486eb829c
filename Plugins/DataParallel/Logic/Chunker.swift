import PluginKit

/// Decides how many items the next subtask gets.
///
/// Adaptive weighted factoring: a round hands out half of what is left, each slot a share by the
/// measured speed of its worker, so that slow and fast workers end together and late subtasks are
/// small.  The first subtasks are small on purpose: they measure.
///
/// Source: Hummel, Schonberg, Flynn, "Factoring", 1992; Banicescu and Liu, "Adaptive factoring",
/// 2000; sizes as `c = ceil((R / 2) * v / sum v)`.
struct Chunker: Sendable {
    /// A probing subtask holds this share of what a slot would get in an even split.
    static let probeShare = 1.0 / 16
    /// So many probing subtasks a slot may be under way before the first result is in: one runs,
    /// one waits.
    static let probesPerSlot = 2
    /// Weight of the newest measurement in a worker's speed.
    static let newestWeight = 0.3
    /// What a subtask may cost beside its work, as a share of its work.
    static let overheadShare = 0.02
    /// What starting a subtask costs beside what is measured, in seconds.
    static let secondsPerStart = 0.002
    /// A subtask predicted to run longer is made smaller, in seconds: the work one can lose.
    static let longestSeconds = 60.0
    /// A subtask's input takes at most this share of a worker's memory.
    static let memoryShare = 1.0 / 8

    private(set) var slots: Int
    private var items: Int
    private var roundItems = 0
    private var roundChunks = 0
    private var memoryItems = Int.max
    private let bytesPerItem: Double

    /// Items per second of each worker that has given a result, in order of the first.
    private var speeds: [(worker: String, speed: Double)] = []
    private var places: [String: Int] = [:]
    /// Workers that became free and have been given nothing since, the earliest first.
    private var free: [String] = []
    private var line = LineFit()

    /// A chunker for an input of so many items and bytes.
    init(items: Int, bytes: Int, slots: Int, workers: [WorkerDescription]) {
        self.items = items
        self.slots = max(slots, 1)
        bytesPerItem = items > 0 ? Double(bytes) / Double(items) : 0
        adapt(slots: slots, workers: workers)
    }

    /// Whether a worker's speed is known.
    var hasMeasured: Bool { !speeds.isEmpty }

    /// Workers came or went.
    mutating func adapt(slots: Int, workers: [WorkerDescription]) {
        self.slots = max(slots, 1)
        guard bytesPerItem > 0, let least = workers.map(\.memoryBytes).min(), least > 0 else {
            return
        }
        let fits = Double(least) * Self.memoryShare / bytesPerItem
        memoryItems = fits < 1 ? 1 : fits < Double(Int.max / 2) ? Int(fits) : Int.max
    }

    /// Learns from a result.
    mutating func measured(items: Int, seconds: Double, worker: String) {
        guard items > 0 else { return }
        let speed = Double(items) / max(seconds, 1e-9)
        if let place = places[worker] {
            speeds[place].speed += Self.newestWeight * (speed - speeds[place].speed)
        } else {
            places[worker] = speeds.count
            speeds.append((worker, speed))
        }
        line.add(Double(items), max(seconds, 0))
        if free.count < 2 * slots { free.append(worker) }
    }

    /// The size of the next subtask when `remaining` items are left; at least 1.
    mutating func next(remaining: Int) -> Int {
        guard hasMeasured else {
            let even = Double(items) / Double(slots)
            return clamp(even * Self.probeShare, remaining)
        }
        if roundChunks == 0 {
            roundItems = remaining
            roundChunks = slots
        }
        roundChunks -= 1
        let mean = speeds.reduce(0) { $0 + $1.speed } / Double(speeds.count)
        var speed = mean
        if !free.isEmpty {
            let worker = free.removeFirst()
            if let place = places[worker] { speed = speeds[place].speed }
        }
        let share = Double(roundItems) / 2 * speed / (mean * Double(slots))
        return clamp(max(share, floor(remaining)), remaining)
    }

    /// The floor that keeps overhead small, but never so high that slots stay without work.
    private func floor(_ remaining: Int) -> Double {
        guard line.slope > 0 else { return 1 }
        let overhead = Self.secondsPerStart + line.intercept
        let least = (overhead / (Self.overheadShare * line.slope)).rounded(.up)
        return min(least, (Double(remaining) / Double(slots)).rounded(.up))
    }

    private func clamp(_ wanted: Double, _ remaining: Int) -> Int {
        var size = wanted.rounded(.up)
        if line.slope > 0 { size = min(size, max(1, Self.longestSeconds / line.slope)) }
        let whole = size < Double(remaining) ? Int(size) : remaining
        return max(1, min(whole, memoryItems, remaining))
    }
}

/// The line through measured (items, seconds): what a subtask costs whatever its size, and what
/// an item costs.
struct LineFit: Sendable {
    private var count = 0.0
    private var sumX = 0.0
    private var sumY = 0.0
    private var sumXX = 0.0
    private var sumXY = 0.0

    /// Adds a measurement.
    mutating func add(_ x: Double, _ y: Double) {
        count += 1
        sumX += x
        sumY += y
        sumXX += x * x
        sumXY += x * y
    }

    /// Seconds an item; with all sizes equal, the mean.
    var slope: Double {
        let spread = count * sumXX - sumX * sumX
        let mean = sumX > 0 ? sumY / sumX : 0
        guard count >= 2, spread > 1e-9 * count * sumXX else { return mean }
        let slope = (count * sumXY - sumX * sumY) / spread
        return slope > 0 ? min(slope, mean) : mean
    }

    /// Seconds whatever the size; not negative.
    var intercept: Double { count > 0 ? max(0, (sumY - slope * sumX) / count) : 0 }
}
