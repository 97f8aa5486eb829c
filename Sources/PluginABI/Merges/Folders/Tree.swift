import FanfoldJSON
import PluginKit

/// A value that does not fit those before it, and where.
struct Mismatch: Error {
    /// The steps to the value, the last first.
    var reversedPath: [String] = []
    /// What was wanted and what was found.
    var message: String

    init(_ message: String) {
        self.message = message
    }

    /// The place as a JSON Pointer, with a preposition, or nothing for the whole value.
    var place: String {
        reversedPath.isEmpty ? "" : "at \(JSONPointer(reversedPath.reversed())): "
    }
}

/// Numbers folded place by place: objects key by key, arrays element by element.
struct Tree<L: Leaf> {
    private enum Node {
        case none
        case leaf(L)
        case list([Node])
        case keyed(Keyed)
    }

    private struct Keyed {
        var places: [String: Int] = [:]
        var nodes: [Node] = []
    }

    private var root = Node.none

    /// Whether nothing has been added.
    var isEmpty: Bool {
        if case .none = root { true } else { false }
    }

    /// Adds a number, or an object or array of such.
    mutating func add(_ value: JSON, weight: Double) throws(Mismatch) {
        try Self.add(value, weight, to: &root)
    }

    /// The folded value, the keys of every object in ascending order.
    func result() throws(Mismatch) -> JSON { try Self.result(root) }

    private static func add(
        _ value: JSON, _ weight: Double, to node: inout Node
    ) throws(Mismatch) {
        switch value {
        case .integer(let whole): try add(.whole(whole), weight, to: &node)
        case .number(let real):
            guard real.isFinite else { throw Mismatch("wanted a number, found \(real)") }
            try add(.real(real), weight, to: &node)
        case .array(let elements): try add(elements, weight, to: &node)
        case .object(let object): try add(object, weight, to: &node)
        case .bool(let value):
            throw Mismatch(
                "wanted a number, found \(value). A boolean is not a number: print 0 or 1 to "
                    + "count it, or merge with vote.")
        case .string(let text):
            throw Mismatch("wanted a number, found the text \"\(text.prefix(60))\"")
        case .null: throw Mismatch("wanted a number, found null")
        }
    }

    private static func add(
        _ figure: Figure, _ weight: Double, to node: inout Node
    ) throws(Mismatch) {
        switch node {
        case .leaf(var leaf):
            node = .none
            leaf.add(figure, weight: weight)
            node = .leaf(leaf)
        case .none:
            var leaf = L()
            leaf.add(figure, weight: weight)
            node = .leaf(leaf)
        case .list: throw Mismatch("wanted an array as before, found a number")
        case .keyed: throw Mismatch("wanted an object as before, found a number")
        }
    }

    private static func add(
        _ elements: [JSON], _ weight: Double, to node: inout Node
    ) throws(Mismatch) {
        var nodes: [Node]
        switch node {
        case .none: nodes = Array(repeating: .none, count: elements.count)
        case .list(let before): nodes = before
        case .leaf: throw Mismatch("wanted a number as before, found an array")
        case .keyed: throw Mismatch("wanted an object as before, found an array")
        }
        guard nodes.count == elements.count else {
            throw Mismatch(
                "found an array of length \(elements.count), those before have length "
                    + "\(nodes.count). Arrays are merged element by element and must be "
                    + "equally long.")
        }
        node = .none
        for (position, element) in elements.enumerated() {
            do {
                try add(element, weight, to: &nodes[position])
            } catch {
                throw error.inside(String(position))
            }
        }
        node = .list(nodes)
    }

    private static func add(
        _ object: JSONObject, _ weight: Double, to node: inout Node
    ) throws(Mismatch) {
        var keyed: Keyed
        switch node {
        case .none: keyed = Keyed()
        case .keyed(let before): keyed = before
        case .leaf: throw Mismatch("wanted a number as before, found an object")
        case .list: throw Mismatch("wanted an array as before, found an object")
        }
        node = .none
        for position in 0..<object.count {
            let key = object.keys[position]
            let place: Int
            if let known = keyed.places[key] {
                place = known
            } else {
                place = keyed.nodes.count
                keyed.places[key] = place
                keyed.nodes.append(.none)
            }
            do {
                try add(object.values[position], weight, to: &keyed.nodes[place])
            } catch {
                throw error.inside(key)
            }
        }
        node = .keyed(keyed)
    }

    private static func result(_ node: Node) throws(Mismatch) -> JSON {
        switch node {
        case .none: return .null
        case .leaf(let leaf):
            guard let result = leaf.result else {
                throw Mismatch(
                    "the result is beyond what a number can hold. Print numbers with a decimal "
                        + "point if rounding is good enough.")
            }
            return result
        case .list(let nodes):
            var elements: [JSON] = []
            for node in nodes { elements.append(try result(node)) }
            return .array(elements)
        case .keyed(let keyed):
            var members: [(String, JSON)] = []
            members.reserveCapacity(keyed.nodes.count)
            for (key, place) in keyed.places {
                members.append((key, try result(keyed.nodes[place])))
            }
            return .object(JSONObject(sorting: members))
        }
    }
}

extension Mismatch {
    /// The same, seen from one level further out.
    func inside(_ step: String) -> Mismatch {
        var outer = self
        outer.reversedPath.append(step)
        return outer
    }
}

/// Folds numbers with a ``Tree``.
final class TreeFolder<L: Leaf>: Folder {
    private let reading: Reading
    private let empty: JSON
    private let weighted: Bool
    private var tree = Tree<L>()
    private var format = PieceFormat.json
    private var firstList: (name: String, count: Int)?

    /// Gives `empty` for nothing; pieces count by their weight if `weighted`.
    init(_ reading: Reading, empty: JSON, weighted: Bool = false) {
        self.reading = reading
        self.empty = empty
        self.weighted = weighted
    }

    func fold(_ piece: Piece) throws(PluginError) {
        let values = try piece.values(reading)
        if reading == .whole, tree.isEmpty { format = piece.format }
        let weight = weighted ? piece.weight / Double(max(values.count, 1)) : 1
        for value in values {
            try checkLength(of: value, in: piece)
            do throws(Mismatch) {
                try tree.add(value, weight: weight)
            } catch {
                throw piece.mistake(error.place + error.message)
            }
        }
    }

    func finish() throws(PluginError) -> Output {
        guard !tree.isEmpty else { return Output(empty) }
        do throws(Mismatch) {
            let value = try tree.result()
            guard let items = value.arrayValue else { return Output(value) }
            return ItemWriter.output(items, as: format)
        } catch {
            throw PluginError(.range, reason: "merge.range", error.place + error.message)
        }
    }

    /// Lists are folded item by item, and both names belong in the message if they cannot be.
    private func checkLength(of value: JSON, in piece: Piece) throws(PluginError) {
        guard let count = value.arrayValue?.count else { return }
        guard let first = firstList else {
            firstList = (piece.name, count)
            return
        }
        guard first.count == count else {
            throw piece.mistake(
                "it is a list of length \(count), that of \(first.name) has length "
                    + "\(first.count). Lists are merged item by item and must be equally long.")
        }
    }
}

/// Counts the items that the results hold, without reading them.
final class CountFolder: Folder {
    private var items = 0
    var takesAnyOrder: Bool { true }

    func fold(_ piece: Piece) {
        items += piece.items
    }

    func finish() -> Output { Output(.integer(Int64(items))) }
}
