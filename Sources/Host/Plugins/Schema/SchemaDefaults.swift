import FanfoldJSON

/// Writes the defaults of a schema into a value.
struct SchemaDefaults {
    /// How many values one filling may look at.
    static let maximumSteps = 1_000_000

    let nodes: [SchemaNode]
    private var steps = 0
    private var depth = 0
    /// Whether it stopped at a limit: the defaults never end.
    private(set) var isExhausted = false

    init(nodes: [SchemaNode]) {
        self.nodes = nodes
    }

    mutating func fill(_ value: JSON, node: Int) -> JSON {
        steps += 1
        guard steps <= Self.maximumSteps, depth < JSONSchema.maximumDepth else {
            isExhausted = true
            return value
        }
        depth += 1
        defer { depth -= 1 }
        var filled = value
        for rule in nodes[node].rules {
            apply(rule, original: value, &filled)
        }
        return filled
    }

    private mutating func apply(_ rule: SchemaRule, original: JSON, _ filled: inout JSON) {
        switch rule {
        case .array(let rules): fillElements(rules, &filled)
        case .object(let rules): fillMembers(rules, &filled)
        case .reference(let node): filled = fill(filled, node: node)
        case .allOf(let nodes): for node in nodes { filled = fill(filled, node: node) }
        case .anyOf(let branches), .oneOf(let branches):
            if let branch = branches.first(where: { accepts($0, original) }) {
                filled = fill(filled, node: branch)
            }
        case .condition(let test, let then, let otherwise):
            if let node = accepts(test, original) ? then : otherwise {
                filled = fill(filled, node: node)
            }
        case .never, .types, .enumeration, .constant, .number, .text, .not: break
        }
    }

    private func accepts(_ node: Int, _ value: JSON) -> Bool {
        var checker = SchemaChecker(nodes: nodes)
        return checker.problems(of: value, node: node).isEmpty
    }

    private mutating func fillElements(_ rules: SchemaArrayRules, _ value: inout JSON) {
        guard case .array(var elements) = value, !rules.prefix.isEmpty || rules.rest != nil else {
            return
        }
        for position in elements.indices {
            let node = position < rules.prefix.count ? rules.prefix[position] : rules.rest
            guard let node else { break }
            elements[position] = fill(elements[position], node: node)
        }
        value = .array(elements)
    }

    private mutating func fillMembers(_ rules: SchemaObjectRules, _ value: inout JSON) {
        guard case .object(var object) = value else { return }
        for (key, member) in object.members {
            var isKnown = false
            var filled = member
            if let node = rules.properties[key] {
                isKnown = true
                filled = fill(filled, node: node)
            }
            for (pattern, node) in rules.patterns where pattern.matches(key) {
                isKnown = true
                filled = fill(filled, node: node)
            }
            if !isKnown, let node = rules.additional { filled = fill(filled, node: node) }
            object[key] = filled
        }
        for key in rules.properties.keys where object[key] == nil {
            guard let node = rules.properties[key], let initial = defaultValue(node) else {
                continue
            }
            object[key] = fill(initial, node: node)
        }
        value = .object(object)
    }

    /// The default of a node, or else of what it refers to.
    private func defaultValue(_ node: Int) -> JSON? {
        if let value = nodes[node].defaultValue { return value }
        for case .reference(let next) in nodes[node].rules {
            if let value = defaultValue(next) { return value }
        }
        return nil
    }
}
