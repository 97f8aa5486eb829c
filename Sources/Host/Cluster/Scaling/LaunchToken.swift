/// The token of a launch: a UUID that says whose it is, of which pool, and the how manyth.
///
/// Why: the tags on workers are the database; a coordinator that has lost everything reads from them
/// what it counts, and which numbers were given.
/// Shape: 48 bits of the owner, 26 of the pool, 48 of the number.
/// Source: RFC 9562, section 5.8 (version 8).
struct LaunchToken: Hashable, Sendable {
    let owner: String
    let pool: String
    let launch: UInt64

    /// The UUID.
    var text: String {
        let whose = Self.mark(of: owner) >> 16
        let which = Self.mark(of: owner + "/" + pool) >> 38
        return [
            Self.hex(whose >> 16, 8), Self.hex(whose & 0xFFFF, 4),
            "8" + Self.hex(which >> 14, 3), Self.hex(0x8000 | which & 0x3FFF, 4),
            Self.hex(launch & 0xFFFF_FFFF_FFFF, 12),
        ].joined(separator: "-")
    }

    /// The launch that a token is of; `nil` if it is of another owner, or of none of these pools.
    init?(_ text: String, owner: String, pools: [String]) {
        guard let last = text.split(separator: "-").last, last.count == 12,
            let launch = UInt64(last, radix: 16)
        else { return nil }
        let found = pools.first {
            LaunchToken(owner: owner, pool: $0, launch: launch).text == text
        }
        guard let found else { return nil }
        self.init(owner: owner, pool: found, launch: launch)
    }

    init(owner: String, pool: String, launch: UInt64) {
        self.owner = owner
        self.pool = pool
        self.launch = launch
    }

    private static func hex(_ value: UInt64, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Source: FNV-1a.
    private static func mark(of text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
