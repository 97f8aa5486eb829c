// Workers and what is reserved on them, as bytes.

extension WorkerState: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.byte(phase.rawValue)
        writer.bool(isKnown)
        writer.bool(isSuspect)
        writer.varint(session)
        writer.put(ledger)
        writer.put(list: slots)
        writer.put(indices: freeSlots)
        writer.put(indices: cells)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            phase: try reader.enumeration(), isKnown: try reader.bool(),
            isSuspect: try reader.bool(), session: try reader.varint(),
            ledger: try reader.get(), slots: ContiguousArray(try reader.list(of: SlotState.self)),
            freeSlots: try reader.indices(), cells: try reader.indices())
    }
}

extension SlotState: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.varint(generation)
        writer.varint(cell)
        writer.bool(isStuck)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            generation: try reader.integer(), cell: try reader.integer(),
            isStuck: try reader.bool())
    }
}

extension Ledger: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(total)
        writer.put(free)
        writer.put(optional: measured)
        writer.put(list: labels)
        writer.natural(reservations.count)
        for (slot, held) in reservations.sorted(by: { $0.key < $1.key }) {
            writer.put(slot)
            writer.put(held)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        let total = try reader.get(ResourceVector.self)
        let free = try reader.get(ResourceVector.self)
        let measured = try reader.optional(MeasuredUse.self)
        self.init(total: total, labels: try reader.list())
        self.free = free
        self.measured = measured
        for _ in 0..<(try reader.count()) {
            let slot = try reader.get(SlotID.self)
            let held = try reader.get(Reservation.self)
            guard reservations.updateValue(held, forKey: slot) == nil,
                held.devices.allSatisfy({ total.devices.indices.contains($0) })
            else { throw CodingError(.badNumber, at: start) }
        }
        guard free.devices.count == total.devices.count else {
            throw CodingError(.badNumber, at: start)
        }
    }
}

extension Ledger.Reservation: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.zigzag(milliCores)
        writer.zigzag(memoryBytes)
        writer.zigzag(deviceMilli)
        writer.zigzag(deviceMemoryBytes)
        writer.put(indices: devices.map { UInt32($0) })
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            milliCores: try reader.zigzag(), memoryBytes: try reader.zigzag(),
            deviceMilli: try reader.zigzag(), deviceMemoryBytes: try reader.zigzag(),
            devices: try reader.indices().map { Int($0) })
    }
}
