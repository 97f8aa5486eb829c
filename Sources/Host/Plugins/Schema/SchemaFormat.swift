import FanfoldJSON

/// The formats of strings that pipelines and configurations share.
package enum SchemaFormat: String, Sendable, CaseIterable {
    /// `10m`, `1h30m`, `250ms`: numbers with the units d, h, m, s, ms, us, ns, largest first.
    case duration = "fanfold-duration"
    /// `512MiB`, `2GB`: a number with B, kB, MB, GB, TB (powers of 1000) or KiB … TiB (1024).
    case bytes = "fanfold-bytes"
    /// `${inputs.reviews}`, `${tasks.score.output}`: names joined by dots.
    case reference = "fanfold-reference"

    /// What is wanted, for a message.
    var wanted: String {
        switch self {
        case .duration: "a duration such as 10m, 1h30m or 250ms"
        case .bytes: "a size such as 512MiB or 2GB"
        case .reference: "a reference such as ${inputs.reviews} or ${tasks.score.output}"
        }
    }

    /// Whether `text` has the format.
    package func accepts(_ text: String) -> Bool {
        switch self {
        case .duration: Self.nanoseconds(text) != nil
        case .bytes: Self.byteCount(text) != nil
        case .reference: Self.referencePath(text) != nil
        }
    }

    /// Reads a duration.
    ///
    /// Returns: Nanoseconds; `nil` if the text is no duration or more than 292 years.
    package static func nanoseconds(_ text: String) -> Int64? {
        let units: [(name: String, nanoseconds: Double)] = [
            ("d", 86_400e9), ("h", 3_600e9), ("m", 60e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3),
            ("ns", 1),
        ]
        var rest = text[...]
        var allowed = units[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            guard let number = takeNumber(&rest) else { return nil }
            let name = String(rest.prefix { $0.isASCII && $0.isLetter })
            guard let place = allowed.firstIndex(where: { $0.name == name }) else { return nil }
            rest.removeFirst(name.count)
            total += number * units[place].nanoseconds
            allowed = units[(place + 1)...]
        }
        return Int64(exactly: total.rounded())
    }

    /// Reads a size.
    ///
    /// Returns: Bytes, a fraction being rounded; `nil` if the text is no size or is too large.
    package static func byteCount(_ text: String) -> Int64? {
        let units: [String: Double] = [
            "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
            "KiB": 1_024, "MiB": 1_048_576, "GiB": 1_073_741_824, "TiB": 1_099_511_627_776,
        ]
        var rest = text[...]
        guard let number = takeNumber(&rest) else { return nil }
        if rest.first == " " { rest.removeFirst() }
        guard let unit = units[String(rest)] else { return nil }
        return Int64(exactly: (number * unit).rounded())
    }

    /// Reads a reference.
    ///
    /// Returns: The names between the dots, at least two; `nil` if the text is no reference.
    package static func referencePath(_ text: String) -> [String]? {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return nil }
        let names = text.dropFirst(2).dropLast()
            .split(separator: ".", omittingEmptySubsequences: false)
        let isName = { (name: Substring) in
            guard let first = name.utf8.first, first != UInt8(ascii: "-") else { return false }
            return name.unicodeScalars.allSatisfy {
                $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_"
                    || $0 == "-"
            }
        }
        guard names.count >= 2, names.allSatisfy(isName) else { return nil }
        return names.map(String.init)
    }

    private static func takeNumber(_ text: inout Substring) -> Double? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard digits.first?.isNumber == true, digits.last?.isNumber == true,
            let number = Double(digits)
        else { return nil }
        text.removeFirst(digits.count)
        return number
    }
}
