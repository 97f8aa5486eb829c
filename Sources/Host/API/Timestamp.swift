@preconcurrency import Glibc

/// A moment, as the clock of the coordinator's machine has it.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
    package var milliseconds: Int64

    /// The moment this many milliseconds after 1970 began.
    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    /// What the clock of this machine says.
    package static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(
            milliseconds: Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// The moment so many seconds later, or the last there is.
    package func advanced(bySeconds seconds: Int64) -> Timestamp {
        let (product, isTooMuch) = seconds.multipliedReportingOverflow(by: 1_000)
        let (sum, isTooLate) = milliseconds.addingReportingOverflow(product)
        return Timestamp(milliseconds: isTooMuch || isTooLate ? .max : sum)
    }

    /// As RFC 3339 writes it, in UTC: `2026-11-25T18:43:19.123Z`.
    ///
    /// Source: H. Hinnant, chrono-compatible low-level date algorithms, `civil_from_days`.
    package var text: String {
        let day: Int64 = 86_400_000
        let days = milliseconds >= 0 ? milliseconds / day : (milliseconds - day + 1) / day
        let inDay = milliseconds - days * day
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let date = [
            Self.padded(year, 4), Self.padded(month, 2),
            Self.padded(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2),
        ].joined(separator: "-")
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1_000 % 60]
            .map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(date)T\(time).\(Self.padded(inDay % 1_000, 3))Z"
    }

    /// Reads what ``text`` wrote, with or without thousandths; `nil` if it is anything else.
    ///
    /// Source: H. Hinnant, chrono-compatible low-level date algorithms, `days_from_civil`.
    package init?(text: String) {
        let fields = text.split { !$0.isNumber }.map { Int64($0) ?? -1 }
        guard text.hasSuffix("Z"), (6...7).contains(fields.count), fields.allSatisfy({ $0 >= 0 }),
            (1...12).contains(fields[1]), (1...31).contains(fields[2]), fields[0] <= 9_999
        else { return nil }
        let year = fields[1] <= 2 ? fields[0] - 1 : fields[0]
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let month = fields[1] > 2 ? fields[1] - 3 : fields[1] + 9
        let dayOfYear = (153 * month + 2) / 5 + fields[2] - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        let seconds = days * 86_400 + fields[3] * 3_600 + fields[4] * 60 + fields[5]
        self.init(milliseconds: seconds * 1_000 + (fields.count > 6 ? fields[6] : 0))
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
