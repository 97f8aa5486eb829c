import CPluginABI
import FanfoldJSON
import Logging

/// A plugin that can be used: in this process, where it stays until the process ends, or in helpers
/// that are started when an instance is made.
package final class LoadedPlugin: Sendable {
    /// What was known of the file before it was loaded.
    package let inspection: PluginRegistry.Inspection
    /// The file that was opened: a copy under its hash, or the original.
    package let library: String
    /// Where it comes from, as far as that could be proven.
    package let origin: PluginOrigin
    /// What it offers.
    package let components: [ComponentDescriptor]

    /// How helpers of it are started; `nil` for a plugin in this process.
    package let launch: HelperLaunch?

    // Unsafe only to the compiler: constant data of a library that is never unmapped.
    private nonisolated(unsafe) let inside: DescriptorReader.Contents?

    init(
        inspection: PluginRegistry.Inspection, library: String, origin: PluginOrigin,
        contents: DescriptorReader.Contents
    ) {
        self.inspection = inspection
        self.library = library
        self.origin = origin
        components = contents.components
        launch = nil
        inside = contents
    }

    /// A plugin that a helper has described.
    init(
        inspection: PluginRegistry.Inspection, origin: PluginOrigin,
        components: [ComponentDescriptor], launch: HelperLaunch
    ) {
        self.inspection = inspection
        self.origin = origin
        self.components = components
        self.launch = launch
        library = launch.library
        inside = nil
    }

    /// What the entry function returned.
    var table: fan_plugin {
        guard let inside else {
            preconditionFailure("the tables of a plugin in a helper are not in this process")
        }
        return inside.table
    }

    /// Makes an instance of a strategy, where the plugin lives.
    ///
    /// - Parameters:
    ///   - configuration: checked by the component's schema, defaults filled in.
    ///   - callNanoseconds: how long one call may take in a helper; inside, the lane watches.
    ///   - metrics: behind `fanfold.metrics/1`, the one service that a strategy has.
    package func makeStrategy(
        _ component: ComponentDescriptor, configuration: JSON, callNanoseconds: UInt64,
        metrics: (any MetricsService)? = nil, logger: Logger
    ) throws(PluginFailure) -> any StrategyCalls {
        guard let launch else {
            return try StrategyInstance(
                plugin: self, component: component, configuration: configuration, logger: logger,
                metrics: metrics)
        }
        return try IsolatedStrategy(
            launch, component: component.id, configuration: configuration,
            callNanoseconds: callNanoseconds, metrics: metrics)
    }

    /// Makes an instance of an executor or a provider, where the plugin lives.
    ///
    /// - Parameter configuration: checked by the component's schema, defaults filled in.
    package func makeCalls(
        _ component: ComponentDescriptor, configuration: JSON, services: PluginServices,
        logger: Logger
    ) throws(PluginFailure) -> any PluginCalls {
        guard let launch else {
            return try InsideCalls(
                plugin: self, component: component, configuration: configuration,
                services: services, logger: logger)
        }
        return try IsolatedCalls(
            launch, component: component.id, configuration: configuration, services: services)
    }

    /// The component with this id, or with `fanfold.` before it; without a name the only one.
    ///
    /// Throws: also if this host is too old for it.
    package func component(
        named name: String? = nil
    ) throws(PluginLoadError) -> ComponentDescriptor {
        let index = try index(of: name)
        let component = components[index]
        guard component.needsMinor <= HostABI.minor else {
            throw .tooNew(
                path: component.path, component: component.id, needsMinor: component.needsMinor)
        }
        if let service = component.needsServices.first(where: { !HostABI.services.contains($0) }) {
            throw .missingService(
                path: component.path, component: component.id, service: service)
        }
        return component
    }

    /// The plugin's own description of a component, which its `create` is given.
    func pointer(to component: ComponentDescriptor) -> UnsafePointer<fan_component>? {
        guard let index = components.firstIndex(where: { $0.id == component.id }) else {
            return nil
        }
        return inside?.pointers[index]
    }

    private func index(of name: String?) throws(PluginLoadError) -> Int {
        if let name {
            let full = "fanfold." + name
            if let index = components.firstIndex(where: { $0.id == name || $0.id == full }) {
                return index
            }
        } else if components.count == 1 {
            return 0
        }
        throw .noSuchComponent(
            path: inspection.path, wanted: name ?? "", available: components.map(\.id))
    }
}
