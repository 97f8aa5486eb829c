import CPluginABI

/// A tensor of a blob as bytes: a fixed head, the shape, and the numbers one after the other.
///
/// Shape, in little-endian byte order: `magic` 8 bytes, `code` 1, `bits` 1, `lanes` 2, `axes` 4,
/// `flags` 8, the lengths of the axes 8 each, zeros up to a multiple of 64, the numbers.
enum FlatTensor {
    /// The first bytes: a name and the version of the shape.
    static let magic: [UInt8] = Array("FANTNSR1".utf8)
    /// What the numbers begin at a multiple of, in bytes.
    static let alignment = OwnedBytes.alignment
    private static let headBytes = 24

    /// The type of one element, of any code that fills whole bytes.
    struct Element: Equatable {
        var code: UInt8
        var bits: UInt8
        var lanes: UInt16

        /// Bytes of one element.
        var size: Int { Int(bits) / 8 * Int(lanes) }

        /// What an element must lie at a multiple of, in bytes: the largest power of two that
        /// divides one number, half a number for complex ones.
        var alignment: Int {
            let number = Int(bits) / 8 / (code == 5 && bits >= 16 ? 2 : 1)
            return min(number & -number, 16)
        }

        /// - Throws: `unsupported` for handles and numbers of less than a byte.
        func check() throws(DataTransferError) {
            guard code != 3 else {
                throw .unsupported(
                    what: "tensor", message: "handles mean nothing in another process")
            }
            guard bits > 0, bits.isMultiple(of: 8), lanes > 0 else {
                throw .unsupported(
                    what: "tensor",
                    message: "elements of \(lanes) times \(bits) bits do not fill whole bytes; "
                        + "convert them to a type that does")
            }
        }
    }

    // MARK: Out of a blob

    static func flatten(_ blob: fan_blob) throws(DataTransferError) -> [UInt8] {
        guard let data = blob.data else { throw bad("has no tensor: data is NULL") }
        let managed = data.assumingMemoryBound(to: DLManagedTensorVersioned.self)
        let version = UnsafeRawPointer(managed).load(as: DLPackVersion.self)
        guard version.major == UInt32(FAN_DL_MAJOR) else {
            throw .unsupported(
                what: "tensor",
                message: "it is of DLPack \(version.major).\(version.minor), of which nothing but "
                    + "the deleter may be used; wanted version 1.x")
        }
        let tensor = managed.pointee.dl_tensor
        let element = Element(
            code: tensor.dtype.code, bits: tensor.dtype.bits, lanes: tensor.dtype.lanes)
        try element.check()
        guard tensor.device.device_type == Int32(FAN_DL_CPU) else {
            throw .unsupported(
                what: "tensor",
                message: "it lies on device type \(tensor.device.device_type), number "
                    + "\(tensor.device.device_id); copy it to the CPU first")
        }
        let numbers = try strided(tensor, element)
        let count = try byteCount(numbers.shape, element)
        var flat = head(element, flags: managed.pointee.flags, shape: numbers.shape)
        guard count > 0 else { return flat }
        guard let memory = tensor.data, tensor.byte_offset <= UInt64(DataTransferLimits.bytes)
        else { throw bad("has \(count) bytes at NULL or past the limit") }
        let start = UnsafeRawPointer(memory) + Int(tensor.byte_offset)
        let place = flat.count
        if numbers.isRowMajor {
            flat.reserveCapacity(place + count)
            flat.append(contentsOf: UnsafeRawBufferPointer(start: start, count: count))
            return flat
        }
        flat.append(contentsOf: repeatElement(0, count: count))
        flat.withUnsafeMutableBytes { target in
            guard let base = target.baseAddress else { return }
            numbers.copy(from: start, to: base + place)
        }
        return flat
    }

    static func flatten(_ tensor: Tensor) -> [UInt8] {
        let (code, bits) = tensor.type.dlpack
        let element = Element(code: code, bits: bits, lanes: 1)
        var flat = head(element, flags: 0, shape: tensor.shape)
        tensor.withBytes { flat.append(contentsOf: $0) }
        return flat
    }

    private static func strided(
        _ tensor: DLTensor, _ element: Element
    ) throws(DataTransferError) -> StridedNumbers {
        let axes = Int(tensor.ndim)
        guard axes >= 0, axes <= DataTransferLimits.axes else {
            throw .overLimit(limit: "axes", value: DataTransferLimits.axes, found: "\(axes) axes")
        }
        guard axes == 0 || tensor.shape != nil else { throw bad("has \(axes) axes and no shape") }
        let shape = (0..<axes).map { axis in tensor.shape.map { Int($0[axis]) } ?? 0 }
        if let length = shape.first(where: { $0 < 0 }) { throw bad("has an axis of \(length)") }
        let dense = StridedNumbers.rowMajor(shape, elementBytes: element.size)
        guard let given = tensor.strides else {
            return StridedNumbers(elementBytes: element.size, shape: shape, strides: dense)
        }
        var strides = dense
        for axis in shape.indices where shape[axis] > 1 {
            strides[axis] =
                Int(given[axis]).multipliedReportingOverflow(by: element.size)
                .partialValue
            let reach = strides[axis].magnitude.multipliedReportingOverflow(
                by: UInt(shape[axis] - 1))
            guard given[axis].magnitude <= UInt64(DataTransferLimits.bytes), !reach.overflow,
                reach.partialValue <= UInt(DataTransferLimits.bytes)
            else { throw bad("has the stride \(given[axis]), which leads past the limit") }
        }
        return StridedNumbers(elementBytes: element.size, shape: shape, strides: strides)
    }

    private static func byteCount(
        _ shape: [Int], _ element: Element
    ) throws(DataTransferError) -> Int {
        guard !shape.contains(0) else { return 0 }
        var count = element.size
        for length in shape { count = try Sizes.product(count, length) }
        return count
    }

    private static func head(_ element: Element, flags: UInt64, shape: [Int]) -> [UInt8] {
        var head = magic
        head.append(element.code)
        head.append(element.bits)
        head.append(little: element.lanes)
        head.append(little: UInt32(shape.count))
        head.append(little: flags & UInt64(FAN_DL_READ_ONLY | FAN_DL_COPIED))
        for length in shape { head.append(little: Int64(length)) }
        head.pad(to: alignment)
        return head
    }

    private static func bad(_ message: String) -> DataTransferError {
        .badBlob(message: "the tensor of a blob \(message)")
    }

    // MARK: Into a blob

    static func rebuild(
        _ bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) -> fan_blob {
        let flat = try read(bytes)
        let numbers = bytes.part(flat.place..<bytes.count)
        if numbers.isAligned(to: flat.element.alignment) {
            return RebuiltTensor.blob(
                flat.element, shape: flat.shape, numbers, flags: UInt64(FAN_DL_READ_ONLY),
                owner: owner)
        }
        let copy = OwnedBytes(copying: numbers)
        let flags = flat.flags & UInt64(FAN_DL_READ_ONLY) | UInt64(FAN_DL_COPIED)
        return RebuiltTensor.blob(
            flat.element, shape: flat.shape, copy.bytes, flags: flags, owner: copy)
    }

    private static func read(
        _ bytes: UnsafeRawBufferPointer
    ) throws(DataTransferError) -> (element: Element, shape: [Int], flags: UInt64, place: Int) {
        guard bytes.count >= headBytes, bytes.starts(with: magic) else {
            throw malformed(0, "wanted a head of \(headBytes) bytes that begins with FANTNSR1")
        }
        let element = Element(
            code: bytes[8], bits: bytes[9], lanes: bytes.little(UInt16.self, at: 10))
        try element.check()
        let axes = Int(bytes.little(UInt32.self, at: 12))
        guard axes <= DataTransferLimits.axes else {
            throw .overLimit(limit: "axes", value: DataTransferLimits.axes, found: "\(axes) axes")
        }
        let place = Sizes.padded(headBytes + axes * 8, to: alignment)
        guard bytes.count >= place else {
            throw malformed(bytes.count, "wanted \(place) bytes of head and shape")
        }
        var shape: [Int] = []
        for axis in 0..<axes {
            let length = bytes.little(Int64.self, at: headBytes + axis * 8)
            guard length >= 0 else {
                throw malformed(headBytes + axis * 8, "an axis cannot have the length \(length)")
            }
            shape.append(Int(length))
        }
        let count = try byteCount(shape, element)
        guard bytes.count - place == count else {
            throw malformed(
                place, "wanted \(count) bytes of numbers, found \(bytes.count - place)")
        }
        return (element, shape, bytes.little(UInt64.self, at: 16), place)
    }

    private static func malformed(_ offset: Int, _ message: String) -> DataTransferError {
        .malformed(format: "flat tensor", offset: offset, message: message)
    }
}

/// The memory of a tensor that was rebuilt: its head, its shape, and what keeps the numbers.
private final class RebuiltTensor {
    private let managed: UnsafeMutablePointer<DLManagedTensorVersioned>
    private let axes: UnsafeMutablePointer<Int64>
    private let owner: AnyObject

    private init(
        _ element: FlatTensor.Element, _ shape: [Int], _ numbers: UnsafeRawBufferPointer,
        flags: UInt64, owner: AnyObject
    ) {
        self.owner = owner
        managed = .allocate(capacity: 1)
        axes = .allocate(capacity: max(shape.count * 2, 1))
        let strides = StridedNumbers.rowMajor(shape, elementBytes: 1)
        for axis in shape.indices {
            (axes + axis).initialize(to: Int64(shape[axis]))
            (axes + shape.count + axis).initialize(to: Int64(strides[axis]))
        }
        var tensor = DLTensor()
        tensor.data = UnsafeMutableRawPointer(mutating: numbers.baseAddress)
        tensor.device = DLDevice(device_type: Int32(FAN_DL_CPU), device_id: 0)
        tensor.ndim = Int32(shape.count)
        tensor.dtype = DLDataType(code: element.code, bits: element.bits, lanes: element.lanes)
        tensor.shape = axes
        tensor.strides = axes + shape.count
        var head = DLManagedTensorVersioned()
        head.version = DLPackVersion(major: UInt32(FAN_DL_MAJOR), minor: 0)
        head.flags = flags
        head.dl_tensor = tensor
        managed.initialize(to: head)
    }

    deinit {
        managed.deallocate()
        axes.deallocate()
    }

    /// The function that lets the tensor go, once; the first call frees the struct itself.
    private static let delete:
        @convention(c) @Sendable (UnsafeMutablePointer<DLManagedTensorVersioned>?) -> Void = {
            guard let context = $0?.pointee.manager_ctx else { return }
            $0?.pointee.manager_ctx = nil
            $0?.pointee.deleter = nil
            Unmanaged<RebuiltTensor>.fromOpaque(context).release()
        }

    private static let release: @convention(c) @Sendable (UnsafeMutablePointer<fan_blob>) -> Void =
        {
            let data = UnsafeMutableRawPointer(mutating: $0.pointee.data)
            $0.pointee.release = nil
            $0.pointee.data = nil
            delete(data?.assumingMemoryBound(to: DLManagedTensorVersioned.self))
        }

    static func blob(
        _ element: FlatTensor.Element, shape: [Int], _ numbers: UnsafeRawBufferPointer,
        flags: UInt64, owner: AnyObject
    ) -> fan_blob {
        let tensor = RebuiltTensor(element, shape, numbers, flags: flags, owner: owner)
        tensor.managed.pointee.manager_ctx = Unmanaged.passRetained(tensor).toOpaque()
        tensor.managed.pointee.deleter = delete
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_TENSOR)
        blob.flags = flags & UInt64(FAN_DL_READ_ONLY) != 0 ? BlobTransfer.readOnly : 0
        blob.data = UnsafeRawPointer(tensor.managed)
        blob.size = UInt64(numbers.count)
        blob.release = release
        return blob
    }
}
