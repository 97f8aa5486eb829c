/// The tables of a snapshot that came after its first version, by the number that stands before
/// each; ascending, those left out that hold nothing.
enum CoordinatorSection: UInt8 {
    case sharing = 1
    case escalations = 3
    case failures = 5
    case placing = 7
    case scaling = 9
    case alternatives = 11
    case gangs = 13
    case quarantines = 15
    case plugins = 17
    case deadlines = 19
    case serving = 22
    case widths = 24
}

extension Coordinator {
    func encodeSections(into writer: inout ByteWriter) {
        encodeSharing(into: &writer)
        encodeEscalations(into: &writer)
        encodeFailures(into: &writer)
        encodePlacing(into: &writer)
        encodeScaling(into: &writer)
        encodeAlternatives(into: &writer)
        encodeGangs(into: &writer)
        encodeQuarantines(into: &writer)
        encodePolicyPlugins(into: &writer)
        encodeDeadlines(into: &writer)
        encodeServing(into: &writer)
        encodeWidths(into: &writer)
    }

    /// Reads all sections to the end of the bytes.
    ///
    /// Returns: Placements and the moments at which they began to run.
    mutating func readSections(
        _ reader: inout ByteReader
    ) throws(CodingError) -> [(placement: Int, tick: Tick)] {
        var started: [(placement: Int, tick: Tick)] = []
        var last: UInt8 = 0
        while reader.remaining > 0 {
            let start = reader.offset
            let number = try reader.byte()
            guard number > last, let section = CoordinatorSection(rawValue: number) else {
                throw reader.unknown("Coordinator section", number, at: start)
            }
            last = number
            switch section {
            case .sharing: started = try readSharing(&reader)
            case .escalations: try readEscalations(&reader)
            case .failures: try readFailures(&reader)
            case .placing: try readPlacing(&reader)
            case .scaling: try readScaling(&reader)
            case .alternatives: try readAlternatives(&reader)
            case .gangs: try readGangs(&reader)
            case .quarantines: try readQuarantines(&reader)
            case .plugins: try readPolicyPlugins(&reader)
            case .deadlines: try readDeadlines(&reader)
            case .serving: try readServing(&reader)
            case .widths: try readWidths(&reader)
            }
        }
        return started
    }
}
