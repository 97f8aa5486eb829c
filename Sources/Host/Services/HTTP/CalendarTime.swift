/// A moment in UTC as its date and time of day, in the forms that HTTP and the clouds write.
///
/// Source: H. Hinnant, chrono-Compatible Low-Level Date Algorithms, for the two conversions.
struct CalendarTime: Hashable {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    var year: Int64
    var month: Int64
    var day: Int64
    /// Since midnight.
    var second: Int64

    /// Parameter unixSeconds: since 1970.
    init(unixSeconds: Int64) {
        let days = Int64((Double(unixSeconds) / 86_400).rounded(.down))
        second = unixSeconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    private init(year: Int64, month: Int64, day: Int64, second: Int64) {
        (self.year, self.month, self.day, self.second) = (year, month, day, second)
    }

    /// Seconds since 1970.
    var unixSeconds: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (era * 146_097 + dayOfEra - 719_468) * 86_400 + second
    }

    /// `20150830`.
    var date: String { Self.padded(year, 4) + Self.padded(month, 2) + Self.padded(day, 2) }

    /// `20150830T123600Z`: ISO 8601 without separators.
    var compact: String {
        date + "T" + Self.padded(second / 3_600, 2) + Self.padded(second / 60 % 60, 2)
            + Self.padded(second % 60, 2) + "Z"
    }

    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of dates that servers may write.
    ///
    /// Source: RFC 9110, section 5.6.7.
    init?(httpDate text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 6, words[0].hasSuffix(","), words[5] == "GMT",
            let day = Int64(words[1]), let month = Self.months.firstIndex(of: words[2]),
            let year = Int64(words[3]), let second = Self.second(words[4]),
            (1...31).contains(day), (1_970...9_999).contains(year)
        else { return nil }
        self.init(year: year, month: Int64(month) + 1, day: day, second: second)
    }

    /// Reads `2026-11-25T14:47:09Z`, with fractions of a second or `+00:00` in place of `Z`.
    ///
    /// Source: RFC 3339, as far as credentials use it.
    init?(iso8601 text: String) {
        let halves = text.split(separator: "T")
        guard halves.count == 2 else { return nil }
        let date = halves[0].split(separator: "-").map { Int64($0) }
        var clock = halves[1]
        if clock.hasSuffix("Z") {
            clock = clock.dropLast()
        } else if clock.hasSuffix("+00:00") {
            clock = clock.dropLast(6)
        } else {
            return nil
        }
        let whole = clock.prefix { $0 != "." }
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2],
            (1_970...9_999).contains(year), (1...12).contains(month), (1...31).contains(day),
            let second = Self.second(String(whole))
        else { return nil }
        self.init(year: year, month: month, day: day, second: second)
    }

    private static func second(_ text: String) -> Int64? {
        let parts = text.split(separator: ":").map { Int64($0) }
        guard parts.count == 3, let hour = parts[0], let minute = parts[1], let second = parts[2],
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
