/// Text as clouds want it in URLs, forms and user data.
public enum CloudText {
    /// Text as a part of a URL's query or of a form.
    ///
    /// Source: RFC 3986, section 2.3.
    public static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Names and values as the body of a form: as a query, with `+` for a space.
    ///
    /// Source: URL Standard, application/x-www-form-urlencoded serializing.
    public static func body(_ members: [(name: String, value: String)]) -> String {
        query(members).replacing("%20", with: "+")
    }

    /// Names and values as the query of a URL, in their order.
    public static func query(_ members: [(name: String, value: String)]) -> String {
        members.map { percentEncoded($0.name) + "=" + percentEncoded($0.value) }
            .joined(separator: "&")
    }

    /// Bytes as Base64 with padding.
    ///
    /// Source: RFC 4648, section 4.
    public static func base64(_ bytes: [UInt8]) -> String {
        let letters = Array(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(
                    place <= group.count
                        ? letters[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The time of a `Date` header in UTC by RFC 3339; `nil` for anything else.
    ///
    /// The clock of the cloud is the one that its prices and limits go by.
    /// Source: RFC 9110, section 5.6.7.
    public static func time(ofHeader text: String) -> String? {
        let parts = text.split(separator: " ")
        let months = "JanFebMarAprMayJunJulAugSepOctNovDec"
        guard parts.count == 6, parts[5] == "GMT", parts[1].count == 2, parts[3].count == 4,
            parts[4].count == 8, let name = months.firstRange(of: parts[2])
        else { return nil }
        let month = months.distance(from: months.startIndex, to: name.lowerBound) / 3 + 1
        return "\(parts[3])-\(month < 10 ? "0" : "")\(month)-\(parts[1])T\(parts[4])Z"
    }

    /// A time in UTC by RFC 3339.
    ///
    /// Parameter seconds: Since 1970.  Source: Howard Hinnant, days to civil.
    public static func time(unixSeconds seconds: Int64) -> String {
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let day = shifted - era * 146_097
        let yearOfEra = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let place = (5 * dayOfYear + 2) / 153
        let month = place < 10 ? place + 3 : place - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ value: Int64) -> String { (value < 10 ? "0" : "") + "\(value)" }
        return "\(year)-\(two(month))-\(two(dayOfYear - (153 * place + 2) / 5 + 1))"
            + "T\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension String {
    /// Where `other` stands first.
    fileprivate func firstRange(of other: Substring) -> Range<String.Index>? {
        guard !other.isEmpty else { return nil }
        return indices.lazy.compactMap { start -> Range<String.Index>? in
            let rest = self[start...]
            guard rest.hasPrefix(other) else { return nil }
            return start..<self.index(start, offsetBy: other.count)
        }.first
    }
}
