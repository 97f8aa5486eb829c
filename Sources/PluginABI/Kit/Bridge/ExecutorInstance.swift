import CPluginABI
import Synchronization

/// What `fan_instance *` of an executor points to.
///
/// Calls may overlap if the component says so; the table of modules is behind a lock.
class AnyExecutorInstance: AnyInstance {
    override func table(_ id: String) -> UnsafeRawPointer? {
        id == "fanfold.executor/1" ? UnsafeRawPointer(ExecutorTable.executor) : nil
    }

    func load(_ request: LoadRequest, _ call: OpenCall) throws(PluginError) {}
    func run(_ module: UInt64, _ request: RunRequest, _ call: OpenCall) throws(PluginError)
        -> RunOutput
    { RunOutput([]) }
    func unload(_ module: UInt64) {}
}

/// An instance of the executor `E` with the modules that it has loaded.
final class ExecutorInstance<E: Executor>: AnyExecutorInstance {
    /// A module that runs keeps its box, so that an `unload` meanwhile takes nothing from it.
    ///
    /// A module that is not Sendable is only touched by calls that do not overlap: hence
    /// `@unchecked Sendable`.
    private final class Box: @unchecked Sendable {
        let module: E.Module
        init(_ module: E.Module) { self.module = module }
    }

    private let executor: E
    private let modules = Mutex<[UInt64: Box]>([:])

    init(executor: E, host: HostHandle) {
        self.executor = executor
        super.init(host: host)
    }

    override func load(_ request: LoadRequest, _ call: OpenCall) throws(PluginError) {
        guard modules.withLock({ $0[request.module] }) == nil else {
            throw PluginError(
                .exists, reason: "module",
                "the module \(request.module) is loaded already; unload it first")
        }
        let box = Box(try executor.load(request, ExecutorCall(call: call)))
        modules.withLock { $0[request.module] = box }
    }

    override func run(
        _ module: UInt64, _ request: RunRequest, _ call: OpenCall
    ) throws(PluginError) -> RunOutput {
        guard let box = modules.withLock({ $0[module] }) else {
            throw PluginError(
                .notFound, reason: "module", "no module \(module) is loaded in this instance")
        }
        return try executor.run(request, in: box.module, ExecutorCall(call: call))
    }

    override func unload(_ module: UInt64) {
        guard let box = modules.withLock({ $0.removeValue(forKey: module) }) else { return }
        executor.unload(box.module)
    }

    deinit {
        for box in modules.withLock({ Array($0.values) }) { executor.unload(box.module) }
    }
}
