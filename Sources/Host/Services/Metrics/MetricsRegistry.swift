import FanfoldJSON
import Synchronization

/// The figures of all components, kept in memory.
///
/// A name is a counter or a histogram, whoever used it first; what is past a limit is dropped and
/// counted.
package final class MetricsRegistry: Sendable {
    /// Bytes of a name.
    package static let nameBytes = 128
    /// Labels of one figure.
    package static let labels = 8
    /// Bytes of a label's value.
    package static let labelBytes = 128
    /// Figures of one component: a name with one set of labels.
    package static let seriesOfComponent = 1_000
    /// The upper ends of the buckets of every histogram; the last bucket has none.
    package static let bounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800,
    ]
    /// Counts what was dropped, by component.
    package static let droppedName = "fanfold_plugin_metrics_dropped_total"

    /// One figure.
    package struct Sample: Sendable, Hashable {
        /// What it is called.
        package var name: String
        /// In ascending order of their names, `component` among them.
        package var labels: [MetricLabel]
        /// What it counted.
        package var value: Value
    }

    /// What a figure counted.
    package enum Value: Sendable, Hashable {
        /// A sum that only grows.
        case counter(Double)
        /// How many samples are in each bucket (not added up), with their sum.
        case histogram(buckets: [UInt64], sum: Double)
    }

    private enum Kind { case counter, histogram }

    private struct Series: Hashable {
        var name: String
        var labels: [MetricLabel]
    }

    private struct State {
        var kinds: [String: Kind] = [:]
        var values: [Series: Value] = [:]
        var counts: [String: Int] = [:]
        var dropped: [String: UInt64] = [:]
    }

    private let state = Mutex(State())

    /// A registry without figures.
    package init() {}

    /// Adds to a counter; less than nothing is dropped.
    func add(_ value: Double, to name: String, labels: JSON, of component: String) {
        record(name, labels, component, .counter, isValid: value.isFinite && value >= 0) { old in
            guard case .counter(let sum) = old else { return .counter(value) }
            return .counter(sum + value)
        }
    }

    /// Takes a sample.
    func observe(_ value: Double, of name: String, labels: JSON, of component: String) {
        record(name, labels, component, .histogram, isValid: value.isFinite) { old in
            var buckets = [UInt64](repeating: 0, count: Self.bounds.count + 1)
            var sum = 0.0
            if case .histogram(let counted, let total) = old { (buckets, sum) = (counted, total) }
            buckets[Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count] += 1
            return .histogram(buckets: buckets, sum: sum + value)
        }
    }

    /// All figures, in order of name and labels.
    package func snapshot() -> [Sample] {
        let (values, dropped) = state.withLock { ($0.values, $0.dropped) }
        var samples = values.map {
            Sample(name: $0.key.name, labels: $0.key.labels, value: $0.value)
        }
        samples += dropped.map { component, count in
            Sample(
                name: Self.droppedName,
                labels: [MetricLabel(name: "component", value: component)],
                value: .counter(Double(count)))
        }
        return samples.sorted { left, right in
            left.name == right.name
                ? left.labels.lexicographicallyPrecedes(right.labels) : left.name < right.name
        }
    }

    private func record(
        _ name: String, _ json: JSON, _ component: String, _ kind: Kind, isValid: Bool,
        _ change: (Value?) -> Value
    ) {
        let labels = isValid && Self.isName(name) ? Self.labels(json, component) : nil
        state.withLock { state in
            guard let labels, state.kinds[name] ?? kind == kind else {
                return state.dropped[component, default: 0] += 1
            }
            let series = Series(name: name, labels: labels)
            let old = state.values[series]
            if old == nil {
                guard state.counts[component, default: 0] < Self.seriesOfComponent else {
                    return state.dropped[component, default: 0] += 1
                }
                state.counts[component, default: 0] += 1
                state.kinds[name] = kind
            }
            state.values[series] = change(old)
        }
    }

    private static func labels(_ json: JSON, _ component: String) -> [MetricLabel]? {
        var labels = [MetricLabel(name: "component", value: component)]
        if json != .null {
            guard let object = json.objectValue, object.count <= Self.labels else { return nil }
            for (name, value) in object.members {
                guard isName(name), !name.contains(":"), !name.hasPrefix("__"),
                    !["component", "le"].contains(name), let text = text(value),
                    text.utf8.count <= labelBytes
                else { return nil }
                labels.append(MetricLabel(name: name, value: text))
            }
        }
        return labels.sorted()
    }

    private static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .integer, .number, .bool: value.text
        default: nil
        }
    }

    /// Whether it may be a metric's name.
    ///
    /// Source: Prometheus, data model.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first),
            name.utf8.count <= nameBytes, name != droppedName
        else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: ":"): true
            default: false
            }
        }
    }
}

/// A word that tells figures of one name apart.
package struct MetricLabel: Sendable, Hashable, Comparable {
    /// What it says something about.
    package var name: String
    /// What it says.
    package var value: String

    /// By name, then by value.
    package static func < (left: MetricLabel, right: MetricLabel) -> Bool {
        (left.name, left.value) < (right.name, right.value)
    }
}
