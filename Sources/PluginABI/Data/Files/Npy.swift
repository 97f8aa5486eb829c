/// The npy format: one tensor with a header that is a Python literal.
///
/// Source: NumPy Enhancement Proposal 1 and `numpy.lib.format`, versions 1.0, 2.0 and 3.0.
package enum Npy {
    private static let magic: [UInt8] = [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]
    /// What the numbers begin at a multiple of, in bytes.
    private static let alignment = 64

    /// Reads a tensor by reference.
    ///
    /// Numbers that are big-endian, or in Fortran order with two axes or more, are turned into a
    /// copy in the order that a ``Tensor`` has; all others stay where they are.
    /// - Throws: `malformed`; `unsupported` for Python objects, texts, dates and records;
    ///   `overLimit`.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> Tensor {
        let (text, place) = try headerText(bytes)
        var parser = NpyHeaderParser(bytes.part(text), at: text.lowerBound)
        let header = try parser.header()
        let count = try Tensor.byteCount(type: header.type, shape: header.shape)
        guard bytes.count - place == count else {
            throw malformed(
                place,
                "wanted \(count) bytes of numbers, found \(bytes.count - place); the file is cut "
                    + "off or has more behind it")
        }
        let numbers = bytes.part(place..<bytes.count)
        let turned = header.isFortran && header.shape.count > 1
        guard turned || header.isBigEndian else {
            return try Tensor(
                type: header.type, shape: header.shape, bytes: numbers, owner: owner)
        }
        let copy = turned ? rowMajor(numbers, header) : OwnedBytes(copying: numbers)
        if header.isBigEndian { swap(copy.memory, count: count, by: header.type.swapSize) }
        return try Tensor(
            type: header.type, shape: header.shape, bytes: copy.bytes, owner: copy)
    }

    /// Where the literal is, and where the numbers begin.
    private static func headerText(
        _ bytes: UnsafeRawBufferPointer
    ) throws(DataTransferError) -> (text: Range<Int>, place: Int) {
        guard bytes.count >= 10, bytes.starts(with: magic) else {
            throw malformed(0, "wanted a file that begins with 93 'NUMPY'")
        }
        let version = bytes[6]
        guard (1...3).contains(version) else {
            throw DataTransferError.unsupported(
                what: "npy", message: "version \(version) is not read; wanted 1, 2 or 3")
        }
        let start = version == 1 ? 10 : 12
        guard bytes.count >= start else { throw malformed(8, "the file is cut off") }
        let count =
            version == 1
            ? Int(bytes.little(UInt16.self, at: 8)) : Int(bytes.little(UInt32.self, at: 8))
        guard count <= DataTransferLimits.npyHeaderBytes else {
            throw .overLimit(
                limit: "npyHeaderBytes", value: DataTransferLimits.npyHeaderBytes,
                found: "a header of \(count) bytes")
        }
        guard bytes.count - start >= count else {
            throw malformed(8, "a header of \(count) bytes does not fit; the file is cut off")
        }
        return (start..<start + count, start + count)
    }

    private static func rowMajor(
        _ numbers: UnsafeRawBufferPointer, _ header: NpyHeader
    ) -> OwnedBytes {
        var strides: [Int] = []
        var step = header.type.size
        for length in header.shape {
            strides.append(step)
            step = step &* max(length, 1)
        }
        let copy = OwnedBytes(zeroed: numbers.count)
        if let source = numbers.baseAddress, let target = copy.memory.baseAddress {
            StridedNumbers(
                elementBytes: header.type.size, shape: header.shape, strides: strides
            ).copy(from: source, to: target)
        }
        return copy
    }

    private static func swap(
        _ memory: UnsafeMutableRawBufferPointer, count: Int, by width: Int
    ) {
        for start in stride(from: 0, to: count, by: width) {
            var number = UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + width])
            number.reverse()
        }
    }

    static func malformed(_ offset: Int, _ message: String) -> DataTransferError {
        .malformed(format: "npy", offset: offset, message: message)
    }

    /// The header of a file, up to the numbers.
    ///
    /// - Throws: `unsupported` for types that numpy does not have.
    package static func header(
        type: TensorType, shape: [Int]
    ) throws(DataTransferError) -> [UInt8] {
        guard let kind = type.numpy else {
            throw .unsupported(
                what: "npy",
                message: "numpy has no \(type.rawValue); write safetensors, or another type")
        }
        let order = type.size == 1 ? "|" : "<"
        let axes = shape.map(String.init).joined(separator: ", ")
        var text =
            "{'descr': '\(order)\(kind)', 'fortran_order': False, 'shape': "
            + (shape.count == 1 ? "(\(axes),)" : "(\(axes))") + ", }"
        // 64 axes of 20 digits stay far below what two bytes of length can say.
        let total = Sizes.padded(10 + text.utf8.count + 1, to: alignment)
        text += String(repeating: " ", count: total - 10 - text.utf8.count - 1) + "\n"
        var bytes = magic + [1, 0]
        bytes.append(little: UInt16(text.utf8.count))
        return bytes + Array(text.utf8)
    }

    /// The whole of `tensor` in one run of bytes.
    ///
    /// - Throws: `unsupported` for types that numpy does not have.
    package static func bytes(of tensor: Tensor) throws(DataTransferError) -> [UInt8] {
        let header = try header(type: tensor.type, shape: tensor.shape)
        return tensor.withBytes { header + Array($0) }
    }
}

/// What the header of an npy file says.
struct NpyHeader {
    var type: TensorType
    var isBigEndian: Bool
    var isFortran: Bool
    var shape: [Int]
}

/// Reads the one kind of Python literal that an npy header is.
private struct NpyHeaderParser {
    private let bytes: UnsafeRawBufferPointer
    /// Where the text begins in the file, for errors.
    private let base: Int
    private var offset = 0

    init(_ bytes: UnsafeRawBufferPointer, at base: Int) {
        self.bytes = bytes
        self.base = base
    }

    mutating func header() throws(DataTransferError) -> NpyHeader {
        var descr: String?
        var fortran: Bool?
        var shape: [Int]?
        try expect("{")
        while !take("}") {
            let key = try text()
            try expect(":")
            switch key {
            case "descr" where descr == nil: descr = try type()
            case "fortran_order" where fortran == nil: fortran = try boolean()
            case "shape" where shape == nil: shape = try tuple()
            default: throw failure("the key '\(key)' is unknown or stands twice")
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard offset == bytes.count else { throw failure("wanted the end of the header") }
        guard let descr, let fortran, let shape else {
            throw failure("wanted the keys descr, fortran_order and shape")
        }
        let (type, isBigEndian) = try NpyHeaderParser.type(descr, failure)
        return NpyHeader(
            type: type, isBigEndian: isBigEndian, isFortran: fortran, shape: shape)
    }

    private static func type(
        _ descr: String, _ failure: (String) -> DataTransferError
    ) throws(DataTransferError) -> (TensorType, Bool) {
        guard let order = descr.first, "<>|=".contains(order) else {
            throw failure("the type '\(descr)' does not begin with a byte order")
        }
        let kind = String(descr.dropFirst())
        if let type = TensorType(numpy: kind) { return (type, order == ">" && type.size > 1) }
        let why =
            kind.hasPrefix("O")
            ? "holds Python objects, which only a program that runs them can read"
            : "is text, time, bytes without a type, or a number that is not read"
        throw .unsupported(
            what: "npy", message: "the type '\(descr)' \(why); convert it to numbers")
    }

    private mutating func type() throws(DataTransferError) -> String {
        skipSpace()
        guard offset < bytes.count, bytes[offset] != UInt8(ascii: "[") else {
            throw .unsupported(
                what: "npy",
                message: "records with named fields are not read; write each field by itself")
        }
        return try text()
    }

    private mutating func boolean() throws(DataTransferError) -> Bool {
        for (word, value) in [("True", true), ("False", false)] where take(word) { return value }
        throw failure("wanted True or False")
    }

    private mutating func tuple() throws(DataTransferError) -> [Int] {
        var lengths: [Int] = []
        try expect("(")
        while !take(")") {
            lengths.append(try number())
            if !take(",") {
                guard lengths.count != 1 else { throw failure("wanted a comma after one length") }
                try expect(")")
                break
            }
        }
        return lengths
    }

    private mutating func number() throws(DataTransferError) -> Int {
        skipSpace()
        let start = offset
        while offset < bytes.count, bytes[offset] &- UInt8(ascii: "0") < 10 { offset += 1 }
        let digits = String(decoding: bytes.part(start..<offset), as: UTF8.self)
        guard let number = Int(digits) else { throw failure("wanted the length of an axis") }
        // Python 2 wrote long numbers with an L.
        _ = take("L")
        return number
    }

    private mutating func text() throws(DataTransferError) -> String {
        skipSpace()
        guard offset < bytes.count else { throw failure("the header ends here") }
        let quote = bytes[offset]
        guard quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw failure("wanted a text in quotes")
        }
        let start = offset + 1
        var end = start
        while end < bytes.count, bytes[end] != quote, bytes[end] != UInt8(ascii: "\\") { end += 1 }
        guard end < bytes.count, bytes[end] == quote else {
            throw failure("wanted a text in quotes without a backslash")
        }
        offset = end + 1
        return String(decoding: bytes.part(start..<end), as: UTF8.self)
    }

    private mutating func skipSpace() {
        while offset < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[offset]) { offset += 1 }
    }

    private mutating func take(_ word: String) -> Bool {
        skipSpace()
        guard bytes.count - offset >= word.utf8.count,
            bytes.part(offset..<offset + word.utf8.count).elementsEqual(word.utf8)
        else { return false }
        offset += word.utf8.count
        return true
    }

    private mutating func expect(_ word: String) throws(DataTransferError) {
        guard take(word) else { throw failure("wanted '\(word)'") }
    }

    private func failure(_ message: String) -> DataTransferError {
        Npy.malformed(base + offset, message)
    }
}
