/// A table of a flatbuffer that somebody else made: every place is checked before it is read.
///
/// Source: the FlatBuffers binary format, https://flatbuffers.dev/internals/.
struct FlatbufferTable {
    let bytes: UnsafeRawBufferPointer
    /// Where the table begins.
    let position: Int
    /// Where the table of places begins, and how many places it has.
    private let places: Int
    private let placeCount: Int
    /// Bytes of the table itself.
    private let size: Int

    /// The table that the buffer begins with a reference to.
    init(root bytes: UnsafeRawBufferPointer) throws(DataTransferError) {
        try self.init(bytes, at: FlatbufferTable.reference(bytes, at: 0))
    }

    private init(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(DataTransferError) {
        self.bytes = bytes
        self.position = position
        let back = Int(try FlatbufferTable.number(bytes, at: position, Int32.self))
        places = position - back
        guard places >= 0, places + 4 <= bytes.count else {
            throw FlatbufferTable.malformed(position, "the table of places is outside the message")
        }
        let span = Int(bytes.little(UInt16.self, at: places))
        size = Int(bytes.little(UInt16.self, at: places + 2))
        guard span >= 4, span.isMultiple(of: 2), places + span <= bytes.count, size >= 4,
            position + size <= bytes.count
        else {
            throw FlatbufferTable.malformed(places, "a table does not lie within the message")
        }
        placeCount = (span - 4) / 2
    }

    static func malformed(_ offset: Int, _ message: String) -> DataTransferError {
        .malformed(format: "arrow", offset: offset, message: message)
    }

    private static func number<T: FixedWidthInteger>(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, _ type: T.Type
    ) throws(DataTransferError) -> T {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<T>.size else {
            throw malformed(offset, "the message ends here; it is cut off or damaged")
        }
        return bytes.little(type, at: offset)
    }

    /// Where the reference at `offset` leads: always forward.
    private static func reference(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(DataTransferError) -> Int {
        let distance = Int(try number(bytes, at: offset, UInt32.self))
        guard distance > 0, distance <= bytes.count - 4 - offset else {
            throw malformed(offset, "a reference leads outside the message")
        }
        return offset + distance
    }

    /// Where field `slot` is; `nil` if it is absent.
    private func place(_ slot: Int, bytes count: Int) throws(DataTransferError) -> Int? {
        guard slot < placeCount else { return nil }
        let distance = Int(bytes.little(UInt16.self, at: places + 4 + slot * 2))
        guard distance != 0 else { return nil }
        guard distance >= 4, distance + count <= size else {
            throw FlatbufferTable.malformed(
                places + 4 + slot * 2, "field \(slot) lies outside its table")
        }
        return position + distance
    }

    /// The number in field `slot`.
    func number<T: FixedWidthInteger>(
        _ slot: Int, default initial: T
    ) throws(DataTransferError) -> T {
        guard let place = try place(slot, bytes: MemoryLayout<T>.size) else { return initial }
        return bytes.little(T.self, at: place)
    }

    /// The table in field `slot`.
    func table(_ slot: Int) throws(DataTransferError) -> FlatbufferTable? {
        guard let place = try place(slot, bytes: 4) else { return nil }
        return try FlatbufferTable(bytes, at: FlatbufferTable.reference(bytes, at: place))
    }

    /// The elements in field `slot`, of `width` bytes each; no elements if it is absent.
    func vector(
        _ slot: Int, width: Int
    ) throws(DataTransferError) -> (start: Int, count: Int) {
        guard let place = try place(slot, bytes: 4) else { return (0, 0) }
        let start = try FlatbufferTable.reference(bytes, at: place)
        let count = Int(try FlatbufferTable.number(bytes, at: start, UInt32.self))
        guard count <= (bytes.count - start - 4) / width else {
            throw FlatbufferTable.malformed(
                start, "\(count) elements do not fit in the rest of the message")
        }
        return (start + 4, count)
    }

    /// The tables in field `slot`, in turn.
    func forEachTable(
        _ slot: Int, _ body: (FlatbufferTable) throws(DataTransferError) -> Void
    ) throws(DataTransferError) {
        let (start, count) = try vector(slot, width: 4)
        for index in 0..<count {
            let place = start + index * 4
            try body(FlatbufferTable(bytes, at: FlatbufferTable.reference(bytes, at: place)))
        }
    }

    /// The text in field `slot`.
    func text(
        _ slot: Int, _ budget: inout ArrowBudget
    ) throws(DataTransferError) -> String? {
        let (start, count) = try vector(slot, width: 1)
        guard start > 0 else { return nil }
        try budget.takeText(count)
        guard let text = String(validating: bytes.part(start..<start + count), as: UTF8.self) else {
            throw FlatbufferTable.malformed(start, "wanted UTF-8")
        }
        return text
    }
}

/// Makes a flatbuffer front to back: a table before what its references lead to.
struct FlatbufferWriter {
    /// A field of a table.
    enum Field {
        /// Not there.
        case absent
        /// Numbers of one, two, four and eight bytes.
        case byte(UInt8)
        case short(Int16)
        case int(Int32)
        case long(Int64)
        /// A reference, filled in with ``FlatbufferWriter/refer(from:)``.
        case reference

        var size: Int {
            switch self {
            case .absent: 0
            case .byte: 1
            case .short: 2
            case .int, .reference: 4
            case .long: 8
            }
        }
    }

    private(set) var bytes: [UInt8] = [0, 0, 0, 0]

    /// Writes a table of `fields`, in the order of their slots.
    ///
    /// - Parameter reference: the place of the reference that leads to the table; 0 for the root.
    /// - Returns: the place of each field.
    mutating func table(at reference: Int, _ fields: [Field]) -> [Int] {
        var distances = [Int](repeating: 0, count: fields.count)
        var size = 4
        // The widest first: the table begins 4 before a multiple of 8, so all are aligned.
        for width in [8, 4, 2, 1] {
            for (slot, field) in fields.enumerated() where field.size == width {
                distances[slot] = size
                size += width
            }
        }
        let span = 4 + fields.count * 2
        while (bytes.count + span) % 8 != 4 { bytes.append(0) }
        bytes.append(little: UInt16(span))
        bytes.append(little: UInt16(size))
        for distance in distances { bytes.append(little: UInt16(distance)) }
        let position = bytes.count
        bytes.put(little: UInt32(position - reference), at: reference)
        bytes.append(little: Int32(span))
        bytes.append(contentsOf: repeatElement(0, count: size - 4))
        for (slot, field) in fields.enumerated() {
            let place = position + distances[slot]
            switch field {
            case .absent, .reference: break
            case .byte(let value): bytes.put(little: value, at: place)
            case .short(let value): bytes.put(little: value, at: place)
            case .int(let value): bytes.put(little: value, at: place)
            case .long(let value): bytes.put(little: value, at: place)
            }
        }
        return distances.map { position + $0 }
    }

    /// Begins a vector that the reference at `reference` leads to, its elements at a multiple of
    /// `alignment`.
    mutating func vector(at reference: Int, count: Int, alignment: Int) {
        while (bytes.count + 4) % Swift.max(alignment, 4) != 0 { bytes.append(0) }
        bytes.put(little: UInt32(bytes.count - reference), at: reference)
        bytes.append(little: UInt32(count))
    }

    /// Writes a vector of references, and returns the place of each.
    mutating func references(at reference: Int, count: Int) -> [Int] {
        vector(at: reference, count: count, alignment: 4)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count * 4))
        return (0..<count).map { start + $0 * 4 }
    }

    /// Writes a text, with the zero that ends it.
    mutating func text(at reference: Int, _ text: String) {
        vector(at: reference, count: text.utf8.count, alignment: 4)
        bytes.append(contentsOf: text.utf8)
        bytes.append(0)
    }

    /// Appends a number to the vector that was begun last.
    mutating func append<T: FixedWidthInteger>(_ value: T) {
        bytes.append(little: value)
    }
}
