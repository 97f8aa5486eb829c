import CPluginABI
import FanfoldJSON

/// What `fan_instance *` of a provider points to.
class AnyProviderInstance: AnyInstance {
    override func table(_ id: String) -> UnsafeRawPointer? {
        id == "fanfold.provider/1" ? UnsafeRawPointer(ProviderTable.provider) : nil
    }

    func check(_ call: OpenCall) throws(PluginError) {}
    func offerings(_ query: JSON, _ call: OpenCall) throws(PluginError) {}
    func launch(_ request: LaunchRequest, _ call: OpenCall) throws(PluginError) {}
    func describe(_ query: WorkerQuery, _ call: OpenCall) throws(PluginError) {}
    func terminate(_ ids: [String], _ call: OpenCall) throws(PluginError) {}
}

/// An instance of the provider `P`.
final class ProviderInstance<P: Provider>: AnyProviderInstance {
    private let provider: P

    init(provider: P, host: HostHandle) {
        self.provider = provider
        super.init(host: host)
    }

    override func check(_ call: OpenCall) throws(PluginError) {
        try provider.check(ProviderCall(call))
    }

    override func offerings(_ query: JSON, _ call: OpenCall) throws(PluginError) {
        try provider.offerings(query, ProviderCall(call))
    }

    override func launch(_ request: LaunchRequest, _ call: OpenCall) throws(PluginError) {
        try provider.launch(request, ProviderCall(call))
    }

    override func describe(_ query: WorkerQuery, _ call: OpenCall) throws(PluginError) {
        try provider.describe(query, ProviderCall(call))
    }

    override func terminate(_ ids: [String], _ call: OpenCall) throws(PluginError) {
        try provider.terminate(ids, ProviderCall(call))
    }
}

/// The table of `fanfold.provider/1`: the same for every provider written in Swift.
enum ProviderTable {
    /// Written once by its initialiser and only read from then on.
    nonisolated(unsafe) static let provider = constant(
        fan_provider(
            struct_size: UInt32(MemoryLayout<fan_provider>.size), reserved: 0,
            check: { instance, call in
                answer(instance, call) { (instance, call) throws(PluginError) in
                    try instance.check(call)
                }
            },
            offerings: { instance, call, query in
                answer(instance, call) { (instance, call) throws(PluginError) in
                    try instance.offerings(query.decode(JSON.self, "query"), call)
                }
            },
            launch: { instance, call, request in
                answer(instance, call) { (instance, call) throws(PluginError) in
                    try instance.launch(request.decode(LaunchRequest.self, "request"), call)
                }
            },
            describe: { instance, call, query in
                answer(instance, call) { (instance, call) throws(PluginError) in
                    try instance.describe(query.decode(WorkerQuery.self, "query"), call)
                }
            },
            terminate: { instance, call, request in
                answer(instance, call) { (instance, call) throws(PluginError) in
                    try instance.terminate(
                        request.decode(TerminateRequest.self, "request").ids, call)
                }
            }))

    /// Every call passes here: what is thrown is its answer, and what is dropped answers itself.
    private static func answer(
        _ instance: OpaquePointer, _ call: UnsafePointer<fan_call>,
        _ body: (AnyProviderInstance, OpenCall) throws(PluginError) -> Void
    ) {
        let instance = Unmanaged<AnyProviderInstance>.fromOpaque(UnsafeRawPointer(instance))
            .takeUnretainedValue()
        let call = OpenCall(call, of: instance.host)
        do throws(PluginError) {
            try body(instance, call)
        } catch {
            call.fail(error)
        }
    }
}
