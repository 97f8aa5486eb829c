// What the shell hands in, as bytes.

extension TaskID: ByteCoded {
    func encode(into writer: inout ByteWriter) { writer.varint(index) }

    init(from reader: inout ByteReader) throws(CodingError) { self.init(try reader.integer()) }
}

extension WorkerID: ByteCoded {
    func encode(into writer: inout ByteWriter) { writer.varint(index) }

    init(from reader: inout ByteReader) throws(CodingError) { self.init(try reader.integer()) }
}

extension ShapeID: ByteCoded {
    func encode(into writer: inout ByteWriter) { writer.varint(index) }

    init(from reader: inout ByteReader) throws(CodingError) { self.init(try reader.integer()) }
}

extension RunID: ByteCoded {
    func encode(into writer: inout ByteWriter) { writer.varint(rawValue) }

    init(from reader: inout ByteReader) throws(CodingError) { self.init(try reader.varint()) }
}

extension SlotID: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.varint(index)
        writer.varint(generation)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(index: try reader.integer(), generation: try reader.integer())
    }
}

extension Failure: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.byte(kind.rawValue)
        writer.byte(retry.rawValue)
        writer.string(reason)
        writer.string(message)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            try reader.enumeration(), retry: try reader.enumeration(),
            reason: try reader.string(), try reader.string())
    }
}

/// What stands in front of a record with more in it than records had at first: those read as they
/// were written.
private let extended = Int64.min

extension DeviceVector: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        if place != .unknown || milli == extended {
            writer.zigzag(extended)
            writer.byte(place.node)
            writer.byte(place.link)
        }
        writer.zigzag(milli)
        writer.zigzag(memoryBytes)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        var milli = try reader.zigzag()
        var place = DevicePlace.unknown
        if milli == extended {
            place = DevicePlace(node: try reader.byte(), link: try reader.byte())
            milli = try reader.zigzag()
        }
        self.init(milli: milli, memoryBytes: try reader.zigzag(), place: place)
    }
}

extension ResourceVector: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.zigzag(milliCores)
        writer.zigzag(memoryBytes)
        writer.put(list: devices)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            milliCores: try reader.zigzag(), memoryBytes: try reader.zigzag(),
            devices: try reader.list())
    }
}

extension ResourceRequest: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        if topology != .any || milliCores == extended {
            writer.zigzag(extended)
            writer.byte(topology.rawValue)
        }
        writer.zigzag(milliCores)
        writer.zigzag(memoryBytes)
        writer.zigzag(Int64(devices))
        writer.zigzag(deviceMilli)
        writer.zigzag(deviceMemoryBytes)
        writer.put(list: labels)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        var cores = try reader.zigzag()
        var topology = DeviceTopology.any
        if cores == extended {
            topology = try reader.enumeration()
            cores = try reader.zigzag()
        }
        self.init(
            milliCores: cores, memoryBytes: try reader.zigzag(), devices: try reader.signed(),
            deviceMilli: try reader.zigzag(), deviceMemoryBytes: try reader.zigzag(),
            topology: topology, labels: try reader.list())
    }
}

extension WorkerSpec: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(id)
        writer.put(capacity)
        writer.put(list: labels)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(id: try reader.get(), capacity: try reader.get(), labels: try reader.list())
    }
}

extension ShapeSpec: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(task)
        writer.put(optional: needs)
        writer.put(optional: timeoutNanoseconds)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            task: try reader.get(), needs: try reader.optional(),
            timeoutNanoseconds: try reader.optionalNumber())
    }
}

extension RetryPolicy: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.zigzag(Int64(attempts))
        writer.varint(baseNanoseconds)
        writer.varint(capNanoseconds)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            attempts: try reader.signed(), baseNanoseconds: try reader.varint(),
            capNanoseconds: try reader.varint())
    }
}

extension FailurePolicy: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .failFast: writer.byte(0)
        case .bestEffort: writer.byte(1)
        case .minimumSuccess(let share):
            writer.byte(2)
            writer.double(share)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .failFast
        case 1: self = .bestEffort
        case 2: self = .minimumSuccess(try reader.double())
        case let number: throw reader.unknown("FailurePolicy", number, at: start)
        }
    }
}

extension TaskSpec: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(id)
        writer.string(name)
        writer.put(list: dependsOn)
        writer.put(needs)
        writer.put(optional: timeoutNanoseconds)
        writer.put(retry)
        writer.put(failurePolicy)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            id: try reader.get(), name: try reader.string(), dependsOn: try reader.list(),
            needs: try reader.get(), timeoutNanoseconds: try reader.optionalNumber(),
            retry: try reader.get(), failurePolicy: try reader.get())
    }
}

extension RunSpec: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(id)
        writer.varint(seed)
        writer.put(list: tasks)
        writer.bool(maximumConcurrency != nil)
        if let maximumConcurrency { writer.zigzag(Int64(maximumConcurrency)) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            id: try reader.get(), seed: try reader.varint(), tasks: try reader.list(),
            maximumConcurrency: try reader.bool() ? try reader.signed() : nil)
    }
}
