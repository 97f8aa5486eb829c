import FanfoldPrediction
import Glibc

/// A way to choose the memory of a task; one value for each task class.
protocol SizingMethod {
    /// Learns from a finished task.
    mutating func observe(_ task: SizingTask)
    /// The memory for a task, in bytes.
    func request(for task: SizingTask) -> Double
    /// The memory after `request` proved too small.
    func next(after request: Double, for task: SizingTask) -> Double
}

extension SizingMethod {
    func next(after request: Double, for task: SizingTask) -> Double { request * 2 }
}

/// Fanfold's own: the production predictor.
struct FanfoldSizing: SizingMethod {
    private var predictor = Predictor()

    mutating func observe(_ task: SizingTask) {
        predictor.observe(
            HistoryRow(
                taskClass: task.process, features: features(task),
                requested: Quantities(memory: task.request),
                used: Quantities(runtime: task.runtime / 1000, memory: task.peak)))
    }

    func request(for task: SizingTask) -> Double {
        predictor.predict(
            .memory, of: task.process, features(task), defaults: Quantities(memory: task.request)
        )?.value ?? task.request
    }

    func next(after request: Double, for task: SizingTask) -> Double {
        predictor.next(after: request, .memory, of: task.process, features(task)) ?? request * 2
    }

    private func features(_ task: SizingTask) -> Features {
        Features(numbers: [Features.inputBytes: task.inputBytes])
    }
}

/// What the workflow itself asks for.
struct PresetSizing: SizingMethod {
    mutating func observe(_ task: SizingTask) {}
    func request(for task: SizingTask) -> Double { task.request }
}

/// What the task will use: what a cold start alone costs.
struct OracleSizing: SizingMethod {
    mutating func observe(_ task: SizingTask) {}
    func request(for task: SizingTask) -> Double { task.peak }
}

/// The largest value seen.
struct LargestSizing: SizingMethod {
    private var largest = 0.0

    mutating func observe(_ task: SizingTask) { largest = max(largest, task.peak) }
    func request(for task: SizingTask) -> Double { largest }
}

/// The 95th percentile.
///
/// Source: C. Witt et al., "Feedback-based resource allocation for batch scheduling of scientific
/// workflows", 2019 (percentile).
struct PercentileSizing: SizingMethod {
    private var sorted: [Double] = []

    mutating func observe(_ task: SizingTask) {
        let place = sorted.firstIndex { $0 >= task.peak } ?? sorted.count
        sorted.insert(task.peak, at: place)
    }

    /// Between two ranks, as far as the percentile lies between them.
    func request(for task: SizingTask) -> Double {
        let rank = 0.95 * Double(sorted.count - 1)
        let low = Int(rank)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (rank - Double(low)) * (sorted[high] - sorted[low])
    }
}

/// A line through input and memory, made larger by the standard deviation of its relative errors.
///
/// Source: C. Witt et al., 2019 (linear regression with an offset).
struct LineSizing: SizingMethod {
    private var count = 0.0
    private var x = 0.0
    private var y = 0.0
    private var xx = 0.0
    private var xy = 0.0
    private var largest = 0.0
    private var errors: [Double] = []
    /// Rows of the history that it begins with: no errors are known of these.
    private let begin: Int

    init(begin: Int) { self.begin = begin }

    mutating func observe(_ task: SizingTask) {
        if Int(count) >= begin { errors.append((task.peak - line(task)) / task.peak) }
        count += 1
        x += task.inputBytes
        y += task.peak
        xx += task.inputBytes * task.inputBytes
        xy += task.inputBytes * task.peak
        largest = max(largest, task.peak)
    }

    func request(for task: SizingTask) -> Double {
        let expected = line(task)
        return expected + deviation * expected
    }

    func next(after request: Double, for task: SizingTask) -> Double {
        request <= 0 ? largest : request * 2
    }

    private func line(_ task: SizingTask) -> Double {
        let spread = count * xx - x * x
        let slope = spread > 1e-9 * max(count * xx, 1) ? (count * xy - x * y) / spread : 0
        return (y - slope * x) / count + slope * task.inputBytes
    }

    private var deviation: Double {
        guard !errors.isEmpty else { return 0 }
        let mean = errors.reduce(0, +) / Double(errors.count)
        let squares = errors.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return sqrt(squares / Double(errors.count))
    }
}
