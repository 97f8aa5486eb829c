// Subtasks and their edges: tables of records of one size, as there may be millions.

extension ByteWriter {
    mutating func put(subtaskTable records: ContiguousArray<SubtaskRecord>) {
        table(count: records.count, stride: SubtaskRecord.codedSize) { bytes in
            var offset = 0
            for record in records {
                record.store(in: bytes, at: offset)
                offset += SubtaskRecord.codedSize
            }
        }
    }

    mutating func put(edgeTable edges: ContiguousArray<DependencyEdge>) {
        table(count: edges.count, stride: 8) { bytes in
            for (index, edge) in edges.enumerated() {
                bytes.store(edge.dependent, at: index * 8)
                bytes.store(edge.next, at: index * 8 + 4)
            }
        }
    }
}

extension ByteReader {
    mutating func subtaskTable() throws(CodingError) -> ContiguousArray<SubtaskRecord> {
        let start = offset
        let records = try table(stride: SubtaskRecord.codedSize) {
            (bytes, count) -> ContiguousArray<SubtaskRecord>? in
            var records: ContiguousArray<SubtaskRecord> = []
            records.reserveCapacity(count)
            for index in 0..<count {
                guard let record = SubtaskRecord(in: bytes, at: index * SubtaskRecord.codedSize)
                else { break }
                records.append(record)
            }
            return records.count == count ? records : nil
        }
        guard let records else { throw CodingError(.badNumber, at: start) }
        return records
    }

    mutating func edgeTable() throws(CodingError) -> ContiguousArray<DependencyEdge> {
        try table(stride: 8) { (bytes, count) -> ContiguousArray<DependencyEdge> in
            ContiguousArray(
                (0..<count).map {
                    DependencyEdge(
                        dependent: bytes.number(at: $0 * 8), next: bytes.number(at: $0 * 8 + 4))
                })
        }
    }
}

extension SubtaskRecord {
    /// Bytes of a record: as many as in memory.
    fileprivate static let codedSize = 24

    fileprivate func store(in bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        bytes.store(shape, at: offset)
        bytes.store(priority.bitPattern, at: offset + 4)
        bytes.store(link, at: offset + 8)
        bytes.store(dependents, at: offset + 12)
        bytes.store(epoch, at: offset + 16)
        bytes.store(attempts, at: offset + 18)
        bytes[offset + 20] = state.rawValue
        bytes[offset + 21] = troubles
        bytes[offset + 22] = verdictRetries
        bytes[offset + 23] = isPlaced ? 1 : 0
    }

    fileprivate init?(in bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard let state = SubtaskState(rawValue: bytes[offset + 20]), bytes[offset + 23] <= 1
        else { return nil }
        self.init(
            shape: bytes.number(at: offset),
            priority: Float(bitPattern: bytes.number(at: offset + 4)),
            link: bytes.number(at: offset + 8), dependents: bytes.number(at: offset + 12),
            epoch: bytes.number(at: offset + 16), attempts: bytes.number(at: offset + 18),
            state: state, troubles: bytes[offset + 21], verdictRetries: bytes[offset + 22],
            isPlaced: bytes[offset + 23] == 1)
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func store<Number: FixedWidthInteger & BitwiseCopyable>(
        _ value: Number, at offset: Int
    ) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: Number.self)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func number<Number: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int
    ) -> Number {
        Number(littleEndian: loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
