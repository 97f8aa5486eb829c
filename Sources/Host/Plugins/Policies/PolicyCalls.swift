import CPluginABI
import FanfoldJSON
import Logging

/// The calls of `fanfold.policy/1` that a coordinator makes, wherever the instance lives.
///
/// Called on the instance's lane, one call at a time.
package protocol PolicyCalls: AnyObject, Sendable {
    /// Shows requests and workers to the policy.
    ///
    /// - Parameter snapshot: JSON, as the header of the contract has it.
    /// - Returns: its one output, which nobody has looked at; empty if it put none.
    func place(snapshot: [UInt8]) throws(PluginFailure) -> [UInt8]
    /// Tells the policy how attempts ended.
    ///
    /// - Parameter outcomes: JSON, as the header of the contract has it.
    func observe(outcomes: [UInt8]) throws(PluginFailure)
    /// Ends the instance; nothing may be called afterwards.
    func destroy()
}

/// Limits of policies that are plugins.
package enum PolicyLimits {
    /// How long an answer may take before the helper is ended, in nanoseconds: a late answer costs
    /// nobody anything, a hanging helper does not go away by itself.
    package static let hangNanoseconds: UInt64 = 2_000_000_000
    /// Misses in a row after which a plugin is set aside.
    package static let missesInARow = 3
    /// How long attempts that ended wait for others before a plugin is told of them, in nanoseconds,
    /// unless enough for one call are there before.
    package static let gatherNanoseconds: UInt64 = 100_000_000
    /// The pause after a miss, in nanoseconds.
    package static let restNanoseconds: UInt64 = 200_000_000
}

/// An instance of a policy in this process.
final class PolicyInstance: PolicyCalls, @unchecked Sendable {
    // Unchecked: the lane that owns it makes all calls one after another.

    private let plugin: LoadedPlugin
    private let host: HostTable
    private let sinks: SinkBridge
    private let instance: OpaquePointer
    private let policy: fan_policy
    private var isDestroyed = false

    /// Makes an instance, and asks it for its interface.
    ///
    /// - Parameter configuration: checked by the component's schema, defaults filled in.
    init(
        plugin: LoadedPlugin, component: ComponentDescriptor, configuration: JSON,
        hostName: String = "fanfold", hostVersion: String = HelperSettings.hostVersion,
        logger: Logger
    ) throws(PluginFailure) {
        var logger = logger
        logger[metadataKey: "component"] = "\(component.id)"
        let host = HostTable(
            name: hostName, version: hostVersion, logger: logger, now: HostTable.monotonicNow)
        let instance = try PluginInstance.create(plugin, component, configuration, host)
        do throws(PluginFailure) {
            policy = try PluginInstance.table(
                "fanfold.policy/1", "fan_policy", plugin, instance,
                size: MemoryLayout<fan_policy>.size,
                required: [
                    ("predict", MemoryLayout<fan_policy>.offset(of: \.predict)),
                    ("observe", MemoryLayout<fan_policy>.offset(of: \.observe)),
                    ("place", MemoryLayout<fan_policy>.offset(of: \.place)),
                ]
            ).loadUnaligned(as: fan_policy.self)
        } catch let failure {
            plugin.table.destroy(instance)
            throw failure
        }
        self.plugin = plugin
        self.host = host
        self.instance = instance
        sinks = SinkBridge(logger: logger)
    }

    deinit {
        // An instance on a lane that hangs is left alone for ever, and may still use its table.
        if !isDestroyed { _ = Unmanaged.passRetained(host) }
    }

    func place(snapshot: [UInt8]) throws(PluginFailure) -> [UInt8] {
        let sink = OutputSink()
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        let code = snapshot.withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            return policy.place(instance, view, sinks.open(sink), &error)
        }
        sinks.close(sink)
        guard code == FAN_OK else { throw PluginFailure(code: code, error: &error) }
        return sink.output
    }

    func observe(outcomes: [UInt8]) {
        outcomes.withUnsafeBytes { bytes in
            policy.observe(
                instance, fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)))
        }
    }

    func destroy() {
        guard !isDestroyed else { return }
        plugin.table.destroy(instance)
        isDestroyed = true
    }
}

/// Takes one document; a second one, and everything that is not one, is refused.
private final class OutputSink: HostSink {
    private(set) var output: [UInt8] = []

    func subtask(
        id: UInt64, spec: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code { fan_code(FAN_UNIMPLEMENTED) }

    func withdraw(_ id: UInt64) -> fan_code { fan_code(FAN_UNIMPLEMENTED) }

    func output(
        json: UnsafeRawBufferPointer, parts: UnsafeMutableBufferPointer<fan_blob>
    ) -> fan_code {
        guard output.isEmpty, parts.isEmpty else { return fan_code(FAN_RANGE) }
        output = Array(json)
        return fan_code(FAN_OK)
    }
}

extension LoadedPlugin {
    /// Makes an instance of a policy, where the plugin lives.
    ///
    /// - Parameters:
    ///   - configuration: checked by the component's schema, defaults filled in.
    ///   - callNanoseconds: how long one call may take in a helper; inside nobody can end it.
    package func makePolicy(
        _ component: ComponentDescriptor, configuration: JSON,
        callNanoseconds: UInt64 = PolicyLimits.hangNanoseconds, logger: Logger
    ) throws(PluginFailure) -> any PolicyCalls {
        guard let launch else {
            return try PolicyInstance(
                plugin: self, component: component, configuration: configuration, logger: logger)
        }
        return try IsolatedPolicy(
            launch, component: component.id, configuration: configuration,
            callNanoseconds: callNanoseconds)
    }
}
