import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// An instance whose calls are asynchronous, and the means to make them.
///
/// Calls come one after another, on the thread of the check, which is the lane.
final class CallDriver {
    /// How long a call may take after it is cancelled or late, in nanoseconds.
    static let promptness: UInt64 = 1_000_000_000

    let component: CheckedComponent
    let host: CallHost
    /// Whether the host has lost interest in calls before it makes them.
    var beginsCancelled = false
    private let error = LentError()
    private var instance: OpaquePointer?

    /// Makes an instance in `world`.
    init(
        _ component: CheckedComponent, _ configuration: JSON, _ world: CallWorld,
        _ cloud: FakeCloud, withholding: Set<String> = []
    ) throws {
        self.component = component
        host = CallHost(world, cloud, withholding: withholding)
        CheckTrace.phase("in create")
        error.clear()
        let code = configuration.bytes.withUnsafeBytes { [host, error] bytes in
            component.plugin.pointee.create(
                component.pointer, host.table,
                fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), &instance,
                error.pointer)
        }
        guard code == 0, instance != nil else {
            throw CheckStop.failed(
                "create of \(component.descriptor.id) refuses \(configuration.text.prefix(200)): "
                    + "code \(code), \(error.reason): \(error.message)")
        }
    }

    deinit {
        destroy()
    }

    /// Ends the instance; what it says afterwards is a fault.
    func destroy() {
        guard let pointer = instance else { return }
        CheckTrace.phase("in destroy")
        instance = nil
        component.plugin.pointee.destroy(pointer)
        host.close()
    }

    /// The table of an interface that the kind of the component promises.
    func table<Table>(_ id: String, as type: Table.Type) throws -> UnsafePointer<Table> {
        guard let table = optionalTable(id, as: type) else {
            throw CheckStop.failed(
                "\(component.descriptor.id) is a \(component.descriptor.kind) and has no \(id)")
        }
        return table
    }

    /// The table of an interface, if there is one.
    func optionalTable<Table>(_ id: String, as type: Table.Type) -> UnsafePointer<Table>? {
        guard let instance else { return nil }
        return component.plugin.pointee.query(instance, id).map {
            $0.assumingMemoryBound(to: Table.self)
        }
    }

    /// Makes a call and comes back when its function does.
    func begin(
        _ name: String, deadline: UInt64 = 0,
        _ body: (OpaquePointer, UnsafePointer<fan_call>) throws -> Void
    ) rethrows -> CallRecord {
        let record = host.open(name, deadline: deadline)
        if beginsCancelled { host.cancel(record) }
        guard let instance else {
            preconditionFailure("a check calls an instance before it ends it")
        }
        CheckTrace.phase("in \(name)")
        let call = TablePlacement.plain.place(
            fan_call(
                struct_size: UInt32(MemoryLayout<fan_call>.size), flags: 0, op: record.op,
                deadline: deadline, traceparent: nil))
        try body(instance, call)
        return record
    }

    /// Makes a call that is not asynchronous.
    func perform<Value>(_ name: String, _ body: (OpaquePointer) throws -> Value) rethrows -> Value {
        guard let instance else {
            preconditionFailure("a check calls an instance before it ends it")
        }
        CheckTrace.phase("in \(name)")
        return try body(instance)
    }

    /// Waits for the answer of a call.
    func answer(_ record: CallRecord) throws -> CallAnswer {
        CheckTrace.phase("after \(record.name), before it is completed")
        guard host.world.run(until: { host.isAnswered(record) }), let answer = record.answers.first
        else {
            throw CheckStop.failed("\(record.name) is never completed")
        }
        return answer
    }

    /// Loses interest in a call, and says so on the lane to a component that asks for it.
    func cancel(_ record: CallRecord) {
        host.cancel(record)
        host.world.post { [self] in
            guard let instance,
                let table = optionalTable("fanfold.cancel/1", as: fan_cancel.self)
            else { return }
            table.pointee.cancel(instance, record.op)
        }
    }

    /// Loses interest in the newest call when the plugin does the `number`-th thing with its host.
    func cancel(atStep number: Int) {
        host.onStep = { [weak self] step in
            guard step == number, let self, let record = host.newestCall else { return }
            cancel(record)
        }
    }
}

extension JSON {
    /// The document where a call may read it until it is completed: for the rest of this process.
    var lent: fan_view {
        let bytes = bytes
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        memory.copyBytes(from: bytes)
        return fan_view(data: UnsafeRawPointer(memory.baseAddress), size: UInt64(bytes.count))
    }
}
