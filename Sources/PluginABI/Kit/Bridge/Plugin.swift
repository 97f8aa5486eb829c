import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Synchronization

/// The components of one shared library, as the constant tables that a host reads.
///
/// An entry is only this:
///
///     import CPluginABI
///     import PluginKit
///
///     private let plugin = Plugin(strategies: [Rows.self])
///
///     @c @implementation
///     public func fanfold_plugin_v1() -> UnsafePointer<fan_plugin> { plugin.pointer }
///
/// The memory behind `pointer` is written before it is published and never again: hence
/// `@unchecked Sendable`.
public struct Plugin: @unchecked Sendable {
    /// What `fanfold_plugin_v1` returns: the same address in every call, valid for ever.
    public let pointer: UnsafePointer<fan_plugin>

    /// Describes these components.
    ///
    /// Call it once, from a global `let`.
    public init(
        strategies: [any Strategy.Type] = [], executors: [any Executor.Type] = [],
        providers: [any Provider.Type] = [], policies: [any Policy.Type] = []
    ) {
        let entries =
            strategies.map { Self.entry($0) } + executors.map { Self.entry($0) }
            + providers.map { Self.entry($0) } + policies.map { Self.entry($0) }
        let components = UnsafeMutablePointer<UnsafePointer<fan_component>?>
            .allocate(capacity: entries.count + 1)
        components.initialize(repeating: nil, count: entries.count + 1)
        for (index, entry) in entries.enumerated() {
            components[index] = entry.component
            makers.withLock { $0[entry.id] = entry.make }
        }
        pointer = constant(
            fan_plugin(
                struct_size: UInt32(MemoryLayout<fan_plugin>.size),
                built_minor: UInt32(FAN_ABI_MINOR),
                components: UnsafePointer(components),
                create: { create($0, $1, $2, $3, $4) },
                query: { instance, id in
                    Unmanaged<AnyInstance>.fromOpaque(UnsafeRawPointer(instance))
                        .takeUnretainedValue().table(String(cString: id))
                },
                destroy: { instance in
                    Unmanaged<AnyInstance>.fromOpaque(UnsafeRawPointer(instance)).release()
                }))
    }

    private struct Entry {
        var id: String
        var component: UnsafePointer<fan_component>
        var make: Maker
    }

    private static func entry<S: Strategy>(_ strategy: S.Type) -> Entry {
        entry(S.component, FAN_KIND_STRATEGY) { (config, host) throws(PluginError) in
            try makeInstance(S.self, config, host)
        }
    }

    private static func entry<E: Executor>(_ executor: E.Type) -> Entry {
        let flags = executor is any ConcurrentExecutor.Type ? UInt32(FAN_CONCURRENT) : 0
        return entry(E.component, FAN_KIND_EXECUTOR, flags) { (config, host) throws(PluginError) in
            let configuration = try config.decode(E.Configuration.self, "config")
            return ExecutorInstance(
                executor: try E(configuration: configuration, host: host), host: host)
        }
    }

    private static func entry<P: Provider>(_ provider: P.Type) -> Entry {
        entry(P.component, FAN_KIND_PROVIDER) { (config, host) throws(PluginError) in
            let configuration = try config.decode(P.Configuration.self, "config")
            return ProviderInstance(
                provider: try P(configuration: configuration, host: host), host: host)
        }
    }

    private static func entry<P: Policy>(_ policy: P.Type) -> Entry {
        entry(P.component, FAN_KIND_POLICY) { (config, host) throws(PluginError) in
            let configuration = try config.decode(P.Configuration.self, "config")
            return PolicyInstance(
                policy: try P(configuration: configuration, host: host), host: host)
        }
    }

    private static func entry(
        _ description: ComponentDescription, _ kind: Int, _ flags: UInt32 = 0,
        _ make: @escaping Maker
    ) -> Entry {
        Entry(
            id: description.id, component: component(description, UInt32(kind), flags),
            make: make)
    }

    private static func component(
        _ description: ComponentDescription, _ kind: UInt32, _ flags: UInt32
    ) -> UnsafePointer<fan_component> {
        constant(
            fan_component(
                struct_size: UInt32(MemoryLayout<fan_component>.size),
                kind: kind, flags: flags, needs_minor: 0,
                id: text(description.id), version: text(description.version),
                summary: text(description.summary), vendor: nil,
                license: text(description.license), url: nil,
                config_schema: text(description.configurationSchema),
                needs_services: list(description.services)))
    }

    /// A list that ends with NULL; NULL for none.
    private static func list(
        _ texts: [String]
    ) -> UnsafePointer<UnsafePointer<CChar>?>? {
        guard !texts.isEmpty else { return nil }
        let list = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: texts.count + 1)
        list.initialize(repeating: nil, count: texts.count + 1)
        for (index, text) in texts.enumerated() { list[index] = self.text(text) }
        return UnsafePointer(list)
    }

    /// A zero-terminated copy that lives as long as the process, as constant data does.
    private static func text(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8.filter { $0 != 0 } + [0]
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() {
            (memory + index).initialize(to: CChar(bitPattern: byte))
        }
        return UnsafePointer(memory)
    }
}

private typealias Maker = @Sendable (fan_view, HostHandle) throws(PluginError) -> AnyInstance

/// How to make an instance of a component, by id.
///
/// A C function carries no context, so `create` looks here; written while the plugin is
/// described, only read from then on.
private let makers = Mutex<[String: Maker]>([:])

private func create(
    _ component: UnsafePointer<fan_component>, _ host: UnsafePointer<fan_host>,
    _ config: fan_view, _ out: UnsafeMutablePointer<OpaquePointer?>,
    _ report: UnsafeMutablePointer<fan_error>?
) -> fan_code {
    do throws(PluginError) {
        let id = String(cString: component.pointee.id)
        guard let make = makers.withLock({ $0[id] }) else {
            let known = makers.withLock { $0.keys.sorted() }.joined(separator: ", ")
            throw PluginError(
                .notFound, reason: "component", "no component \"\(id)\" here; there is \(known)")
        }
        try HostTable.require(host, MemoryLayout<fan_host>.size, "fan_host")
        let instance = try make(config, HostHandle(host))
        out.pointee = OpaquePointer(Unmanaged.passRetained(instance).toOpaque())
        return 0
    } catch {
        return error.fill(report)
    }
}
