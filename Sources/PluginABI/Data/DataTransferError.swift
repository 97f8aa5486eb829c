/// How much is taken of a tensor or a table, each tested at the limit and one past it.
package enum DataTransferLimits {
    /// Bytes of one tensor, table, file or blob.
    package static let bytes = 1 << 40
    /// Axes of a tensor.
    package static let axes = 64
    /// Bytes of the header of an npy file.
    package static let npyHeaderBytes = 64 << 10
    /// Bytes of the header of a safetensors file.
    package static let safetensorsHeaderBytes = 32 << 20
    /// Bytes of one Arrow message without its body, and of the footer of a file.
    package static let arrowMessageBytes = 64 << 20
    /// Columns of a table, the columns within columns included.
    package static let arrowFields = 65_536
    /// How deep columns nest.
    package static let arrowDepth = 32
    /// Record batches of one Arrow file or stream.
    package static let arrowBatches = 1 << 20
    /// Bytes of the names, time zones and metadata of one C schema.
    package static let arrowTextBytes = 1 << 20
}

/// Why a tensor or a table cannot be read, written or moved, and where.
package enum DataTransferError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not what `format` says, from byte `offset` on.
    case malformed(format: String, offset: Int, message: String)
    /// The data is well-formed and not for this version.
    case unsupported(what: String, message: String)
    /// One of ``DataTransferLimits`` is passed.
    case overLimit(limit: String, value: Int, found: String)
    /// Two values that were to go together do not.
    case mismatch(message: String)
    /// A blob that breaks the contract.
    case badBlob(message: String)

    /// What was wanted, what was found and what to do.
    package var description: String {
        switch self {
        case .malformed(let format, let offset, let message):
            "malformed \(format) at byte \(offset): \(message)"
        case .unsupported(let what, let message): "\(what): \(message)"
        case .overLimit(let limit, let value, let found):
            "\(found) is more than DataTransferLimits.\(limit) = \(value)"
        case .mismatch(let message), .badBlob(let message): message
        }
    }

    /// The byte that it is about, if it is about one.
    package var offset: Int? {
        guard case .malformed(_, let offset, _) = self else { return nil }
        return offset
    }

    /// The same error in bytes that have `count` more bytes before them.
    func moved(by count: Int) -> DataTransferError {
        guard case .malformed(let format, let offset, let message) = self else { return self }
        return .malformed(format: format, offset: offset + count, message: message)
    }
}

/// Products and sums of sizes that came from elsewhere.
enum Sizes {
    /// `left * right`, or an error if it is more than ``DataTransferLimits/bytes``.
    static func product(_ left: Int, _ right: Int) throws(DataTransferError) -> Int {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        guard !overflow, product >= 0, product <= DataTransferLimits.bytes else {
            throw .overLimit(
                limit: "bytes", value: DataTransferLimits.bytes, found: "\(left) times \(right)")
        }
        return product
    }

    /// `left + right`, or an error if it is more than ``DataTransferLimits/bytes``.
    static func sum(_ left: Int, _ right: Int) throws(DataTransferError) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        guard !overflow, sum >= 0, sum <= DataTransferLimits.bytes else {
            throw .overLimit(
                limit: "bytes", value: DataTransferLimits.bytes, found: "\(left) and \(right)")
        }
        return sum
    }

    /// `count` rounded up to a multiple of `alignment`.
    static func padded(_ count: Int, to alignment: Int) -> Int {
        (count + alignment - 1) / alignment * alignment
    }
}
