import FanfoldJSON
import PluginKit

/// How one metric becomes one number.
enum Reducer: Hashable, Sendable {
    case sum, min, max, mean, average, median, count, first, last, list
    /// The least value that at least `share` of the values do not exceed (nearest rank).
    case percentile(share: Double)

    static let wanted =
        "sum, min, max, mean, average, median, count, first, last, list or a percentile as p95"

    /// `nil` if there is no such reducer.
    init?(_ name: String) {
        switch name {
        case "sum": self = .sum
        case "min": self = .min
        case "max": self = .max
        case "mean": self = .mean
        case "average": self = .average
        case "median": self = .median
        case "count": self = .count
        case "first": self = .first
        case "last": self = .last
        case "list": self = .list
        default:
            guard name.hasPrefix("p"), let percent = Double(name.dropFirst()), percent > 0,
                percent <= 100
            else { return nil }
            self = .percentile(share: percent / 100)
        }
    }

    /// The reduced value; `nil` if it is no number that can be written.
    func reduce(_ samples: [(figure: Figure, weight: Double)]) -> JSON? {
        func leaf<L: Leaf>(_ type: L.Type, weighted: Bool = false) -> JSON? {
            var leaf = L()
            for sample in samples { leaf.add(sample.figure, weight: weighted ? sample.weight : 1) }
            return leaf.result
        }
        switch self {
        case .sum: return leaf(SumLeaf.self)
        case .min: return leaf(MinLeaf.self)
        case .max: return leaf(MaxLeaf.self)
        case .mean: return leaf(MeanLeaf.self, weighted: true)
        case .average: return leaf(MeanLeaf.self)
        case .median: return leaf(MedianLeaf.self)
        case .count: return .integer(Int64(samples.count))
        case .first: return samples.first?.figure.json ?? .null
        case .last: return samples.last?.figure.json ?? .null
        case .list: return .array(samples.map(\.figure.json))
        case .percentile(let share):
            let sorted = samples.map(\.figure).sorted { $0.precedes($1) }
            guard !sorted.isEmpty else { return .null }
            let rank = (share * Double(sorted.count) - 1e-9).rounded(.up)
            return sorted[Swift.min(Swift.max(Int(rank), 1), sorted.count) - 1].json
        }
    }
}

/// Folds the members of objects, each by its own reducers.
///
/// A metric is a number or a list of samples.  One without a stated reducer is kept as the list
/// of its values, so that none overwrites another.
final class MetricsFolder: Folder {
    private let reducers: JSONObject
    private var names: [String: Int] = [:]
    private var samples: [(name: String, values: [(figure: Figure, weight: Double)])] = []

    /// Parameter reducers: Metric to reducer or list of reducers.
    init(_ reducers: JSONObject) {
        self.reducers = reducers
    }

    func fold(_ piece: Piece) throws(PluginError) {
        let values = try piece.values(.each)
        let weight = piece.weight / Double(max(values.count, 1))
        for value in values {
            guard let object = value.objectValue else {
                throw piece.mistake("metrics wants an object, found \(value.text.prefix(60)).")
            }
            for (name, metric) in object.members {
                for sample in metric.arrayValue ?? [metric] {
                    guard let figure = sample.figure, figure.double.isFinite else {
                        throw piece.mistake(
                            "the metric \(name) must be a number, found "
                                + "\(sample.text.prefix(60)).")
                    }
                    keep(name, figure, weight)
                }
            }
        }
    }

    func finish() throws(PluginError) -> Output {
        var result: [(String, JSON)] = []
        for (name, values) in samples {
            let stated = reducers[name] ?? .string("list")
            guard let list = stated.arrayValue else {
                result.append((name, try reduce(name, values, stated)))
                continue
            }
            var several = JSONObject()
            for reducer in list {
                several[reducer.stringValue ?? ""] = try reduce(name, values, reducer)
            }
            result.append((name, .object(several)))
        }
        return Output(.object(JSONObject(result).sorted()))
    }

    private func keep(_ name: String, _ figure: Figure, _ weight: Double) {
        let place = names[name] ?? samples.count
        if place == samples.count {
            names[name] = place
            samples.append((name, []))
        }
        samples[place].values.append((figure, weight))
    }

    private func reduce(
        _ name: String, _ values: [(figure: Figure, weight: Double)], _ reducer: JSON
    ) throws(PluginError) -> JSON {
        guard let value = reducer.stringValue.flatMap(Reducer.init)?.reduce(values) else {
            throw PluginError(
                .range, reason: "merge.range",
                "The metric \(name) reduced by \(reducer.text) is beyond what a number can hold.")
        }
        return value
    }
}
