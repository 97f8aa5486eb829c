import FanfoldJSON
import PluginKit

/// Numbers of the members side by side: each metric with its mean, least, greatest and population
/// standard deviation over the members, and each member's own value under the member's name.
struct MemberMetrics {
    /// Metrics beyond this many are not kept.
    static let maximumMetrics = 64

    private var names: [String] = []
    private var values: [String: [(index: Int, member: String, value: Double)]] = [:]

    /// Adds a number of a member.
    mutating func add(_ metric: String, _ value: Double, member: String, index: Int) {
        if values[metric] == nil {
            guard names.count < Self.maximumMetrics else { return }
            names.append(metric)
        }
        values[metric, default: []].append((index, member, value))
    }

    /// Adds the numbers of a result that is one JSON object.
    mutating func add(result: JSON, member: String, index: Int) {
        for (key, value) in result.objectValue?.members ?? [] {
            if let number = value.doubleValue {
                add(key, number, member: member, index: index)
            }
        }
    }

    /// The metrics by name, in ascending order of the names.
    var report: JSON {
        .object(JSONObject(names.map { ($0, summary(values[$0] ?? [])) }).sorted())
    }

    private func summary(_ samples: [(index: Int, member: String, value: Double)]) -> JSON {
        let ordered = samples.sorted { $0.index < $1.index }
        let numbers = ordered.map(\.value)
        let count = Double(max(numbers.count, 1))
        let mean = numbers.reduce(0, +) / count
        let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        return .object(
            JSONObject([
                ("mean", .number(mean)), ("min", .number(numbers.min() ?? 0)),
                ("max", .number(numbers.max() ?? 0)), ("std", .number(variance.squareRoot())),
                ("members", .object(JSONObject(ordered.map { ($0.member, .number($0.value)) }))),
            ]))
    }
}
