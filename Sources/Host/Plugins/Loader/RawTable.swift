import CPluginABI

/// A struct of a plugin, read word by word.
///
/// A C struct becomes a Swift value only after its words were looked at: a NULL where the header
/// says there is none would otherwise be undefined behaviour on our side.
struct RawTable {
    let base: UnsafeRawPointer

    /// The size that the plugin states, in the first four bytes.
    var statedSize: Int {
        Int(base.loadUnaligned(as: UInt32.self))
    }

    /// The number at a field of 32 bits.
    func number(_ offset: Int?) -> UInt32 {
        base.loadUnaligned(fromByteOffset: offset ?? 0, as: UInt32.self)
    }

    /// The pointer at a field, a function's or another's.
    func pointer(_ offset: Int?) -> UnsafeRawPointer? {
        UnsafeRawPointer(
            bitPattern: base.loadUnaligned(fromByteOffset: offset ?? 0, as: UInt.self))
    }

    /// Checks the stated size and the fields that must not be NULL.
    ///
    /// Larger than the released struct is fine, smaller is not.
    ///
    /// Returns: What is wrong, in words; `nil` if nothing is.
    func problem(
        name: String, size: Int, required: [(field: String, offset: Int?)]
    ) -> String? {
        guard statedSize >= size else {
            return "\(name).struct_size is \(statedSize), wanted at least \(size)"
        }
        guard let missing = required.first(where: { pointer($0.offset) == nil }) else { return nil }
        return "\(name).\(missing.field) is NULL"
    }
}

/// Zero-terminated text of the other side, read up to a limit.
enum BoundedText: Equatable {
    case text(String)
    case tooLong
    case notUTF8

    /// Reads at most `limit` bytes and the zero after them.
    init(_ start: UnsafeRawPointer, limit: Int) {
        var count = 0
        while count <= limit, start.load(fromByteOffset: count, as: UInt8.self) != 0 {
            count += 1
        }
        guard count <= limit else {
            self = .tooLong
            return
        }
        let bytes = UnsafeRawBufferPointer(start: start, count: count)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            self = .notUTF8
            return
        }
        self = .text(text)
    }
}

/// A text field of fixed size: up to the first zero or the end, broken UTF-8 being repaired.
func repairedText(_ start: UnsafeRawPointer, capacity: Int) -> String {
    let bytes = UnsafeRawBufferPointer(start: start, count: capacity)
    return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
