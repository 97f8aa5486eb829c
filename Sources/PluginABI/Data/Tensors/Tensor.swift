/// Numbers of one type in rows, by reference.
///
/// The numbers lie one after the other, the last axis fastest, in the byte order of this machine.
package struct Tensor: @unchecked Sendable {
    // Unchecked: the memory is constant as long as `owner` lives, which this value sees to.

    /// The type of each number.
    package let type: TensorType
    /// The length of each axis; no axes is one number.
    package let shape: [Int]
    /// The numbers; valid only while `owner` lives.
    package let bytes: UnsafeRawBufferPointer
    /// What keeps the memory.
    package let owner: AnyObject

    /// A tensor over `bytes`, which stay valid and unchanged as long as `owner` lives.
    ///
    /// - Throws: `overLimit`; `mismatch` if the bytes are not as many as the shape needs.
    package init(
        type: TensorType, shape: [Int], bytes: UnsafeRawBufferPointer, owner: AnyObject
    ) throws(DataTransferError) {
        let wanted = try Tensor.byteCount(type: type, shape: shape)
        guard bytes.count == wanted else {
            throw .mismatch(
                message:
                    "a tensor \(shape) of \(type.rawValue) has \(wanted) bytes, not \(bytes.count)")
        }
        self.type = type
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
    }

    /// A tensor with a copy of `numbers`, which must be as many as the shape needs.
    ///
    /// - Throws: as the initializer over memory does.
    package init<T: BitwiseCopyable>(
        type: TensorType, shape: [Int], numbers: [T]
    ) throws(DataTransferError) {
        let copy = numbers.withUnsafeBytes { OwnedBytes(copying: $0) }
        try self.init(type: type, shape: shape, bytes: copy.bytes, owner: copy)
    }

    /// Bytes of a tensor.
    ///
    /// - Throws: `overLimit`, `mismatch` for a length below 0.
    package static func byteCount(
        type: TensorType, shape: [Int]
    ) throws(DataTransferError) -> Int {
        guard shape.count <= DataTransferLimits.axes else {
            throw .overLimit(
                limit: "axes", value: DataTransferLimits.axes, found: "\(shape.count) axes")
        }
        if let length = shape.first(where: { $0 < 0 }) {
            throw .mismatch(message: "an axis of a tensor cannot have the length \(length)")
        }
        guard !shape.contains(0) else { return 0 }
        var count = type.size
        for length in shape { count = try Sizes.product(count, length) }
        return count
    }

    /// How many rows the first axis has; a single number is one row.
    package var rows: Int { shape.first ?? 1 }

    /// The shape of one row.
    package var rowShape: [Int] { Array(shape.dropFirst()) }

    /// Bytes of one row.
    package var rowBytes: Int { rows == 0 ? 0 : bytes.count / rows }

    /// Some of the rows, by reference; the range must lie within `rows`.
    package func rows(_ range: Range<Int>) -> Tensor {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= rows, "a slice lies within its tensor")
        guard !shape.isEmpty else { return range.isEmpty ? noRows : self }
        let part = bytes.part(range.lowerBound * rowBytes..<range.upperBound * rowBytes)
        return Tensor(
            type, [range.count] + rowShape, part, owner)
    }

    private var noRows: Tensor {
        Tensor(type, [0], UnsafeRawBufferPointer(start: nil, count: 0), owner)
    }

    private init(
        _ type: TensorType, _ shape: [Int], _ bytes: UnsafeRawBufferPointer, _ owner: AnyObject
    ) {
        self.type = type
        self.shape = shape
        self.bytes = bytes
        self.owner = owner
    }

    /// Lends the bytes for the time of the call.
    package func withBytes<T, E>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> T
    ) throws(E) -> T {
        try withExtendedLifetime(owner) { () throws(E) -> T in try body(bytes) }
    }
}

/// Numbers that lie in memory in another order than a ``Tensor`` has them.
struct StridedNumbers {
    /// Bytes of one element.
    var elementBytes: Int
    /// The length of each axis.
    var shape: [Int]
    /// Bytes from one element of an axis to the next; may be negative.
    var strides: [Int]

    /// The strides of elements that lie one after the other, the last axis fastest.
    static func rowMajor(_ shape: [Int], elementBytes: Int) -> [Int] {
        var strides = shape
        var step = elementBytes
        for axis in shape.indices.reversed() {
            strides[axis] = step
            step = step &* max(shape[axis], 1)
        }
        return strides
    }

    /// Whether the elements lie one after the other already.
    var isRowMajor: Bool {
        guard !shape.contains(0) else { return true }
        let dense = StridedNumbers.rowMajor(shape, elementBytes: elementBytes)
        return shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == dense[$0] }
    }

    /// Copies all elements from `start` to `target`, the last axis fastest.
    ///
    /// Runs of axes that lie one after the other are copied at once.
    func copy(from start: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
        guard !shape.contains(0) else { return }
        var run = elementBytes
        var outer = shape.count
        while outer > 0, shape[outer - 1] == 1 || strides[outer - 1] == run {
            run *= shape[outer - 1]
            outer -= 1
        }
        var index = [Int](repeating: 0, count: outer)
        var source = start
        var written = target
        while true {
            written.copyMemory(from: source, byteCount: run)
            written += run
            var axis = outer - 1
            while axis >= 0 {
                index[axis] += 1
                source += strides[axis]
                if index[axis] < shape[axis] { break }
                source -= strides[axis] * shape[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
