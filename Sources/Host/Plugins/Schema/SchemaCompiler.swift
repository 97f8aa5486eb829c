import FanfoldJSON

/// Turns the text of a schema into nodes; keyword by keyword in `SchemaCompiler+Keywords.swift`.
struct SchemaCompiler {
    /// A place in one of the documents, as in `fanfold:run#/$defs/stdin`.
    private struct Place: Hashable {
        var document: String
        var pointer: JSONPointer

        var name: String { "\(document)#\(pointer)" }
    }

    /// What is read but not yet compiled.
    private struct Pending {
        var node: Int
        var place: Place
        var schema: JSON
    }

    private let documents: [String: JSON]
    private var nodes: [SchemaNode] = []
    private var known: [Place: Int] = [:]
    private var pending: [Pending] = []
    private var current = Place(document: "", pointer: JSONPointer())

    /// Parameter documents: The schema itself under the name `""`, and those of the host.
    init(documents: [String: JSON]) {
        self.documents = documents
    }

    /// The nodes, the first being the root.
    mutating func compile() throws(SchemaError) -> [SchemaNode] {
        _ = try reserve(Place(document: "", pointer: JSONPointer()), documents[""] ?? .null)
        while let next = pending.popLast() {
            current = next.place
            nodes[next.node] = try node(next.schema)
        }
        try refuseCircles()
        return nodes
    }

    /// The place being compiled, for messages.
    var location: String { current.name }

    /// The node of a subschema below the one being compiled.
    mutating func child(_ steps: String..., schema: JSON) throws(SchemaError) -> Int {
        let place = Place(
            document: current.document, pointer: JSONPointer(current.pointer.tokens + steps))
        return try reserve(place, schema)
    }

    /// The node that a `$ref` names.
    mutating func target(_ reference: String) throws(SchemaError) -> Int {
        var place = Place(document: current.document, pointer: JSONPointer())
        if reference.hasPrefix("#") {
            guard let pointer = JSONPointer(parsing: String(reference.dropFirst())) else {
                throw .unresolved(at: location, reference: reference)
            }
            place.pointer = pointer
        } else {
            place.document = reference
        }
        guard let schema = documents[place.document]?.value(at: place.pointer),
            place.pointer.tokens.isEmpty || place.pointer.tokens.first == "$defs"
        else { throw .unresolved(at: location, reference: reference) }
        return try reserve(place, schema)
    }

    private mutating func reserve(_ place: Place, _ schema: JSON) throws(SchemaError) -> Int {
        if let node = known[place] { return node }
        guard nodes.count < JSONSchema.maximumNodes else { throw .tooLarge }
        let node = nodes.count
        nodes.append(SchemaNode(location: place.name))
        known[place] = node
        pending.append(Pending(node: node, place: place, schema: schema))
        return node
    }

    private mutating func node(_ schema: JSON) throws(SchemaError) -> SchemaNode {
        var node = SchemaNode(location: location)
        switch schema {
        case .bool(let allowed):
            if !allowed { node.rules = [.never] }
        case .object(let keywords):
            try refuseUnknown(keywords)
            node.defaultValue = keywords["default"]
            node.summary = keywords["description"]?.stringValue
            node.rules = try rules(keywords)
        default: throw .notASchema(at: location, found: schema.typeName)
        }
        return node
    }

    /// A node that refers to itself at one and the same place of the value would never end.
    private func refuseCircles() throws(SchemaError) {
        var heights = [Int?](repeating: nil, count: nodes.count)
        for node in nodes.indices {
            _ = try height(node, depth: 0, &heights)
        }
    }

    private func height(
        _ node: Int, depth: Int, _ heights: inout [Int?]
    ) throws(SchemaError) -> Int {
        if let known = heights[node], depth + known <= JSONSchema.maximumChain { return known }
        guard depth <= JSONSchema.maximumChain else {
            throw .endless(at: nodes[node].location)
        }
        var highest = 0
        for next in nodes[node].sameValueNodes {
            highest = max(highest, 1 + (try height(next, depth: depth + 1, &heights)))
        }
        heights[node] = highest
        return highest
    }
}

extension SchemaNode {
    /// The nodes that check the same value, not a part of it.
    var sameValueNodes: [Int] {
        rules.flatMap { rule -> [Int] in
            switch rule {
            case .reference(let node), .not(let node): [node]
            case .allOf(let nodes), .anyOf(let nodes), .oneOf(let nodes): nodes
            case .condition(let test, let then, let otherwise):
                [test] + [then, otherwise].compactMap { $0 }
            default: []
            }
        }
    }
}
