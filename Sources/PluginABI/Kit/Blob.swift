import FanfoldJSON

/// Bytes that somebody owns: the result of a subtask, or an input.
///
/// Keeping the value keeps the bytes; they are given back when the last reference goes.
public final class Blob {
    private enum Storage {
        case bytes([UInt8])
        case borrowed(UnsafeRawBufferPointer, release: () -> Void)
    }

    private let storage: Storage

    /// A blob of these bytes.
    public init(_ bytes: [UInt8]) {
        storage = .bytes(bytes)
    }

    /// A blob of JSON text.
    public convenience init(_ json: JSON) {
        self.init(json.bytes)
    }

    /// Memory of the other side, which `release` gives back once, from any thread.
    init(borrowing memory: UnsafeRawBufferPointer, release: @escaping () -> Void) {
        storage = .borrowed(memory, release: release)
    }

    deinit {
        if case .borrowed(_, let release) = storage { release() }
    }

    /// How many bytes there are.
    public var count: Int {
        switch storage {
        case .bytes(let bytes): bytes.count
        case .borrowed(let memory, _): memory.count
        }
    }

    /// Calls `body` with the bytes, which are valid until it returns.
    public func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        switch storage {
        case .borrowed(let memory, _): return try body(memory)
        case .bytes(let bytes):
            let outcome: Result<R, E> = bytes.withUnsafeBytes { memory in
                do throws(E) {
                    return .success(try body(memory))
                } catch {
                    return .failure(error)
                }
            }
            return try outcome.get()
        }
    }

    /// A copy of the bytes.
    public var bytes: [UInt8] { withBytes { Array($0) } }

    /// The bytes read as one JSON document.
    public func json() throws(JSONParseError) -> JSON {
        try withBytes { (bytes) throws(JSONParseError) in try JSON(parsing: bytes) }
    }
}
