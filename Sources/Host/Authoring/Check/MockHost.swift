import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Where the host's tables are put, to catch a plugin that trusts a size that is not its own.
enum TablePlacement {
    /// Anywhere.
    case plain
    /// Right before a page that nobody can read.
    case guarded
    /// With more behind it, as a newer host would have: pointers to a trap.
    case longer

    /// A table in memory that stays until the process ends.
    ///
    /// Every table of the contract begins with its size.
    func place<Table>(_ table: Table) -> UnsafeMutablePointer<Table> {
        let size = MemoryLayout<Table>.size
        switch self {
        case .plain:
            let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
            memory.initialize(to: table)
            return memory
        case .guarded:
            let page = sysconf(Int32(_SC_PAGESIZE))
            guard
                let start = mmap(
                    nil, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                start != MAP_FAILED
            else { return TablePlacement.plain.place(table) }
            mprotect(start + page, page, PROT_NONE)
            let memory = (start + (page - size)).bindMemory(to: Table.self, capacity: 1)
            memory.initialize(to: table)
            return memory
        case .longer:
            let traps = 8
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size + traps * 8, alignment: 8)
            memory.bindMemory(to: Table.self, capacity: 1).initialize(to: table)
            let trap: @convention(c) () -> Void = { abort() }
            for index in 0..<traps {
                memory.storeBytes(of: trap, toByteOffset: size + index * 8, as: type(of: trap))
            }
            memory.storeBytes(of: UInt32(size + traps * 8), as: UInt32.self)
            return memory.assumingMemoryBound(to: Table.self)
        }
    }
}

/// A host that offers no service, writes no log, and whose clock stands still.
final class MockHost {
    let table: UnsafeMutablePointer<fan_host>

    init(_ placement: TablePlacement = .plain) {
        table = placement.place(
            fan_host(
                struct_size: UInt32(MemoryLayout<fan_host>.size),
                abi_minor: UInt32(FAN_ABI_MINOR) + (placement == .longer ? 1 : 0),
                host_data: nil, name: Self.name, version: Self.version,
                service: { _, _ in nil },
                log: { _, _, _, _ in },
                now: { _ in 1_000_000_000 },
                emit: { _, _, _, _, _ in fan_code(FAN_OK) },
                complete: { _, _, _, _, _, _ in },
                cancelled: { _, _ in 0 }))
    }

    private nonisolated(unsafe) static let name = constant("fanfold plugin check")
    private nonisolated(unsafe) static let version = constant("1.0.0")

    /// A text that stays until the process ends.
    static func constant(_ text: String) -> UnsafePointer<CChar> {
        let bytes = text.utf8CString
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        for (index, byte) in bytes.enumerated() { memory[index] = byte }
        return UnsafePointer(memory)
    }
}

/// An error as the host lends it, and what the plugin made of it.
struct LentError {
    let pointer: UnsafeMutablePointer<fan_error>

    init(_ placement: TablePlacement = .plain) {
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        pointer = placement.place(error)
    }

    var code: Int32 { pointer.pointee.code }
    var retry: UInt32 { pointer.pointee.retry }
    var reason: String { Self.text(pointer.pointee.reason) }
    var message: String { Self.text(pointer.pointee.message) }

    /// Zeroes it for the next call.
    func clear() {
        let size = pointer.pointee.struct_size
        memset(pointer, 0, MemoryLayout<fan_error>.size)
        pointer.pointee.struct_size = size
    }

    private static func text<Field>(_ field: Field) -> String {
        withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// An instance of a component, destroyed when this object ends.
final class CheckedInstance {
    let component: CheckedComponent
    let pointer: OpaquePointer

    /// What `create` answered.
    struct Refusal: Error {
        var code: Int32
        var retry: UInt32
        var reason: String
        var message: String
    }

    /// Creates an instance from the bytes of a configuration.
    init(
        _ component: CheckedComponent, configuration: [UInt8], host: MockHost,
        error: LentError = LentError()
    ) throws(Refusal) {
        error.clear()
        var instance: OpaquePointer?
        let code = configuration.withUnsafeBytes { bytes in
            component.plugin.pointee.create(
                component.pointer, host.table,
                fan_view(data: bytes.baseAddress, size: UInt64(bytes.count)), &instance,
                error.pointer)
        }
        guard code == 0, let instance else {
            throw Refusal(
                code: code, retry: error.retry, reason: error.reason, message: error.message)
        }
        self.component = component
        pointer = instance
    }

    deinit {
        component.plugin.pointee.destroy(pointer)
    }

    /// The table of `fanfold.strategy/1`.
    func strategy() throws -> UnsafePointer<fan_strategy> {
        guard let table = component.plugin.pointee.query(pointer, "fanfold.strategy/1") else {
            throw CheckStop.failed(
                "\(component.descriptor.id) is a strategy and has no fanfold.strategy/1")
        }
        return table.assumingMemoryBound(to: fan_strategy.self)
    }
}

extension CheckContext {
    /// An instance that must come about.
    func instance(
        _ component: CheckedComponent, _ configuration: JSON, host: MockHost = MockHost(),
        error: LentError = LentError()
    ) throws -> CheckedInstance {
        CheckTrace.phase("in create")
        do {
            return try CheckedInstance(
                component, configuration: configuration.bytes, host: host, error: error)
        } catch {
            throw CheckStop.failed(
                "create of \(component.descriptor.id) refuses \(configuration.text.prefix(200)): "
                    + "code \(error.code), \(error.reason): \(error.message)")
        }
    }
}
