extension ArrowType {
    /// The type as the text of the C data interface.
    ///
    /// Source: Arrow C data interface, "Data type description".
    var formatText: String {
        switch self {
        case .null: "n"
        case .bool: "b"
        case .integer(let bits, let signed): ArrowType.integerText(bits, signed)
        case .float(let bits): bits == 16 ? "e" : bits == 32 ? "f" : "g"
        case .utf8(let large): large ? "U" : "u"
        case .binary(let large): large ? "Z" : "z"
        case .fixedBinary(let width): "w:\(width)"
        case .decimal(let precision, let scale, let bits):
            bits == 128 ? "d:\(precision),\(scale)" : "d:\(precision),\(scale),\(bits)"
        case .date(let milliseconds): milliseconds ? "tdm" : "tdD"
        case .time(let unit): "tt\(unit.letter)"
        case .timestamp(let unit, let zone): "ts\(unit.letter):\(zone ?? "")"
        case .duration(let unit): "tD\(unit.letter)"
        case .list(let large): large ? "+L" : "+l"
        case .fixedList(let count): "+w:\(count)"
        case .structure: "+s"
        }
    }

    private static func integerText(_ bits: Int, _ signed: Bool) -> String {
        switch bits {
        case 8: signed ? "c" : "C"
        case 16: signed ? "s" : "S"
        case 32: signed ? "i" : "I"
        default: signed ? "l" : "L"
        }
    }

    private static let plain: [String: ArrowType] = [
        "n": .null, "b": .bool,
        "c": .integer(bits: 8, signed: true), "C": .integer(bits: 8, signed: false),
        "s": .integer(bits: 16, signed: true), "S": .integer(bits: 16, signed: false),
        "i": .integer(bits: 32, signed: true), "I": .integer(bits: 32, signed: false),
        "l": .integer(bits: 64, signed: true), "L": .integer(bits: 64, signed: false),
        "e": .float(bits: 16), "f": .float(bits: 32), "g": .float(bits: 64),
        "z": .binary(large: false), "Z": .binary(large: true),
        "u": .utf8(large: false), "U": .utf8(large: true),
        "tdD": .date(milliseconds: false), "tdm": .date(milliseconds: true),
        "+l": .list(large: false), "+L": .list(large: true), "+s": .structure,
    ]

    /// The type that a text of the C data interface names; `nil` for one that is not read.
    init?(formatText text: String) {
        if let type = ArrowType.plain[text] {
            self = type
            return
        }
        let rest = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (rest.first, rest.count) {
        case ("w", 2):
            guard let width = Int32(rest[1]), width >= 0 else { return nil }
            self = .fixedBinary(width: Int(width))
        case ("+w", 2):
            guard let count = Int32(rest[1]), count >= 0 else { return nil }
            self = .fixedList(count: Int(count))
        case ("d", 2):
            let numbers = rest[1].split(separator: ",").map { Int32($0) }
            guard (2...3).contains(numbers.count), let precision = numbers[0],
                let scale = numbers[1], let bits = numbers.count == 3 ? numbers[2] : 128,
                [32, 64, 128, 256].contains(bits)
            else { return nil }
            self = .decimal(precision: Int(precision), scale: Int(scale), bits: Int(bits))
        default:
            guard let type = ArrowType.time(formatText: text, zone: rest.count == 2 ? rest[1] : nil)
            else { return nil }
            self = type
        }
    }

    private static func time(formatText text: String, zone: Substring?) -> ArrowType? {
        guard text.utf8.count >= 3,
            let unit = ArrowUnit(letter: text.dropFirst(2).prefix(1))
        else { return nil }
        switch (text.prefix(2), text.utf8.count) {
        case ("tt", 3): return .time(unit)
        case ("tD", 3): return .duration(unit)
        case ("ts", _):
            guard let zone, text.dropFirst(3).first == ":" else { return nil }
            return .timestamp(unit, zone: zone.isEmpty ? nil : String(zone))
        default: return nil
        }
    }
}
