import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc
import Synchronization

/// The strategies of one shared library, as the constant tables that a host reads.
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

    /// Describes these strategies.
    ///
    /// Call it once, from a global `let`.
    public init(strategies: [any Strategy.Type]) {
        let components = UnsafeMutablePointer<UnsafePointer<fan_component>?>
            .allocate(capacity: strategies.count + 1)
        components.initialize(repeating: nil, count: strategies.count + 1)
        for (index, strategy) in strategies.enumerated() {
            components[index] = Self.component(strategy.component)
            makers.withLock { $0[strategy.component.id] = Self.maker(strategy) }
        }
        pointer = StrategyTables.constant(
            fan_plugin(
                struct_size: UInt32(MemoryLayout<fan_plugin>.size),
                built_minor: UInt32(FAN_ABI_MINOR),
                components: UnsafePointer(components),
                create: { create($0, $1, $2, $3, $4) },
                query: { _, id in StrategyTables.table(String(cString: id)) },
                destroy: { instance in
                    Unmanaged<AnyStrategyInstance>.fromOpaque(UnsafeRawPointer(instance))
                        .release()
                }))
    }

    private static func component(
        _ description: ComponentDescription
    ) -> UnsafePointer<fan_component> {
        StrategyTables.constant(
            fan_component(
                struct_size: UInt32(MemoryLayout<fan_component>.size),
                kind: UInt32(FAN_KIND_STRATEGY), flags: 0, needs_minor: 0,
                id: text(description.id), version: text(description.version),
                summary: text(description.summary), vendor: nil,
                license: text(description.license), url: nil,
                config_schema: text(description.configurationSchema), needs_services: nil))
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

    private static func maker<S: Strategy>(_ strategy: S.Type) -> Maker {
        { (config, host) throws(PluginError) in try makeInstance(S.self, config, host) }
    }
}

private typealias Maker =
    @Sendable (fan_view, HostHandle) throws(PluginError) -> AnyStrategyInstance

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
        let instance = try make(config, HostHandle(host))
        out.pointee = OpaquePointer(Unmanaged.passRetained(instance).toOpaque())
        return 0
    } catch {
        return error.fill(report)
    }
}
