// Policies that are plugins, and what they answered, as bytes: a section of its own in a snapshot.

extension PlacementSettings {
    /// Writes the names of plugins, if there are any.
    func encodePlugins(into writer: inout ByteWriter) {
        guard plugin != nil || shadowPlugin != nil else { return }
        writer.string(plugin ?? "")
        writer.string(shadowPlugin ?? "")
    }

    /// Reads what ``encodePlugins(into:)`` wrote.
    mutating func decodePlugins(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        let names = [try reader.string(), try reader.string()]
        plugin = names[0].isEmpty ? nil : names[0]
        shadowPlugin = names[1].isEmpty ? nil : names[1]
        guard plugin != nil || shadowPlugin != nil, shadowPlugin == nil || shadow != nil else {
            throw CodingError(.contradiction("a plugin has a policy in its place"), at: start)
        }
    }
}

extension ByteReader {
    mutating func seat() throws(CodingError) -> PolicySeat {
        let start = offset
        let number = try byte()
        guard let seat = PolicySeat(rawValue: number) else {
            throw unknown("PolicySeat", number, at: start)
        }
        return seat
    }

    mutating func fault() throws(CodingError) -> PolicyFault {
        let start = offset
        let number = try byte()
        guard let fault = PolicyFault(rawValue: number) else {
            throw unknown("PolicyFault", number, at: start)
        }
        return fault
    }
}

extension WorkerKind: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.zigzag(milliCores)
        writer.zigzag(gibibytes)
        writer.natural(devices)
        writer.zigzag(deviceGibibytes)
        writer.natural(labels.count)
        for label in labels { writer.string(label) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(
            milliCores: try reader.zigzag(), gibibytes: try reader.zigzag(),
            devices: try reader.natural(), deviceGibibytes: try reader.zigzag())
        for _ in 0..<(try reader.count()) { labels.append(try reader.string()) }
    }
}

extension PolicyAnswer: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.byte(seat.rawValue)
        writer.natural(classes.count)
        for number in classes { writer.natural(number) }
        writer.natural(kinds.count)
        for kind in kinds { writer.put(kind) }
        for score in scores { writer.double(score) }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let seat = try reader.seat()
        let start = reader.offset
        var classes: [Int] = []
        for _ in 0..<(try reader.count()) { classes.append(try reader.natural()) }
        var kinds: [WorkerKind] = []
        for _ in 0..<(try reader.count()) { kinds.append(try reader.get()) }
        guard classes.count <= Limits.policyRequestsAsked, kinds.count <= Limits.policyKinds else {
            throw CodingError(.badNumber, at: start)
        }
        var scores: [Double] = []
        for _ in 0..<(classes.count * kinds.count * WorkerLoad.count) {
            scores.append(try reader.double())
        }
        self.init(seat: seat, classes: classes, kinds: kinds, scores: scores)
    }
}

extension Coordinator {
    /// Writes which plugins choose and what they answered, if there are any.
    func encodePolicyPlugins(into writer: inout ByteWriter) {
        guard let settings = placing.settings,
            settings.plugin != nil || settings.shadowPlugin != nil
        else { return }
        writer.byte(CoordinatorSection.plugins.rawValue)
        settings.encodePlugins(into: &writer)
        for seat in placing.seats {
            let scores = seat.scores
            writer.byte(scores.fault.map { $0.rawValue + 1 } ?? 0)
            writer.bool(scores.isSetAside)
            writer.natural(scores.kinds.count)
            for kind in scores.kinds { writer.put(kind) }
            let rows = scores.rows.indices.filter { !scores.rows[$0].isEmpty }
            writer.natural(rows.count)
            for resources in rows {
                writer.natural(resources)
                writer.natural(scores.rows[resources].count)
                for score in scores.rows[resources] { writer.double(score) }
            }
        }
    }

    /// Reads what ``encodePolicyPlugins(into:)`` wrote after its number.
    mutating func readPolicyPlugins(_ reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        guard var settings = placing.settings else {
            throw CodingError(.contradiction("plugins choose where a policy does"), at: start)
        }
        try settings.decodePlugins(from: &reader)
        placing.name(settings)
        for seat in PolicySeat.allCases {
            try readScores(&reader, of: Int(seat.rawValue))
        }
    }

    private mutating func readScores(
        _ reader: inout ByteReader, of seat: Int
    ) throws(CodingError) {
        let start = reader.offset
        let fault = try reader.byte()
        placing.seats[seat].scores.isSetAside = try reader.bool()
        if fault > 0 {
            guard let known = PolicyFault(rawValue: fault - 1) else {
                throw reader.unknown("PolicyFault", fault - 1, at: start)
            }
            placing.seats[seat].scores.fault = known
        }
        var kinds: [WorkerKind] = []
        for _ in 0..<(try reader.count()) { kinds.append(try reader.get()) }
        var rows: [(resources: Int, scores: [Double])] = []
        for _ in 0..<(try reader.count()) {
            let resources = try reader.natural()
            var scores: [Double] = []
            for _ in 0..<(try reader.count(eachAtLeast: 8)) { scores.append(try reader.double()) }
            rows.append((resources, scores))
        }
        let isGood =
            kinds.count <= Limits.policyKinds && Set(kinds).count == kinds.count
            && rows.count <= Limits.policyRequests
            && zip(rows, rows.dropFirst()).allSatisfy { $0.resources < $1.resources }
            && rows.allSatisfy { row in
                classes.indices.contains(row.resources) && !row.scores.isEmpty
                    && row.scores.count <= kinds.count * WorkerLoad.count
                    && row.scores.allSatisfy { $0.isFinite || $0.isNaN }
            }
        guard isGood else { throw CodingError(.badNumber, at: start) }
        placing.seats[seat].scores.restore(kinds: kinds, rows: rows)
    }
}
