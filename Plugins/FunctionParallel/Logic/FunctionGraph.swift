import FanfoldJSON
import PluginKit
import PluginMerges

/// The functions as a checked graph: every name is known and nothing waits for itself.
struct FunctionGraph {
    /// What a function reads.
    enum Source: Hashable {
        case input(Int)
        case function(Int)
    }

    /// One function.
    struct Node {
        var name: String
        var sources: [Source] = []
        /// A name for each source; `nil` if they are given as a list.
        var parameters: [String]?
        /// Functions that must have ended well first, those it reads included.
        var before: [Int] = []
        /// Functions that wait for this one.
        var behind: [Int] = []
        var weight: Double
        var optional: Bool
        /// Weight of the longest path from here to an end.
        var rank = 0.0
    }

    private(set) var nodes: [Node]
    /// The functions by falling rank, each behind those it waits for.
    private(set) var order: [Int] = []

    /// Weight of the longest path through the graph.
    var criticalPath: Double { nodes.map(\.rank).max() ?? 0 }

    /// Checks the functions of a configuration against the inputs of the task.
    init(
        _ configuration: FunctionParallelConfiguration, inputs: [InputDescription]
    ) throws(PluginError) {
        nodes = configuration.functions.map {
            Node(name: $0.name, weight: $0.function.weight, optional: $0.function.optional)
        }
        var places: [String: Source] = [:]
        for (index, input) in inputs.enumerated() { places[input.name] = .input(index) }
        for (index, node) in nodes.enumerated() {
            guard places[node.name] == nil else {
                throw .configuration(
                    JSONPointer(["functions", node.name]),
                    "There is an input called \"\(node.name)\" too; call the function otherwise.")
            }
            places[node.name] = .function(index)
        }
        for (index, entry) in configuration.functions.enumerated() {
            try connect(index, entry.function, places, inputs)
        }
        try rank()
    }

    private mutating func connect(
        _ index: Int, _ function: FunctionParallelConfiguration.Function,
        _ places: [String: Source], _ inputs: [InputDescription]
    ) throws(PluginError) {
        let pointer = JSONPointer(["functions", nodes[index].name])
        var read: [(step: String, name: String)] = []
        if let object = function.inputs?.objectValue {
            read = object.members.map { ($0, $1.stringValue ?? "") }
            nodes[index].parameters = object.keys
        } else {
            let stated = function.inputs?.arrayValue?.map { $0.stringValue ?? "" }
            let names = stated ?? inputs.map(\.name)
            read = names.enumerated().map { (String($0), $1) }
            nodes[index].parameters = names
        }
        for (step, name) in read {
            let place = pointer.appending("inputs").appending(step)
            guard let source = places[name] else { throw unknown(name, place, places) }
            nodes[index].sources.append(source)
            if case .function(let before) = source { note(index, waitsFor: before) }
        }
        for (position, name) in function.after.enumerated() {
            let place = pointer.appending("after").appending(position)
            guard case .function(let before)? = places[name] else {
                throw unknown(name, place, places)
            }
            note(index, waitsFor: before)
        }
    }

    private mutating func note(_ index: Int, waitsFor before: Int) {
        guard !nodes[index].before.contains(before) else { return }
        nodes[index].before.append(before)
        nodes[before].behind.append(index)
    }

    private func unknown(
        _ name: String, _ place: JSONPointer, _ places: [String: Source]
    ) -> PluginError {
        let known = places.keys.sorted().joined(separator: ", ")
        return .configuration(
            place, "There is no function or input \"\(name)\"; there are: \(known).")
    }

    /// Ranks upward from the ends; what is left over then is a circle.
    private mutating func rank() throws(PluginError) {
        var open = nodes.map(\.before.count)
        var topological = nodes.indices.filter { open[$0] == 0 }
        var next = 0
        while next < topological.count {
            for behind in nodes[topological[next]].behind {
                open[behind] -= 1
                if open[behind] == 0 { topological.append(behind) }
            }
            next += 1
        }
        guard topological.count == nodes.count else {
            let circle = nodes.indices.filter { open[$0] > 0 }.map { nodes[$0].name }
            throw .configuration(
                JSONPointer(["functions", circle.first ?? ""]),
                "These functions wait for one another in a circle: "
                    + circle.joined(separator: ", ") + ". Take one `inputs` or `after` out.")
        }
        for index in topological.reversed() {
            let longest = nodes[index].behind.map { nodes[$0].rank }.max() ?? 0
            nodes[index].rank = nodes[index].weight + longest
        }
        let place = Dictionary(uniqueKeysWithValues: topological.enumerated().map { ($1, $0) })
        order = nodes.indices.sorted { left, right in
            let (leftRank, rightRank) = (nodes[left].rank, nodes[right].rank)
            if leftRank != rightRank { return leftRank > rightRank }
            return (place[left] ?? 0) < (place[right] ?? 0)
        }
    }

    /// A function and all that wait for it, directly or not.
    func downstream(of index: Int) -> [Int] {
        var seen: Set<Int> = [index]
        var found = [index]
        var next = 0
        while next < found.count {
            for behind in nodes[found[next]].behind where seen.insert(behind).inserted {
                found.append(behind)
            }
            next += 1
        }
        return found
    }
}
