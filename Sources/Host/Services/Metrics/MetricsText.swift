extension MetricsRegistry {
    /// All figures as Prometheus reads them.
    ///
    /// Source: Prometheus, text-based exposition format 0.0.4.
    package func prometheusText() -> String {
        var text = ""
        var name = ""
        for sample in snapshot() {
            if sample.name != name {
                name = sample.name
                text += "# TYPE \(name) \(sample.value.kindWord)\n"
            }
            switch sample.value {
            case .counter(let value):
                text += Self.line(name, sample.labels, value)
            case .histogram(let buckets, let sum):
                var count: UInt64 = 0
                for (index, bucket) in buckets.enumerated() {
                    count += bucket
                    let end = Self.bounds.indices.contains(index) ? "\(Self.bounds[index])" : "+Inf"
                    let label = MetricLabel(name: "le", value: end)
                    text += Self.line(name + "_bucket", sample.labels + [label], Double(count))
                }
                text += Self.line(name + "_sum", sample.labels, sum)
                text += Self.line(name + "_count", sample.labels, Double(count))
            }
        }
        return text
    }

    private static func line(_ name: String, _ labels: [MetricLabel], _ value: Double) -> String {
        let list = labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
        let whole = Int64(exactly: value).map(String.init) ?? "\(value)"
        return "\(name){\(list)} \(whole)\n"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            .replacing("\n", with: "\\n")
    }
}

extension MetricsRegistry.Value {
    fileprivate var kindWord: String {
        switch self {
        case .counter: "counter"
        case .histogram: "histogram"
        }
    }
}
