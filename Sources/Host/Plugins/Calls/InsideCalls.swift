import CPluginABI
import FanfoldJSON
import Logging

/// An instance of an executor or a provider in this process, on a lane of its own.
package final class InsideCalls: PluginCalls, @unchecked Sendable {
    // Unchecked: constant once made; the book and the lane guard themselves.

    private enum Table {
        case executor(fan_executor)
        case provider(fan_provider)
    }

    /// An instance and its tables, on their way from the lane.
    private struct Made: @unchecked Sendable {
        // Unchecked: a pointer of the plugin's and constant tables.
        var instance: OpaquePointer
        var table: Table
        var cancel: fan_cancel?
    }

    private let plugin: LoadedPlugin
    private let host: HostTable
    private let lane: InstanceLane
    private let book: CallBook
    private let made: Made
    private let isConcurrent: Bool

    /// Makes an instance on its lane, and asks it for its interfaces.
    package init(
        plugin: LoadedPlugin, component: ComponentDescriptor, configuration: JSON,
        services: PluginServices, hostName: String = "fanfold", hostVersion: String = "0.1.0",
        logger: Logger
    ) throws(PluginFailure) {
        var logger = logger
        logger[metadataKey: "component"] = "\(component.id)"
        let lane = InstanceLane(name: component.shortID, logger: logger)
        let book = CallBook(logger: logger)
        let host = HostTable(
            name: hostName, version: hostVersion, logger: logger, now: HostTable.monotonicNow,
            calls: HostTable.Calls(book: book, lane: lane, services: services))
        self.plugin = plugin
        self.lane = lane
        self.book = book
        self.host = host
        isConcurrent = component.flags & UInt32(FAN_CONCURRENT) != 0
        let outcome = lane.run { () -> Result<Made, PluginFailure> in
            do throws(PluginFailure) {
                return .success(try Self.make(plugin, component, configuration, host))
            } catch {
                return .failure(error)
            }
        }
        do throws(PluginFailure) {
            made = try outcome.get()
        } catch {
            lane.close()
            throw error
        }
    }

    private static func make(
        _ plugin: LoadedPlugin, _ component: ComponentDescriptor, _ configuration: JSON,
        _ host: HostTable
    ) throws(PluginFailure) -> Made {
        let instance = try PluginInstance.create(plugin, component, configuration, host)
        do throws(PluginFailure) {
            let table: Table =
                component.kind == .provider
                ? .provider(try provider(plugin, instance))
                : .executor(try executor(plugin, instance))
            let cancel = plugin.table.query(instance, "fanfold.cancel/1")
                .map { $0.loadUnaligned(as: fan_cancel.self) }
            return Made(instance: instance, table: table, cancel: cancel)
        } catch {
            plugin.table.destroy(instance)
            throw error
        }
    }

    private static func executor(
        _ plugin: LoadedPlugin, _ instance: OpaquePointer
    ) throws(PluginFailure) -> fan_executor {
        let table = try PluginInstance.table(
            "fanfold.executor/1", "fan_executor", plugin, instance,
            size: MemoryLayout<fan_executor>.size,
            required: [
                ("load", MemoryLayout<fan_executor>.offset(of: \.load)),
                ("run", MemoryLayout<fan_executor>.offset(of: \.run)),
                ("unload", MemoryLayout<fan_executor>.offset(of: \.unload)),
            ])
        return table.loadUnaligned(as: fan_executor.self)
    }

    private static func provider(
        _ plugin: LoadedPlugin, _ instance: OpaquePointer
    ) throws(PluginFailure) -> fan_provider {
        let table = try PluginInstance.table(
            "fanfold.provider/1", "fan_provider", plugin, instance,
            size: MemoryLayout<fan_provider>.size,
            required: [
                ("check", MemoryLayout<fan_provider>.offset(of: \.check)),
                ("offerings", MemoryLayout<fan_provider>.offset(of: \.offerings)),
                ("launch", MemoryLayout<fan_provider>.offset(of: \.launch)),
                ("describe", MemoryLayout<fan_provider>.offset(of: \.describe)),
                ("terminate", MemoryLayout<fan_provider>.offset(of: \.terminate)),
            ])
        return table.loadUnaligned(as: fan_provider.self)
    }

    // MARK: Calls

    /// Begins a call on the lane, or at once if the component locks for itself.
    package func start(_ call: PluginCall, _ handler: PluginCallHandler) -> UInt64 {
        guard
            let id = book.open(call, handler, onCancel: { [weak self] in self?.tellCancelled($0) })
        else {
            handler.done(.failure(Self.closed))
            return 0
        }
        let isTaken = lane.post(concurrently: isConcurrent) { [self] in make(call, id) }
        if !isTaken { book.end(id, .failure(Self.closed)) }
        return id
    }

    private static let closed = PluginFailure(
        code: fan_code(FAN_UNAVAILABLE), retry: .elsewhere, reason: "plugin.closed",
        message: "the plugin's instance has ended, or too many calls wait for it")

    private func make(_ call: PluginCall, _ id: UInt64) {
        // Cancelled before it began, or ended by its deadline.
        guard book.contains(id) else { return }
        var head = fan_call()
        head.struct_size = UInt32(MemoryLayout<fan_call>.size)
        head.op = id
        head.deadline = call.nanoseconds.map { HostTable.monotonicNow() + $0 } ?? 0
        call.document.withUnsafeBytes { document in
            let view = fan_view(data: document.baseAddress, size: UInt64(document.count))
            switch made.table {
            case .executor(let table): make(call, table, &head, view)
            case .provider(let table): make(call, table, &head, view)
            }
        }
    }

    private func make(
        _ call: PluginCall, _ table: fan_executor, _ head: inout fan_call, _ view: fan_view
    ) {
        let parts: CallParts
        do throws(PluginFailure) {
            parts = try CallParts(call.parts)
        } catch {
            book.end(head.op, .failure(error))
            return
        }
        book.keep(parts, for: head.op)
        withExtendedLifetime(parts) {
            switch call.method {
            case .load:
                table.load(made.instance, &head, call.module, view, parts.start, parts.count)
            case .run:
                var subtask = fan_subtask()
                subtask.struct_size = UInt32(MemoryLayout<fan_subtask>.size)
                subtask.part_count = parts.count
                subtask.id = call.subtask
                subtask.spec = view
                subtask.parts = parts.start
                table.run(made.instance, &head, call.module, &subtask)
            default: refuse(call, head.op)
            }
        }
    }

    private func make(
        _ call: PluginCall, _ table: fan_provider, _ head: inout fan_call, _ view: fan_view
    ) {
        switch call.method {
        case .check: table.check(made.instance, &head)
        case .offerings: table.offerings(made.instance, &head, view)
        case .launch: table.launch(made.instance, &head, view)
        case .describe: table.describe(made.instance, &head, view)
        case .terminate: table.terminate(made.instance, &head, view)
        case .load, .run: refuse(call, head.op)
        }
    }

    private func refuse(_ call: PluginCall, _ id: UInt64) {
        book.end(
            id,
            .failure(
                PluginFailure(
                    code: fan_code(FAN_UNIMPLEMENTED), reason: "plugin.method",
                    message: "the component has no \(call.method)")))
    }

    /// Says that an answer is not wanted any more.
    package func cancel(_ id: UInt64) {
        if book.cancel(id) { tellCancelled(id) }
    }

    private func tellCancelled(_ id: UInt64) {
        made.cancel?.cancel(made.instance, id)
    }

    /// Gives up what `load` loaded.
    package func unload(module: UInt64) {
        _ = lane.post { [self] in
            guard case .executor(let table) = made.table else { return }
            table.unload(made.instance, module)
        }
    }

    /// Ends every call, then the instance on its lane.
    package func close() {
        book.close(onCancel: tellCancelled)
        lane.close { [plugin, made] in plugin.table.destroy(made.instance) }
    }
}

/// Making an instance, which is the same for every kind of component.
enum PluginInstance {
    static func create(
        _ plugin: LoadedPlugin, _ component: ComponentDescriptor, _ configuration: JSON,
        _ host: HostTable
    ) throws(PluginFailure) -> OpaquePointer {
        guard let pointer = plugin.pointer(to: component) else {
            throw broken("the component \(component.id) is not one of \(component.path)")
        }
        var instance: OpaquePointer?
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        let code = configuration.bytes.withUnsafeBytes { bytes in
            let view = fan_view(data: bytes.baseAddress, size: UInt64(bytes.count))
            return plugin.table.create(pointer, host.table, view, &instance, &error)
        }
        guard code == FAN_OK else { throw PluginFailure(code: code, error: &error) }
        guard let instance else {
            throw broken("fan_plugin.create answered FAN_OK and made no instance")
        }
        return instance
    }

    /// Asks an instance for an interface and checks its table.
    static func table(
        _ id: String, _ name: String, _ plugin: LoadedPlugin, _ instance: OpaquePointer, size: Int,
        required: [(String, Int?)]
    ) throws(PluginFailure) -> UnsafeRawPointer {
        guard let table = plugin.table.query(instance, id) else {
            throw broken("fan_plugin.query knows no \(id), which its kind must have")
        }
        if let problem = RawTable(base: table).problem(name: name, size: size, required: required) {
            throw broken(problem)
        }
        return table
    }

    static func broken(_ what: String) -> PluginFailure {
        PluginFailure(
            code: fan_code(FAN_INTERNAL), reason: "plugin.contract",
            message: "the plugin breaks the contract: \(what)")
    }
}
