/// Values of one column, by reference.
///
/// The buffers may begin before the first value: `offset` values are passed over.  That the
/// buffers are as long as the values need, and that no place in them leads outside, is checked by
/// whoever makes a column from bytes of somebody else's.
package struct ArrowColumn: @unchecked Sendable {
    // Unchecked: the memory is constant as long as the owner lives that an `ArrowBatch` keeps.

    /// The name and the type.
    package let field: ArrowField
    /// Values in the buffers before the first one.
    let offset: Int
    /// How many values there are.
    package let length: Int
    /// How many are missing; `nil` if nobody has counted.
    let knownNullCount: Int?
    /// A bit for each value that is there; no bytes if all are.
    let validity: UnsafeRawBufferPointer
    /// The buffers after the validity, as ``ArrowType/Layout`` names them.
    let buffers: [UnsafeRawBufferPointer]
    /// The columns within.
    package let children: [ArrowColumn]

    /// A column over buffers that were checked.
    init(
        field: ArrowField, offset: Int = 0, length: Int, nullCount: Int?,
        validity: UnsafeRawBufferPointer, buffers: [UnsafeRawBufferPointer],
        children: [ArrowColumn] = []
    ) {
        self.field = field
        self.offset = offset
        self.length = length
        knownNullCount = nullCount
        self.validity = nullCount == 0 ? validity.part(0..<0) : validity
        self.buffers = buffers
        self.children = children
    }

    /// Some of the values, by reference; the range must lie within `length`.
    package func values(_ range: Range<Int>) -> ArrowColumn {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= length, "a slice lies within its column")
        return ArrowColumn(
            field: field, offset: offset + range.lowerBound, length: range.count,
            nullCount: range.count == length ? knownNullCount : knownNullCount == 0 ? 0 : nil,
            validity: validity, buffers: buffers, children: children)
    }

    /// Whether value `index` is missing.
    package func isNull(_ index: Int) -> Bool {
        if field.type == .null { return true }
        return !validity.isEmpty && !validity.bit(offset + index)
    }

    /// How many values are missing.
    var nullCount: Int {
        if let knownNullCount { return knownNullCount }
        if field.type == .null { return length }
        guard !validity.isEmpty else { return 0 }
        return length - validity.setBits(offset..<offset + length)
    }

    /// Where value `index` of a column with places begins in what they lead to; `length` gives the
    /// end of the last.
    func place(_ index: Int, offsetBytes: Int) -> Int {
        guard !buffers[0].isEmpty else { return 0 }
        let at = (offset + index) * offsetBytes
        return offsetBytes == 8
            ? Int(buffers[0].little(Int64.self, at: at))
            : Int(buffers[0].little(Int32.self, at: at))
    }

    /// About how many bytes `count` of the values take.
    fileprivate func byteCount(of count: Int) -> Int {
        guard length > 0 else { return 0 }
        let all = buffers.reduce(validity.count) { $0 + $1.count }
        let share = Double(count) / Double(max(offset + length, 1))
        return children.reduce(Int(Double(all) * share)) {
            $0 + $1.byteCount(of: Int(Double($1.length) * share))
        }
    }

    /// The columns within, cut to what the values of this one are made of.
    var heldChildren: [ArrowColumn] {
        switch field.type.layout {
        case .structure: children.map { $0.values(offset..<offset + length) }
        case .fixedList(let count):
            children.map { $0.values(offset * count..<(offset + length) * count) }
        case .list(let offsetBytes):
            children.map {
                $0.values(
                    place(0, offsetBytes: offsetBytes)..<place(length, offsetBytes: offsetBytes))
            }
        default: []
        }
    }
}

/// Rows of a table that lie together, by reference.
package struct ArrowBatch: @unchecked Sendable {
    // Unchecked: the memory is constant as long as `owner` lives, which this value sees to.

    /// How many rows there are.
    package let length: Int
    /// The columns, each of `length` values.
    package let columns: [ArrowColumn]
    /// What keeps the memory of the columns.
    package let owner: AnyObject

    /// Rows of columns that have as many values each.
    init(length: Int, columns: [ArrowColumn], owner: AnyObject) {
        precondition(
            columns.allSatisfy { $0.length == length }, "a column has a value for each row")
        self.length = length
        self.columns = columns
        self.owner = owner
    }

    /// Bytes of the values of some rows, those of their texts by the average.
    ///
    /// Complexity: the number of columns.
    package func byteCount(of rows: Range<Int>) -> Int {
        columns.reduce(0) { $0 + $1.byteCount(of: rows.count) }
    }

    /// Some of the rows, by reference; the range must lie within `length`.
    package func rows(_ range: Range<Int>) -> ArrowBatch {
        ArrowBatch(length: range.count, columns: columns.map { $0.values(range) }, owner: owner)
    }
}

/// The rows of a table: batches of the same columns, by reference.
package struct ArrowTable: Sendable {
    /// The columns.
    package let schema: ArrowTableSchema
    /// The rows, in order.
    package let batches: [ArrowBatch]

    /// A table of these rows, whose columns are those of the schema.
    package init(schema: ArrowTableSchema, batches: [ArrowBatch]) {
        self.schema = schema
        self.batches = batches
    }

    /// How many rows there are.
    package var length: Int { batches.reduce(0) { $0 + $1.length } }
}

extension UnsafeRawBufferPointer {
    /// Bit `index`, the lowest bit of a byte first.
    func bit(_ index: Int) -> Bool { self[index / 8] & (1 << UInt8(index % 8)) != 0 }

    /// How many of the bits in `range` are 1.
    func setBits(_ range: Range<Int>) -> Int {
        var count = 0
        var index = range.lowerBound
        while index < range.upperBound, !index.isMultiple(of: 8) {
            count += bit(index) ? 1 : 0
            index += 1
        }
        while index + 8 <= range.upperBound {
            count += self[index / 8].nonzeroBitCount
            index += 8
        }
        while index < range.upperBound {
            count += bit(index) ? 1 : 0
            index += 1
        }
        return count
    }
}
