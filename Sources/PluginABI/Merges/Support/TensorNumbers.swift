import FanfoldData

/// The type and the shape that all tensors of a merge have.
struct TensorShape {
    var type: TensorType
    var axes: [Int]

    /// Takes the shape of the first tensor, and compares the others with it.
    ///
    /// Returns: whether it is the first.
    static func check(
        _ tensor: Tensor, _ shape: inout TensorShape?, merge: String
    ) throws(Mismatch) -> Bool {
        guard let wanted = shape else {
            guard [.float32, .float64, .int32, .int64].contains(tensor.type) else {
                throw Mismatch(
                    "\(merge) wants float32, float64, int32 or int64, found "
                        + "\(tensor.type.rawValue). Convert the tensor to one of them.")
            }
            shape = TensorShape(type: tensor.type, axes: tensor.shape)
            return true
        }
        guard tensor.type == wanted.type, tensor.shape == wanted.axes else {
            throw Mismatch(
                "it is \(tensor.label), the first is \(wanted.type.rawValue) \(wanted.axes). "
                    + "Tensors are merged number by number and have one type and one shape.")
        }
        return false
    }
}

/// Sums of many numbers, each as two doubles that do not overlap: 106 bits of precision.
///
/// Source: D. E. Knuth, "The Art of Computer Programming", volume 2, 4.2.2, theorem B, for the exact
/// error of an addition; T. J. Dekker, "A floating-point technique for extending the available
/// precision", 1971.
struct DoubledNumbers {
    private var high: [Double]
    private var low: [Double]

    /// As many sums of nothing; a zero has no sign.
    init(count: Int = 0) {
        high = [Double](repeating: 0, count: count)
        low = [Double](repeating: 0, count: count)
    }

    /// Adds a number to one of the sums.
    mutating func add(_ value: Double, at place: Int) {
        add(value, error: 0, at: place)
    }

    /// Adds a product without rounding it.
    mutating func add(_ left: Double, times right: Double, at place: Int) {
        let product = left * right
        add(product, error: product.isFinite ? (-product).addingProduct(left, right) : 0, at: place)
    }

    private mutating func add(_ value: Double, error: Double, at place: Int) {
        let sum = high[place] + value
        // Infinity and what is no number have no error.
        guard sum.isFinite else {
            (high[place], low[place]) = (sum, 0)
            return
        }
        let part = sum - high[place]
        let lost = (high[place] - (sum - part)) + (value - part)
        let rest = low[place] + (lost + error)
        let rounded = sum + rest
        low[place] = rest - (rounded - sum)
        high[place] = rounded
    }

    /// The sums, each rounded to the nearest double.
    var values: [Double] { high }
}

extension Tensor {
    /// How many numbers there are.
    var count: Int { bytes.count / type.size }

    /// For messages: `float32 [2, 3]`.
    var label: String { "\(type.rawValue) \(shape)" }

    /// Whether it holds int32 or int64.
    var isWhole: Bool { type == .int32 || type == .int64 }

    /// A tensor of these numbers.
    static func made<T: BitwiseCopyable>(
        _ type: TensorType, _ shape: [Int], _ numbers: [T]
    ) throws(Mismatch) -> Tensor {
        do throws(DataTransferError) {
            return try Tensor(type: type, shape: shape, numbers: numbers)
        } catch {
            throw Mismatch("\(error)")
        }
    }

    /// Calls `body` with the place and the value of each number of a tensor of int32 or int64.
    func forEachWhole(_ body: (Int, Int64) -> Void) {
        withBytes { bytes in
            for place in 0..<count {
                body(
                    place,
                    type == .int32
                        ? Int64(bytes.loadUnaligned(fromByteOffset: place * 4, as: Int32.self))
                        : bytes.loadUnaligned(fromByteOffset: place * 8, as: Int64.self))
            }
        }
    }

    /// Calls `body` with the place and the value of each number of a tensor of float32 or float64.
    func forEachReal(_ body: (Int, Double) -> Void) {
        withBytes { bytes in
            for place in 0..<count {
                body(
                    place,
                    type == .float32
                        ? Double(bytes.loadUnaligned(fromByteOffset: place * 4, as: Float.self))
                        : bytes.loadUnaligned(fromByteOffset: place * 8, as: Double.self))
            }
        }
    }
}
