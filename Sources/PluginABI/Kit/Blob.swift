import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Bytes that somebody owns: the result of a subtask, or an input.
///
/// Keeping the value keeps the bytes; they are given back when the last reference goes.
public final class Blob {
    /// Where the bytes are; no bytes once the host has taken its memory back.
    private(set) var memory: UnsafeRawBufferPointer
    /// The blob of the other side that owns `memory`; `nil` if this object owns it.
    private(set) var lent: fan_blob?

    /// A blob with a copy of these bytes.
    public init(_ bytes: [UInt8]) {
        memory = UnsafeRawBufferPointer(copying: bytes)
        lent = nil
    }

    /// A blob of JSON text.
    public convenience init(_ json: JSON) {
        self.init(json.bytes)
    }

    /// Takes over a blob of the other side, which is released once when this object ends.
    init(taking blob: fan_blob) {
        let count = blob.data == nil ? 0 : Int(clamping: blob.size)
        memory = UnsafeRawBufferPointer(start: blob.data, count: count)
        lent = blob
    }

    /// Whether the memory is somebody else's and cannot be kept: a view into a call.
    var isBorrowed: Bool {
        guard let lent else { return false }
        return lent.release == nil && !memory.isEmpty
    }

    deinit {
        if var blob = lent {
            blob.release?(&blob)
        } else {
            free(UnsafeMutableRawPointer(mutating: memory.baseAddress))
        }
    }

    /// Leaves the memory with the other side, because the call that lent it failed.
    func giveBack() {
        lent?.release = nil
        memory = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// How many bytes there are.
    public var count: Int { memory.count }

    /// Calls `body` with the bytes, which are valid until it returns.
    public func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withExtendedLifetime(self) { () throws(E) -> R in try body(memory) }
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] { withBytes { Array($0) } }

    /// The bytes read as one JSON document.
    public func json() throws(JSONParseError) -> JSON {
        try withBytes { (bytes) throws(JSONParseError) in try JSON(parsing: bytes) }
    }
}

extension UnsafeRawBufferPointer {
    /// Memory from `malloc` with a copy of these bytes; no memory for no bytes.
    init(copying bytes: [UInt8]) {
        guard !bytes.isEmpty, let copy = malloc(bytes.count) else {
            precondition(bytes.isEmpty, "malloc must give memory for the bytes of a blob")
            self.init(start: nil, count: 0)
            return
        }
        bytes.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(start: copy, count: bytes.count).copyMemory(from: source)
        }
        self.init(start: copy, count: bytes.count)
    }
}
