extension ArrowTable {
    /// A table of one column with the rows of a tensor, by reference.
    ///
    /// - Throws: `mismatch` if a row is more than one number; `unsupported` for types that Arrow
    ///   does not have.
    package init(column name: String, _ tensor: Tensor) throws(DataTransferError) {
        guard tensor.shape.count == 1 else {
            throw .mismatch(
                message: "a column has one number a row, and the tensor has the shape "
                    + "\(tensor.shape)")
        }
        let type: ArrowType? =
            switch tensor.type.dlpack.code {
            case 0: .integer(bits: tensor.type.size * 8, signed: true)
            case 1: .integer(bits: tensor.type.size * 8, signed: false)
            case 2: .float(bits: tensor.type.size * 8)
            default: nil
            }
        guard let type else {
            throw .unsupported(
                what: "arrow", message: "a column cannot have the type \(tensor.type.rawValue)")
        }
        let field = ArrowField(name, type, isNullable: false)
        let column = ArrowColumn(
            field: field, length: tensor.rows, nullCount: 0,
            validity: UnsafeRawBufferPointer(start: nil, count: 0), buffers: [tensor.bytes])
        self.init(
            schema: ArrowTableSchema([field]),
            batches: [ArrowBatch(length: tensor.rows, columns: [column], owner: tensor.owner)])
    }
}
