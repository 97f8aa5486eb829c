import FanfoldJSON
import PluginKit

/// Joins results by name, or the members of objects.
///
/// Reading ``Reading/whole``, a piece is one value under its name, and names stay in the order of
/// the pieces.  Reading ``Reading/each``, every value is an object whose members are joined, and
/// keys are put in ascending order, so that where the input was cut does not show.
final class DictionaryFolder: Folder {
    private let reading: Reading
    private let conflict: Merge.Conflict
    private var members = JSONObject()

    /// Parameter conflict: What happens with a key that comes twice.
    init(_ reading: Reading, _ conflict: Merge.Conflict) {
        self.reading = reading
        self.conflict = conflict
    }

    func fold(_ piece: Piece) throws(PluginError) {
        if reading == .whole {
            try put(try piece.whole(), under: piece.name, from: piece)
            return
        }
        for value in try piece.values(.each) {
            guard let object = value.objectValue else {
                throw piece.mistake(
                    "dictionary joins objects, found \(value.typeName) "
                        + "\(value.text.prefix(60)).")
            }
            for (key, value) in object.members { try put(value, under: key, from: piece) }
        }
    }

    func finish() -> Output {
        Output(.object(reading == .whole ? members : members.sorted()))
    }

    private func put(_ value: JSON, under key: String, from piece: Piece) throws(PluginError) {
        if conflict == .list {
            members.update(key, default: .array([])) { list in
                list = .array((list.arrayValue ?? []) + [value])
            }
            return
        }
        guard members[key] != nil, conflict != .last else {
            members[key] = value
            return
        }
        guard conflict == .first else {
            throw piece.mistake(
                "the key \"\(key)\" was there before. Give every key once, or say "
                    + "dictionary: { on-conflict: first | last | list }.")
        }
    }
}

/// Counts how often each value occurs, or how many numbers lie between edges.
final class HistogramFolder: Folder {
    private let edges: [Double]
    private var counts: [JSON: Int64] = [:]
    private var bins: [Int64]
    private var below: Int64 = 0
    private var above: Int64 = 0

    /// Parameter edges: Ascending; none counts values.
    init(edges: [Double]) {
        self.edges = edges
        bins = Array(repeating: 0, count: max(edges.count - 1, 0))
    }

    func fold(_ piece: Piece) throws(PluginError) {
        for value in try piece.elements() {
            guard !edges.isEmpty else {
                counts[value.canonical, default: 0] += 1
                continue
            }
            guard let number = value.doubleValue else {
                throw piece.mistake(
                    "histogram with edges wants numbers, found \(value.text.prefix(60)).")
            }
            count(number)
        }
    }

    /// With edges `edges`, `counts`, `below` and `above`; else an object of counts by the value's
    /// text, in ascending order of the values.
    func finish() -> Output {
        guard edges.isEmpty else {
            return Output([
                "edges": .array(edges.map { .number($0) }),
                "counts": .array(bins.map { .integer($0) }),
                "below": .integer(below), "above": .integer(above),
            ])
        }
        let sorted = counts.sorted { $0.key.precedes($1.key) }
        return Output(
            .object(
                JSONObject(
                    sorted.map { value, count in
                        (value.stringValue ?? value.text, .integer(count))
                    })))
    }

    /// A bin holds its lower edge; the last holds its upper edge too.
    private func count(_ number: Double) {
        guard let first = edges.first, let last = edges.last, number >= first else {
            below += 1
            return
        }
        guard number <= last, !bins.isEmpty else {
            above += 1
            return
        }
        let upper = edges.firstIndex { number < $0 } ?? edges.count - 1
        bins[min(upper, bins.count) - 1] += 1
    }
}
