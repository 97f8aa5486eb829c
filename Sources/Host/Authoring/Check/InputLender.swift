import CFanfoldSystem
import CPluginABI
@preconcurrency import Glibc

/// Lends bytes to a plugin for one call.
class InputLender {
    /// Gives `body` a view of the bytes that ends when it returns.
    func lend<R>(_ name: StaticString, _ bytes: [UInt8], _ body: (fan_view) -> R) -> R {
        bytes.withUnsafeBytes {
            body(fan_view(data: $0.baseAddress, size: UInt64($0.count)))
        }
    }

    /// Gives `body` a value that it may read, or also write if the contract lets it fill it in.
    func lend<Value, R>(
        _ name: StaticString, value: Value, isWritable: Bool = false,
        _ body: (UnsafeMutablePointer<Value>) -> R
    ) -> R {
        var value = value
        return withUnsafeMutablePointer(to: &value) { body($0) }
    }

    /// Lends a value for longer than a call.
    func start<Value>(_ name: StaticString, value: Value) -> UnsafeMutablePointer<Value> {
        let memory = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        memory.initialize(to: value)
        return memory
    }

    /// Ends such a loan.
    func end<Value>(_ memory: UnsafeMutablePointer<Value>) { memory.deallocate() }

    /// Memory for the data of a blob, which is the plugin's until it is released.
    func memory(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(1, bytes.count), alignment: 8)
        bytes.withUnsafeBytes {
            memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        return memory
    }

    /// Takes the memory of a blob back once it is released.
    func released(_ memory: UnsafeMutableRawPointer) {}

    /// Ends the memory for good.
    func free(_ memory: UnsafeMutableRawPointer) { memory.deallocate() }
}

/// Lends every input on pages of its own, which nobody can touch once the loan has ended.
///
/// A plugin that does is named by the process itself, as the outcome of the check.
final class GuardedLender: InputLender {
    private static nonisolated(unsafe) let before = MockHost.constant(
        "\n" + CheckTrace.outcome + "{\"status\":\"failed\",\"message\":\"")
    private static nonisolated(unsafe) let after = MockHost.constant("\"}\n")

    override init() {
        super.init()
        fan_guard_install(CheckTrace.descriptor, Self.before, Self.after)
    }

    override func lend<R>(
        _ name: StaticString, _ bytes: [UInt8], _ body: (fan_view) -> R
    ) -> R {
        guard let lent = start(name, bytes) else { return super.lend(name, bytes, body) }
        defer { fan_guard_take_back(lent) }
        return body(fan_view(data: lent, size: UInt64(bytes.count)))
    }

    override func lend<Value, R>(
        _ name: StaticString, value: Value, isWritable: Bool,
        _ body: (UnsafeMutablePointer<Value>) -> R
    ) -> R {
        let bytes = withUnsafeBytes(of: value) { Array($0) }
        guard let lent = start(name, bytes) else {
            return super.lend(name, value: value, isWritable: isWritable, body)
        }
        if isWritable { fan_guard_make_writable(lent) }
        defer { fan_guard_take_back(lent) }
        return body(lent.assumingMemoryBound(to: Value.self))
    }

    override func start<Value>(
        _ name: StaticString, value: Value
    ) -> UnsafeMutablePointer<Value> {
        withUnsafeBytes(of: value) { start(name, Array($0)) }?
            .assumingMemoryBound(to: Value.self) ?? super.start(name, value: value)
    }

    override func end<Value>(_ memory: UnsafeMutablePointer<Value>) { fan_guard_take_back(memory) }

    override func memory(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
        start("the part of a result that it has released", bytes) ?? super.memory(bytes)
    }

    override func released(_ memory: UnsafeMutableRawPointer) { fan_guard_take_back(memory) }

    override func free(_ memory: UnsafeMutableRawPointer) { fan_guard_take_back(memory) }

    private func start(_ name: StaticString, _ bytes: [UInt8]) -> UnsafeMutableRawPointer? {
        bytes.withUnsafeBytes { buffer in
            name.withUTF8Buffer { text in
                text.baseAddress.flatMap {
                    fan_guard_lend(
                        UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self),
                        buffer.baseAddress, buffer.count)
                }
            }
        }
    }
}
