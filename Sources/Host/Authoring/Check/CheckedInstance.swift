import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// An error as the host lends it, and what the plugin made of it.
struct LentError {
    let pointer: UnsafeMutablePointer<fan_error>

    init(_ placement: TablePlacement = .plain) {
        pointer = placement.place(Self.empty)
    }

    /// An error that says nothing yet.
    static var empty: fan_error {
        var error = fan_error()
        error.struct_size = UInt32(MemoryLayout<fan_error>.size)
        return error
    }

    var code: Int32 { pointer.pointee.code }
    var retry: UInt32 { pointer.pointee.retry }
    var reason: String { Self.text(pointer.pointee.reason) }
    var message: String { Self.text(pointer.pointee.message) }

    /// Whether nobody has written to it since it was cleared.
    var isUntouched: Bool {
        let bytes = UnsafeRawBufferPointer(start: pointer, count: MemoryLayout<fan_error>.size)
        return bytes.dropFirst(MemoryLayout<UInt32>.size).allSatisfy { $0 == 0 }
    }

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
    let host: MockHost

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
        error: LentError = LentError(), lender: InputLender = InputLender()
    ) throws(Refusal) {
        error.clear()
        var instance: OpaquePointer?
        let code = lender.lend("the configuration of create", configuration) { view in
            component.plugin.pointee.create(
                component.pointer, host.table, view, &instance, error.pointer)
        }
        guard code == 0, let instance else {
            throw Refusal(
                code: code, retry: error.retry, reason: error.reason, message: error.message)
        }
        self.component = component
        self.host = host
        pointer = instance
    }

    deinit {
        component.plugin.pointee.destroy(pointer)
    }

    /// The table of the interface that a component of its kind must have.
    @discardableResult
    func interface() throws -> UnsafeRawPointer {
        let id = component.interface ?? ""
        guard let table = component.plugin.pointee.query(pointer, id) else {
            throw CheckStop.failed(
                "\(component.descriptor.id) is a \(component.descriptor.kind) and has no \(id)")
        }
        return table
    }

    /// The table of `fanfold.strategy/1`.
    func strategy() throws -> UnsafePointer<fan_strategy> {
        try interface().assumingMemoryBound(to: fan_strategy.self)
    }
}

extension CheckContext {
    /// An instance that must come about.
    func instance(
        _ component: CheckedComponent, _ configuration: JSON, host: MockHost = MockHost(),
        error: LentError = LentError(), lender: InputLender = InputLender(),
        isSilent: Bool = false
    ) throws -> CheckedInstance {
        if !isSilent { CheckTrace.phase("in create") }
        do {
            return try CheckedInstance(
                component, configuration: configuration.bytes, host: host, error: error,
                lender: lender)
        } catch {
            throw CheckStop.failed(
                "create of \(component.descriptor.id) refuses \(configuration.text.prefix(200)): "
                    + "code \(error.code), \(error.reason): \(error.message)")
        }
    }
}
