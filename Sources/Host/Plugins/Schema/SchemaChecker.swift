import FanfoldJSON

/// One run of a schema over a value.
///
/// Alternatives are in `SchemaChecker+Alternatives.swift`.
struct SchemaChecker {
    /// A problem, and what was wanted in words that can be joined by "or".
    struct Finding {
        var problem: SchemaProblem
        var wanted: [String] = []
    }

    let nodes: [SchemaNode]
    var findings: [Finding] = []
    /// The keys and indices that lead to the value being checked.
    var path: [String] = []
    /// Whether the string being checked is the last key of `path`.
    var isKey = false
    private let maximumSteps: Int
    private var steps = 0
    private var depth = 0

    init(nodes: [SchemaNode], maximumSteps: Int = JSONSchema.maximumSteps) {
        self.nodes = nodes
        self.maximumSteps = maximumSteps
    }

    mutating func problems(of value: JSON, node: Int) -> [SchemaProblem] {
        check(node, value)
        if steps > maximumSteps {
            // Alternatives may have swallowed it: nothing that was found can be relied on.
            findings = []
            report("", "checking took more than \(maximumSteps) steps; write less or nest less")
        }
        var seen: Set<SchemaProblem> = []
        let problems = findings.map(\.problem).filter { seen.insert($0).inserted }
        return Array(
            SchemaChecker.inDocumentOrder(problems, of: value)
                .prefix(JSONSchema.maximumProblems))
    }

    mutating func check(_ node: Int, _ value: JSON) {
        steps += 1
        guard steps <= maximumSteps else { return }
        guard depth < JSONSchema.maximumDepth else {
            report("", "nested deeper than the \(JSONSchema.maximumDepth) levels that are checked")
            return
        }
        depth += 1
        defer { depth -= 1 }
        for rule in nodes[node].rules {
            guard check(rule, value) else { return }
        }
    }

    /// The findings of one node alone.
    mutating func probe(_ node: Int, _ value: JSON) -> [Finding] {
        let before = findings
        findings = []
        check(node, value)
        defer { findings = before }
        return findings
    }

    mutating func report(
        _ keyword: String, _ message: String, wanted: [String] = [], suggestion: String? = nil
    ) {
        let problem = SchemaProblem(
            pointer: JSONPointer(path), atKey: isKey, keyword: keyword, message: message,
            suggestion: suggestion.map { "did you mean \"\($0)\"?" })
        findings.append(Finding(problem: problem, wanted: wanted))
    }

    mutating func report(
        _ keyword: String, wanted: [String], found value: JSON, suggestion: String? = nil
    ) {
        report(
            keyword, "wanted \(Self.either(wanted)), found \(Self.found(value))", wanted: wanted,
            suggestion: suggestion)
    }

    /// Returns: Whether the rules after this one say anything new.
    private mutating func check(_ rule: SchemaRule, _ value: JSON) -> Bool {
        let before = findings.count
        switch rule {
        case .never: report("false", "nothing may be written here")
        case .types(let types):
            if !types.accepts(value) { report("type", wanted: types.wanted, found: value) }
            return findings.count == before
        case .enumeration(let values):
            checkEqual(value, values, "enum")
            return findings.count == before
        case .constant(let constant):
            checkEqual(value, [constant], "const")
            return findings.count == before
        case .number(let rules): checkNumber(value, rules)
        case .text(let rules):
            if case .string(let text) = value { checkText(text, rules) }
        case .array(let rules):
            if case .array(let elements) = value { checkArray(elements, rules) }
        case .object(let rules):
            if case .object(let object) = value { checkObject(object, rules) }
        case .reference(let node): check(node, value)
        case .allOf(let nodes): for node in nodes { check(node, value) }
        case .anyOf(let nodes): checkAlternatives(nodes, exactlyOne: false, value)
        case .oneOf(let nodes): checkAlternatives(nodes, exactlyOne: true, value)
        case .not(let node):
            if probe(node, value).isEmpty {
                let reason = nodes[node].summary.map { ": \($0)" } ?? ""
                report("not", "\(Self.found(value)) is not allowed here\(reason)")
            }
        case .condition(let test, let then, let otherwise):
            if let node = probe(test, value).isEmpty ? then : otherwise { check(node, value) }
        }
        return true
    }

    private mutating func checkEqual(_ value: JSON, _ allowed: [JSON], _ keyword: String) {
        guard !allowed.contains(value.withWholeNumbers) else { return }
        let words = allowed.compactMap(\.stringValue)
        let suggestion = value.stringValue.flatMap { nearest(to: $0, among: words) }
        report(keyword, wanted: allowed.map(\.text), found: value, suggestion: suggestion)
    }

    private mutating func checkNumber(_ value: JSON, _ rules: SchemaNumberRules) {
        guard value.doubleValue != nil else { return }
        if let limit = rules.minimum, Self.isLess(value, limit) {
            report("minimum", wanted: ["at least \(limit.text)"], found: value)
        }
        if let limit = rules.maximum, Self.isLess(limit, value) {
            report("maximum", wanted: ["at most \(limit.text)"], found: value)
        }
        if let limit = rules.above, !Self.isLess(limit, value) {
            report("exclusiveMinimum", wanted: ["more than \(limit.text)"], found: value)
        }
        if let limit = rules.below, !Self.isLess(value, limit) {
            report("exclusiveMaximum", wanted: ["less than \(limit.text)"], found: value)
        }
        if let step = rules.multiple, !Self.isMultiple(value, of: step) {
            report("multipleOf", wanted: ["a multiple of \(step.text)"], found: value)
        }
    }

    private mutating func checkText(_ text: String, _ rules: SchemaTextRules) {
        if let minimum = rules.minimum, text.unicodeScalars.count < minimum {
            report(
                "minLength", wanted: ["at least \(Self.count(minimum, "character"))"],
                found: .string(text))
        }
        if let maximum = rules.maximum, text.unicodeScalars.count > maximum {
            report(
                "maxLength", wanted: ["at most \(Self.count(maximum, "character"))"],
                found: .string(text))
        }
        if let pattern = rules.pattern, !pattern.matches(text) {
            report("pattern", wanted: ["text that matches \(pattern.source)"], found: .string(text))
        }
        if let format = rules.format, !format.accepts(text) {
            report("format", wanted: [format.wanted], found: .string(text))
        }
    }

    private mutating func checkArray(_ elements: [JSON], _ rules: SchemaArrayRules) {
        if let minimum = rules.minimum, elements.count < minimum {
            report(
                "minItems",
                "wanted at least \(Self.count(minimum, "element")), found \(elements.count)")
        }
        if let maximum = rules.maximum, elements.count > maximum {
            report(
                "maxItems",
                "wanted at most \(Self.count(maximum, "element")), found \(elements.count)")
        }
        for (position, element) in elements.enumerated() {
            let node = position < rules.prefix.count ? rules.prefix[position] : rules.rest
            guard let node else { break }
            path.append(String(position))
            check(node, element)
            path.removeLast()
        }
        guard rules.unique else { return }
        var seen: [JSON: Int] = [:]
        for (position, element) in elements.enumerated() {
            guard let first = seen.updateValue(position, forKey: element.withWholeNumbers) else {
                continue
            }
            path.append(String(position))
            report("uniqueItems", "\(Self.found(element)) stands here twice, first at \(first)")
            path.removeLast()
        }
    }
}
