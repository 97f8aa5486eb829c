/// Writes the body of a message: little-endian numbers and counted bytes.
struct WireWriter {
    private(set) var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func byte(_ value: UInt8) {
        bytes.append(value)
    }

    mutating func number<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func counted(_ value: UnsafeRawBufferPointer) {
        number(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func counted(_ value: [UInt8]) {
        value.withUnsafeBytes { counted($0) }
    }

    mutating func text(_ value: String) {
        var value = value
        value.withUTF8 { counted(UnsafeRawBufferPointer($0)) }
    }

    mutating func raw(_ value: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: value)
    }

    mutating func failure(_ failure: PluginFailure) {
        number(failure.code)
        number(failure.retry.rawValue)
        number(failure.retryAfterMs)
        text(failure.reason)
        text(failure.message)
    }
}

/// A message that does not say what it should.
struct WireFault: Error, Hashable, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Reads what a ``WireWriter`` wrote, or what a hostile peer made of it.
struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    /// The bytes must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { place == bytes.count }

    mutating func byte() throws(WireFault) -> UInt8 { try number(UInt8.self) }

    mutating func number<T: FixedWidthInteger & BitwiseCopyable>(
        _ type: T.Type
    ) throws(WireFault) -> T {
        let size = MemoryLayout<T>.size
        guard bytes.count - place >= size else { throw WireFault("it ends within a number") }
        defer { place += size }
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: T.self))
    }

    mutating func raw(_ count: Int) throws(WireFault) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - place else {
            throw WireFault("\(count) bytes are announced and \(bytes.count - place) are there")
        }
        defer { place += count }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
    }

    mutating func counted() throws(WireFault) -> UnsafeRawBufferPointer {
        try raw(Int(try number(UInt32.self)))
    }

    /// What is not UTF-8 is repaired.
    mutating func text() throws(WireFault) -> String {
        String(decoding: try counted(), as: UTF8.self)
    }

    /// A count of things of which each takes at least `size` bytes.
    mutating func count(each size: Int) throws(WireFault) -> Int {
        let count = Int(try number(UInt32.self))
        guard count <= (bytes.count - place) / max(1, size) else {
            throw WireFault("\(count) entries are announced and there is no room for them")
        }
        return count
    }

    mutating func failure() throws(WireFault) -> PluginFailure {
        let code = try number(Int32.self)
        let retry = PluginFailure.Retry(rawValue: try number(UInt32.self)) ?? .never
        let after = try number(UInt32.self)
        let reason = try text()
        return PluginFailure(
            code: (1...16).contains(code) ? code : 2, retry: retry, retryAfterMs: after,
            reason: reason, message: try text())
    }
}
