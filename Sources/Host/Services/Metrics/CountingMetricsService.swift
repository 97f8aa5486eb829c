import FanfoldJSON
import FanfoldPlugins

/// `fanfold.metrics/1`: counts in a registry, under the name of one component.
package struct CountingMetricsService: MetricsService {
    private let component: String
    private let registry: MetricsRegistry

    /// The figures of one component in a registry of all.
    package init(component: String, registry: MetricsRegistry) {
        self.component = component
        self.registry = registry
    }

    /// Adds to a counter.
    package func add(_ value: Double, to name: String, labels: JSON) {
        registry.add(value, to: name, labels: labels, of: component)
    }

    /// Takes a sample.
    package func observe(_ value: Double, of name: String, labels: JSON) {
        registry.observe(value, of: name, labels: labels, of: component)
    }
}
