import FanfoldJSON

extension SchemaChecker {
    mutating func checkObject(_ object: JSONObject, _ rules: SchemaObjectRules) {
        var meant: Set<String> = []
        for (key, value) in object.members {
            path.append(key)
            if let names = rules.names { checkKey(key, names) }
            if !checkMember(key, value, rules) {
                let missing = rules.properties.keys.filter { object[$0] == nil }
                let suggestion = nearest(to: key, among: missing)
                reportUnknown(key, suggestion: suggestion)
                if let suggestion { meant.insert(suggestion) }
            }
            path.removeLast()
        }
        for key in rules.required where object[key] == nil && !meant.contains(key) {
            report("required", "missing key \"\(key)\"")
        }
        for (key, needs) in rules.dependent where object[key] != nil {
            for need in needs where object[need] == nil {
                report("dependentRequired", "with the key \"\(key)\", \"\(need)\" is needed too")
            }
        }
        if let minimum = rules.minimum, object.count < minimum {
            report(
                "minProperties",
                "wanted at least \(Self.count(minimum, "key")), found \(object.count)")
        }
        if let maximum = rules.maximum, object.count > maximum {
            report(
                "maxProperties",
                "wanted at most \(Self.count(maximum, "key")), found \(object.count)")
        }
    }

    /// Reports the last key of the path as unknown.
    mutating func reportUnknown(_ key: String, suggestion: String?) {
        isKey = true
        report("additionalProperties", "unknown key \"\(key)\"", suggestion: suggestion)
        isKey = false
    }

    /// Returns: Whether the schema knows the key.
    private mutating func checkMember(
        _ key: String, _ value: JSON, _ rules: SchemaObjectRules
    ) -> Bool {
        var isKnown = false
        if let node = rules.properties[key] {
            isKnown = true
            check(node, value)
        }
        for (pattern, node) in rules.patterns where pattern.matches(key) {
            isKnown = true
            check(node, value)
        }
        guard !isKnown, let node = rules.additional else { return true }
        if case .never? = nodes[node].rules.first { return false }
        check(node, value)
        return true
    }

    private mutating func checkKey(_ key: String, _ node: Int) {
        isKey = true
        check(node, .string(key))
        isKey = false
    }
}

extension SchemaChecker {
    /// `"a"`, `"a or b"`, `"a, b or c"`.
    static func either(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// A value as a message shows it: scalars in JSON, cut after 40 characters.
    static func found(_ value: JSON) -> String {
        let longest = 40
        switch value {
        case .array(let elements): return "a list of \(count(elements.count, "element"))"
        case .object(let object) where object.isEmpty: return "an empty object"
        case .object: return "an object"
        case .string(let text) where text.count > longest:
            return JSON.string(text.prefix(longest) + "…").text
        default: return value.text
        }
    }

    static func count(_ count: Int, _ thing: String) -> String {
        count == 1 ? "1 \(thing)" : "\(count) \(thing)s"
    }

    static func isLess(_ left: JSON, _ right: JSON) -> Bool {
        if let left = left.integerValue, let right = right.integerValue { return left < right }
        guard let left = left.doubleValue, let right = right.doubleValue else { return false }
        return left < right
    }

    static func isMultiple(_ value: JSON, of step: JSON) -> Bool {
        if let value = value.integerValue, let step = step.integerValue {
            return value.isMultiple(of: step)
        }
        guard let value = value.doubleValue, let step = step.doubleValue else { return true }
        // 0.3 is meant to be a multiple of 0.1, which no exact remainder of doubles says.
        let quotient = value / step
        return (quotient - quotient.rounded()).magnitude <= 1e-9 * max(1, quotient.magnitude)
    }

    /// Sorts problems by where their places stand in the document; a place before its parts.
    static func inDocumentOrder(_ problems: [SchemaProblem], of value: JSON) -> [SchemaProblem] {
        func steps(_ pointer: JSONPointer) -> [Int] {
            var current: JSON? = value
            var steps: [Int] = []
            for token in pointer.tokens {
                switch current {
                case .object(let object): steps.append(object.keys.firstIndex(of: token) ?? .max)
                case .array: steps.append(Int(token) ?? .max)
                default: steps.append(.max)
                }
                current = current?.value(at: JSONPointer([token]))
            }
            return steps
        }
        let placed = problems.enumerated().map { (steps($1.pointer), $0, $1) }
        return placed.sorted { left, right in
            left.0 == right.0 ? left.1 < right.1 : left.0.lexicographicallyPrecedes(right.0)
        }.map(\.2)
    }
}
