import FanfoldPlugins

/// Numbers with units: what is wrong with them, and what was probably meant.
enum Unit {
    case duration
    case bytes

    /// What is wanted, with every unit there is.
    var wanted: String {
        switch self {
        case .duration:
            "a duration such as 10m, 1h30m or 250ms (units: d h m s ms us ns, largest first)"
        case .bytes:
            "a size such as 512MiB or 2GB (units: B kB MB GB TB KiB MiB GiB TiB)"
        }
    }

    /// Nanoseconds or bytes; `nil` if the text is none.
    func value(_ text: String) -> Int64? {
        switch self {
        case .duration: SchemaFormat.nanoseconds(text)
        case .bytes: SchemaFormat.byteCount(text)
        }
    }

    /// The text with the unit that was probably meant: `10 minutes` gives `10m`.
    func suggestion(for text: String) -> String? {
        let compact = text.filter { !$0.isWhitespace }
        let number = compact.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = compact.dropFirst(number.count).lowercased()
        guard !number.isEmpty, !unit.isEmpty else { return nil }
        guard let known = Self.spellings(self).first(where: { $0.spellings.contains(unit) }) else {
            return nil
        }
        let guess = String(number) + known.unit
        return value(guess) == nil ? nil : guess
    }

    private static func spellings(_ unit: Unit) -> [(unit: String, spellings: [String])] {
        switch unit {
        case .duration:
            [
                ("d", ["d", "day", "days"]), ("h", ["h", "hr", "hrs", "hour", "hours"]),
                ("m", ["m", "min", "mins", "minute", "minutes"]),
                ("s", ["s", "sec", "secs", "second", "seconds"]),
                ("ms", ["ms", "msec", "millis", "millisecond", "milliseconds"]),
                ("us", ["us", "µs", "μs", "usec", "microsecond", "microseconds"]),
                ("ns", ["ns", "nsec", "nanosecond", "nanoseconds"]),
            ]
        case .bytes:
            [
                ("B", ["b", "byte", "bytes"]), ("kB", ["kb"]), ("MB", ["mb"]), ("GB", ["gb"]),
                ("TB", ["tb"]), ("KiB", ["k", "ki", "kib"]), ("MiB", ["m", "mi", "mib"]),
                ("GiB", ["g", "gi", "gib"]), ("TiB", ["t", "ti", "tib"]),
            ]
        }
    }
}

/// Sizes as settings and the command line have them.
package enum Sizes {
    /// What is wanted, with every unit there is.
    package static var wanted: String { Unit.bytes.wanted }

    /// Bytes; `nil` if the text is no size.
    package static func bytes(_ text: String) -> Int64? { Unit.bytes.value(text) }
}

/// An amount of money, `20 USD`.
enum Price {
    /// What is wanted.
    static let wanted = "a price such as 20 USD (an amount and a currency of three letters)"

    /// The amount and the currency; `nil` if the text is no price.
    ///
    /// Source: ISO 4217 for the letters; that the currency exists is not checked.
    static func parse(_ text: String) -> (amount: Double, currency: String)? {
        let parts = text.split(separator: " ")
        guard parts.count == 2, let first = parts[0].utf8.first, (48...57).contains(first),
            let amount = Double(parts[0]), amount.isFinite, parts[1].utf8.count == 3,
            parts[1].utf8.allSatisfy({ (65...90).contains($0) })
        else { return nil }
        return (amount, String(parts[1]))
    }
}
