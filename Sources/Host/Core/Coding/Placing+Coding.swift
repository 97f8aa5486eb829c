// Policies, and what they have learned, as bytes: a section of its own in a snapshot.

extension PlacementSettings: ByteCoded {
    package func encode(into writer: inout ByteWriter) {
        writer.string(policy.rawValue)
        writer.string(shadow?.rawValue ?? "")
    }

    package init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        let policy = try reader.string()
        let shadow = try reader.string()
        guard let known = PlacementPolicy(rawValue: policy), known != .random else {
            throw CodingError(.contradiction("\(policy) is a policy"), at: start)
        }
        self.init(policy: known)
        guard !shadow.isEmpty else { return }
        guard let other = PlacementPolicy(rawValue: shadow), other != .random else {
            throw CodingError(.contradiction("\(shadow) is a policy"), at: start)
        }
        self.shadow = other
    }
}

extension Coordinator {
    /// Writes the policies, if there are any.
    func encodePlacing(into writer: inout ByteWriter) {
        guard let settings = placing.settings else { return }
        writer.byte(CoordinatorSection.placing.rawValue)
        writer.put(settings)
        placing.placer.encodeTypical(into: &writer)
        placing.shadow?.encodeTypical(into: &writer)
    }

    /// Reads what ``encodePlacing(into:)`` wrote after its number.
    mutating func readPlacing(_ reader: inout ByteReader) throws(CodingError) {
        placing.begin(try reader.get())
        try placing.placer.readTypical(&reader)
        if placing.settings?.shadow != nil {
            var shadow = placing.shadow ?? Placer(.fitness)
            try shadow.readTypical(&reader)
            placing.shadow = shadow
        }
        for worker in workers.indices { placing.touch(worker) }
    }
}

extension Placer {
    /// Writes what has been counted and what is typical.
    func encodeTypical(into writer: inout ByteWriter) {
        writer.natural(requests.count)
        for request in requests { writer.put(request.resources) }
        writer.natural(typical.counts.count)
        for count in typical.counts { writer.double(count) }
        writer.double(typical.total)
        writer.double(typical.nextLesson)
        writer.natural(typical.devices)
        writer.natural(typical.list.count)
        for entry in typical.list {
            writer.put(entry.request.resources)
            writer.double(entry.share)
            writer.double(entry.scarcity)
        }
    }

    /// Reads what ``encodeTypical(into:)`` wrote, into a placer that knows no request.
    mutating func readTypical(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            _ = shape(of: PlacementRequest(try reader.get()))
        }
        let start = reader.offset
        for _ in 0..<(try reader.count(eachAtLeast: 8)) {
            typical.counts.append(try reader.double())
        }
        typical.total = try reader.double()
        typical.nextLesson = try reader.double()
        typical.devices = try reader.natural()
        for _ in 0..<(try reader.count()) {
            let request = PlacementRequest(try reader.get())
            typical.list.append(
                TypicalRequests.Typical(
                    request: request, share: try reader.double(), scarcity: try reader.double()))
        }
        let numbers =
            typical.counts + [typical.total, typical.nextLesson]
            + typical.list.flatMap { [$0.share, $0.scarcity] }
        guard typical.counts.count <= requests.count,
            typical.list.count <= Limits.typicalRequests,
            numbers.allSatisfy({ $0 >= 0 && $0.isFinite }),
            (requests + typical.list.map(\.request)).allSatisfy({ $0.resources.problem == nil })
        else { throw CodingError(.badNumber, at: start) }
        learn()
    }
}
