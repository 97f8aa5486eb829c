import CPluginABI

/// A plugin in this process; it stays until the process ends.
package final class LoadedPlugin: Sendable {
    /// What was known of the file before it was loaded.
    package let inspection: PluginRegistry.Inspection
    /// The file that was opened: a copy under its hash, or the original.
    package let library: String
    /// What it offers.
    package let components: [ComponentDescriptor]

    // Unsafe only to the compiler: constant data of a library that is never unmapped.
    nonisolated(unsafe) let table: fan_plugin
    private nonisolated(unsafe) let pointers: [UnsafePointer<fan_component>]

    init(
        inspection: PluginRegistry.Inspection, library: String,
        contents: DescriptorReader.Contents
    ) {
        self.inspection = inspection
        self.library = library
        components = contents.components
        pointers = contents.pointers
        table = contents.table
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
        components.firstIndex { $0.id == component.id }.map { pointers[$0] }
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
