import Glibc

/// Notices that a task class no longer behaves as it did.
///
/// The newest twelve rows are all larger, or all smaller, than each of up to 48 before them: as
/// values, and beside a line and a power of the input, by ten per cent and all in one direction.
/// If rows came in no particular order, this would happen once in a thousand million times.
///
/// Source: the permutation argument of a rank test with complete separation.
package struct DriftWatch: Sendable {
    /// Rows that have to agree.
    package static let newest = 12
    /// Rows before them that are looked at, and how many there must be.
    static let before = 48
    static let leastBefore = 24
    /// How far apart the two have to be.
    static let ratio = 1.1

    /// A row's logarithms: the value, beside the line, beside the power.
    private var rows: [[Double]] = []

    /// Takes a row and says whether the class has changed; it begins afresh then.
    mutating func insert(value: Double, line: Double?, power: Double?) -> Bool {
        let references = [1, line ?? 1, power ?? 1]
        rows.append(references.map { log(value / $0) })
        if rows.count > Self.newest + Self.before { rows.removeFirst() }
        guard rows.count >= Self.newest + Self.leastBefore else { return false }
        guard isSeparated(sign: 1) || isSeparated(sign: -1) else { return false }
        rows.removeFirst(rows.count - Self.newest)
        return true
    }

    private func isSeparated(sign: Double) -> Bool {
        let gap = log(Self.ratio)
        return (0..<3).allSatisfy { reference in
            let low = rows.suffix(Self.newest).reduce(Double.infinity) {
                min($0, sign * $1[reference])
            }
            return rows.dropLast(Self.newest).allSatisfy { sign * $0[reference] + gap < low }
        }
    }
}
