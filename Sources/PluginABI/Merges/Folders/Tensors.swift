import FanfoldData
import FanfoldJSON
import PluginKit

/// What a merge of tensors keeps of the tensors of one name.
protocol TensorLeaf {
    /// A leaf that has been given nothing, with the same options.
    init(like other: Self)

    /// Takes in a tensor.
    ///
    /// Throws: in words, why it does not fit those before.
    mutating func add(_ tensor: Tensor, weight: Double) throws(Mismatch)

    /// The merged tensor; asked for after `add` only.
    func result() throws(Mismatch) -> Tensor
}

/// Merges npy tensors, or those of safetensors files name by name.
///
/// Pieces are folded by ascending index, so that the order of arrival does not show in the bytes.
final class TensorFolder<L: TensorLeaf>: Folder {
    private let empty: L
    private var format: PieceFormat
    /// Whose tensors the others must be like.
    private var first: String?
    private var names: [String] = []
    private var leaves: [String: L] = [:]
    private var metadata = JSONObject()

    /// Parameter format: The format of nothing.
    init(_ empty: L, _ format: PieceFormat) {
        self.empty = empty
        self.format = format
    }

    func fold(_ piece: Piece) throws(PluginError) {
        let tensors = try tensors(of: piece)
        if let first {
            try check(piece, against: first, tensors)
        } else {
            first = piece.name
            format = piece.format
            names = tensors.map(\.name)
        }
        for named in tensors {
            // Taken out, so that what it holds is not copied.
            var leaf = leaves.removeValue(forKey: named.name) ?? L(like: empty)
            do throws(Mismatch) {
                try leaf.add(named.tensor, weight: piece.weight)
            } catch {
                throw piece.mistake(place(named.name) + error.message)
            }
            leaves[named.name] = leaf
        }
    }

    func finish() throws(PluginError) -> Output {
        guard first != nil else { return Output(format: format.rawValue, parts: []) }
        do throws(DataTransferError) {
            var merged: [NamedTensor] = []
            for name in names {
                guard let leaf = leaves.removeValue(forKey: name) else { continue }
                do throws(Mismatch) {
                    merged.append(NamedTensor(name, try leaf.result()))
                } catch {
                    throw DataTransferError.mismatch(message: place(name) + error.message)
                }
            }
            let bytes =
                format == .npy
                ? try Npy.bytes(of: merged[0].tensor)
                : try Safetensors.bytes(of: merged, metadata: metadata)
            return Output(format: format.rawValue, parts: [.bytes(bytes)])
        } catch {
            throw PluginError(.range, reason: "merge.range", "\(error)")
        }
    }

    private func place(_ name: String) -> String {
        format == .npy ? "" : "at \"\(name)\": "
    }

    /// The tensors of a piece; that of an npy file has no name.
    private func tensors(of piece: Piece) throws(PluginError) -> [NamedTensor] {
        let bytes = piece.blob.withBytes { $0 }
        do throws(DataTransferError) {
            switch piece.format {
            case .npy: return [NamedTensor("", try Npy.read(bytes, owner: piece.blob))]
            case .safetensors:
                let file = try Safetensors.file(bytes, owner: piece.blob)
                for (name, text) in file.metadata.members where metadata[name] == nil {
                    metadata[name] = text
                }
                return file.tensors
            case .json, .jsonl, .csv, .lines, .bytes, .arrow: break
            }
        } catch {
            throw piece.mistake("\(error)")
        }
        throw piece.mistake(
            "a merge of tensors cannot read stdout: \(piece.format.rawValue). Say npy or "
                + "safetensors in run.stdout.")
    }

    private func check(
        _ piece: Piece, against first: String, _ tensors: [NamedTensor]
    ) throws(PluginError) {
        guard piece.format == format else {
            throw piece.mistake(
                "it is \(piece.format.rawValue), that of \(first) is \(format.rawValue). "
                    + "Let every program print the same.")
        }
        let found = Set(tensors.map(\.name))
        if let missing = names.first(where: { !found.contains($0) }) {
            throw piece.mistake("it has no tensor \"\(missing)\", which that of \(first) has.")
        }
        if let extra = tensors.map(\.name).first(where: { leaves[$0] == nil }) {
            throw piece.mistake("it has a tensor \"\(extra)\", which that of \(first) has not.")
        }
    }
}

/// Puts tensors one after the other along an axis.
struct TensorConcat: TensorLeaf {
    let axis: Int
    private var tensors: [Tensor] = []

    init(axis: Int) {
        self.axis = axis
    }

    init(like other: TensorConcat) {
        axis = other.axis
    }

    mutating func add(_ tensor: Tensor, weight: Double) throws(Mismatch) {
        guard tensor.shape.count > axis else {
            throw Mismatch(
                "a tensor \(tensor.shape) has no axis \(axis). Tensors are put one after the other "
                    + "along an axis that they have.")
        }
        if let first = tensors.first {
            var wanted = first.shape
            wanted[axis] = tensor.shape.count == wanted.count ? tensor.shape[axis] : 0
            guard tensor.type == first.type, tensor.shape == wanted else {
                throw Mismatch(
                    "it is \(tensor.label), the first is \(first.label). Tensors that are put one "
                        + "after the other along axis \(axis) have one type and one shape but for "
                        + "that axis.")
            }
        }
        tensors.append(tensor)
    }

    func result() throws(Mismatch) -> Tensor {
        let first = tensors[0]
        var shape = first.shape
        shape[axis] = 0
        for tensor in tensors {
            let (sum, overflow) = shape[axis].addingReportingOverflow(tensor.shape[axis])
            guard !overflow else { throw Mismatch("axis \(axis) becomes longer than Int.max") }
            shape[axis] = sum
        }
        guard tensors.contains(where: { !$0.bytes.isEmpty }) else {
            return try .made(first.type, shape, [UInt8]())
        }
        let outer = first.shape[..<axis].reduce(1, *)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(tensors.reduce(0) { $0 + $1.bytes.count })
        for row in 0..<outer {
            for tensor in tensors {
                let count = tensor.bytes.count / outer
                tensor.withBytes { bytes.append(contentsOf: $0[row * count..<(row + 1) * count]) }
            }
        }
        return try .made(first.type, shape, bytes)
    }
}

/// Adds tensors number by number.
///
/// Whole numbers add up exactly.  The others are kept as two doubles that do not overlap, in all
/// 106 bits, and are rounded once at the end.
struct TensorSum: TensorLeaf {
    private var shape: TensorShape?
    private var whole: [Int128] = []
    private var real = DoubledNumbers()

    init() {}

    init(like other: TensorSum) {}

    mutating func add(_ tensor: Tensor, weight: Double) throws(Mismatch) {
        let isFirst = try TensorShape.check(tensor, &shape, merge: "tensor-sum")
        if tensor.isWhole {
            if isFirst { whole = [Int128](repeating: 0, count: tensor.count) }
            tensor.forEachWhole { whole[$0] += Int128($1) }
        } else {
            if isFirst { real = DoubledNumbers(count: tensor.count) }
            tensor.forEachReal { real.add($1, at: $0) }
        }
    }

    func result() throws(Mismatch) -> Tensor {
        guard let shape else { preconditionFailure("a result is asked for after a tensor") }
        switch shape.type {
        case .float32: return try .made(shape.type, shape.axes, real.values.map(Float.init))
        case .float64: return try .made(shape.type, shape.axes, real.values)
        case .int32: return try .made(shape.type, shape.axes, try exact(Int32.self))
        default: return try .made(shape.type, shape.axes, try exact(Int64.self))
        }
    }

    private func exact<T: FixedWidthInteger>(_ type: T.Type) throws(Mismatch) -> [T] {
        var numbers: [T] = []
        numbers.reserveCapacity(whole.count)
        for (place, sum) in whole.enumerated() {
            guard let number = T(exactly: sum) else {
                throw Mismatch(
                    "number \(place) adds up to \(sum), beyond what \(T.self) can hold. Give "
                        + "a wider type.")
            }
            numbers.append(number)
        }
        return numbers
    }
}

/// The weighted mean of tensors, number by number: float64 for whole numbers.
struct TensorMean: TensorLeaf {
    private var shape: TensorShape?
    private var sums = DoubledNumbers()
    private var weights = ExactSum()

    init() {}

    init(like other: TensorMean) {}

    mutating func add(_ tensor: Tensor, weight: Double) throws(Mismatch) {
        if try TensorShape.check(tensor, &shape, merge: "tensor-mean") {
            sums = DoubledNumbers(count: tensor.count)
        }
        weights.add(weight)
        if tensor.isWhole {
            tensor.forEachWhole { place, value in
                let high = Double(value)
                sums.add(high, times: weight, at: place)
                // What 53 bits do not hold; nothing for most numbers.
                let rest = Int128(value) - (Int128(exactly: high) ?? Int128(value))
                if rest != 0 { sums.add(Double(rest), times: weight, at: place) }
            }
        } else {
            tensor.forEachReal { sums.add($1, times: weight, at: $0) }
        }
    }

    func result() throws(Mismatch) -> Tensor {
        guard let shape else { preconditionFailure("a result is asked for after a tensor") }
        let total = weights.value
        guard total != 0 else {
            throw Mismatch("the weights add up to 0. Give at least one result some weight.")
        }
        let means = sums.values.map { $0 / total }
        return shape.type == .float32
            ? try .made(.float32, shape.axes, means.map(Float.init))
            : try .made(.float64, shape.axes, means)
    }
}
