import FanfoldJSON

/// An amount of bytes in a configuration: a number, or text with a unit.
public struct ByteCount: Decodable, Sendable, Hashable {
    /// The units, the longer first.
    ///
    /// Source: IEC 80000-13 for KiB, MiB, GiB and TiB.
    private static let units: [(String, Double)] = [
        ("KiB", 1_024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776),
        ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1),
    ]

    /// The bytes.
    public let bytes: Double

    /// An amount.
    public init(bytes: Double) {
        self.bytes = bytes
    }

    /// Reads a number of bytes, or text such as `64MiB`.
    public init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        let parsed = json.doubleValue ?? json.stringValue.flatMap(Self.parse)
        guard let parsed, parsed >= 0, parsed.isFinite else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "wanted bytes as 64MiB or 1.5GB, found \(json.text)"))
        }
        bytes = parsed
    }

    private static func parse(_ text: String) -> Double? {
        for (unit, factor) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count).filter { $0 != " " && $0 != "_" }
            return Double(digits).map { $0 * factor }
        }
        return Double(text)
    }
}
