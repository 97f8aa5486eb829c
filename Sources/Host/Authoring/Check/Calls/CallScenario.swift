import CPluginABI
import FanfoldJSON

/// One asynchronous call in a fresh world, ready to be made.
struct CallScenario {
    var name: String
    /// Makes the world, the cloud and an instance on which `start` can be called.
    var prepare: () throws -> PreparedCall

    /// The calls of all providers and executors of a plugin.
    static func all(_ context: CheckContext) throws -> [CallScenario] {
        var scenarios: [CallScenario] = []
        for component in try context.loaded().components {
            guard let configuration = try component.configurations().first else { continue }
            switch component.descriptor.kind {
            case .provider:
                scenarios += ProviderDriver.Call.allCases.map {
                    provider(context, component, configuration, $0)
                }
            case .executor:
                scenarios += try ExecutorRig.scenarios(context, component, configuration)
            default: continue
            }
        }
        guard !scenarios.isEmpty else {
            throw CheckStop.skipped("it has neither a provider nor an executor")
        }
        return scenarios
    }

    private static func provider(
        _ context: CheckContext, _ component: CheckedComponent, _ configuration: JSON,
        _ call: ProviderDriver.Call
    ) -> CallScenario {
        CallScenario(name: call.rawValue) {
            let rig = ProviderRig(context, component, configuration)
            let provider = try rig.provider()
            let offering = "here-a/small/on-demand"
            let document: JSON =
                switch call {
                case .check, .offerings: [:]
                case .launch:
                    ProviderDriver.request(rig.token(1), offerings: [offering], max: 2)
                case .describe: ["owner": "check-1"]
                case .terminate: ["ids": ["w-000001"]]
                }
            return PreparedCall(world: rig.world, cloud: rig.cloud, calls: provider.calls) {
                provider.begin(call, document, deadline: $0)
            }
        }
    }
}

/// A call that has not been made yet.
struct PreparedCall {
    var world: CallWorld
    var cloud: FakeCloud
    var calls: CallDriver
    /// Makes the call with a deadline, 0 for none.
    var start: (UInt64) -> CallRecord
}
