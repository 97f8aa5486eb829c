import FanfoldJSON
@preconcurrency import Glibc

/// What a plain scalar means.
///
/// Source: YAML 1.2.2, chapter 10.3, the core schema.  `no`, `on` and `12:30:45` are strings.
enum YAMLScalar {
    /// Why a plain scalar has no value.
    struct Refusal: Error {
        var message: String
    }

    /// The value of a plain scalar.
    static func value(of text: String) throws(Refusal) -> JSON {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: break
        }
        guard let first = text.utf8.first, isNumberStart(first) else { return .string(text) }
        if isNotFinite(text) {
            throw Refusal(
                message: "wanted a number that is finite, found \(text); "
                    + "quote it if a string is meant")
        }
        if let (digits, radix) = wholeNumber(text) {
            guard let value = Int64(digits, radix: radix) else {
                throw Refusal(
                    message: "the number \(shortened(text)) is out of range: whole numbers go "
                        + "from \(Int64.min) to \(Int64.max); quote it if a string is meant")
            }
            return .integer(value)
        }
        guard isFraction(text) else { return .string(text) }
        return try fraction(text)
    }

    private static func isNumberStart(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    private static func isNotFinite(_ text: String) -> Bool {
        if [".nan", ".NaN", ".NAN"].contains(text) { return true }
        let unsigned = text.first == "+" || text.first == "-" ? text.dropFirst() : text[...]
        return [".inf", ".Inf", ".INF"].contains(unsigned)
    }

    /// The digits and radix of `[-+]?[0-9]+`, `0o[0-7]+` and `0x[0-9a-fA-F]+`.
    private static func wholeNumber(_ text: String) -> (digits: Substring, radix: Int)? {
        for (prefix, radix) in [("0o", 8), ("0x", 16)] where text.hasPrefix(prefix) {
            let digits = text.dropFirst(2)
            let allFit = digits.allSatisfy { digit in
                digit.isASCII && (digit.hexDigitValue ?? radix) < radix
            }
            return allFit && !digits.isEmpty ? (digits, radix) : nil
        }
        var digits = text.utf8[...]
        if digits.first == UInt8(ascii: "+") || digits.first == UInt8(ascii: "-") {
            digits = digits.dropFirst()
        }
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { return nil }
        return (text[...], 10)
    }

    /// Whether it is `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
    private static func isFraction(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func takeDigits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        func take(_ bytes: String) -> Bool {
            guard let first = rest.first, bytes.utf8.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        _ = take("+-")
        let whole = takeDigits()
        if take(".") {
            let after = takeDigits()
            guard whole + after > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        if take("eE") {
            _ = take("+-")
            guard takeDigits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func fraction(_ text: String) throws(Refusal) -> JSON {
        let mantissa = text.utf8.prefix { $0 != UInt8(ascii: "e") && $0 != UInt8(ascii: "E") }
        let isZero = mantissa.allSatisfy { !isDigit($0) || $0 == UInt8(ascii: "0") }
        let value = text.withCString { strtod($0, nil) }
        guard value.isFinite, isZero || value != 0 else {
            throw Refusal(
                message: "the number \(shortened(text)) is out of range: numbers go to about "
                    + "1.8e308, and down to about 5e-324; quote it if a string is meant")
        }
        return .number(value)
    }

    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 40 ? text : text.prefix(36) + "…"
    }
}
