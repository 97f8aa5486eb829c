import FanfoldJSON

/// What a failed alternative says: the branch that was meant, not "matches none".
extension SchemaChecker {
    /// One branch that does not fit, and why.
    private struct Miss {
        var node: Int
        var findings: [Finding]
    }

    mutating func checkAlternatives(_ branches: [Int], exactlyOne: Bool, _ value: JSON) {
        var misses: [Miss] = []
        var fitting: [Int] = []
        for branch in branches {
            let findings = probe(branch, value)
            if findings.isEmpty {
                fitting.append(branch)
                if !exactlyOne { return }
            } else {
                misses.append(Miss(node: branch, findings: findings))
            }
        }
        if fitting.count == 1 { return }
        if fitting.count > 1 {
            reportOverlap(fitting, value)
        } else {
            reportClosest(misses, exactlyOne ? "oneOf" : "anyOf", value)
        }
    }

    private mutating func reportOverlap(_ fitting: [Int], _ value: JSON) {
        let required = fitting.map { traits(of: $0).required }
        let own = required.enumerated().compactMap { position, keys in
            keys.first { key in
                !required.enumerated().contains { $0 != position && $1.contains(key) }
            }
        }
        if own.count == fitting.count {
            let keys = own.map { "\"\($0)\"" }
            let list = keys.dropLast().joined(separator: ", ") + " and " + (keys.last ?? "")
            report("oneOf", "the keys \(list) exclude one another; keep one of them")
        } else {
            report(
                "oneOf",
                "\(Self.found(value)) fits \(fitting.count) alternatives, wanted exactly one")
        }
    }

    private mutating func reportClosest(_ misses: [Miss], _ keyword: String, _ value: JSON) {
        let isFlat = misses.allSatisfy { miss in
            miss.findings.count == 1
                && miss.findings.allSatisfy { isHere($0) && !$0.wanted.isEmpty }
        }
        if isFlat {
            reportJoined(misses.flatMap(\.findings), keyword, value)
            return
        }
        let typed = misses.filter { miss in
            !miss.findings.contains { isHere($0) && $0.problem.keyword == "type" }
        }
        guard let first = typed.first else {
            let wrong = misses.flatMap(\.findings).filter { $0.problem.keyword == "type" }
            reportJoined(wrong.filter(isHere), keyword, value)
            return
        }
        if typed.count > 1, case .object(let object) = value {
            reportClosest(typed, of: object, keyword)
        } else {
            let closest = typed.min { $0.findings.count < $1.findings.count } ?? first
            findings += closest.findings
        }
    }

    private func isHere(_ finding: Finding) -> Bool {
        finding.problem.pointer.tokens == path && finding.problem.atKey == isKey
    }

    private mutating func reportJoined(
        _ joined: [Finding], _ keyword: String, _ value: JSON
    ) {
        var wanted: [String] = []
        for word in joined.flatMap(\.wanted) where !wanted.contains(word) { wanted.append(word) }
        report(keyword, wanted: wanted, found: value)
        let suggestion = joined.lazy.compactMap(\.problem.suggestion).first
        findings[findings.count - 1].problem.suggestion = suggestion
    }

    /// Chooses by the keys: constants first, then keys that only some branches require.
    private mutating func reportClosest(
        _ misses: [Miss], of object: JSONObject, _ keyword: String
    ) {
        let traits = misses.map { self.traits(of: $0.node) }
        let shared = traits.dropFirst().reduce(Set(traits[0].required)) {
            $0.intersection($1.required)
        }
        if let key = discriminator(traits), let value = object[key]?.withWholeNumbers {
            let constants = traits.compactMap { $0.constants[key] }
            if !constants.contains(value) {
                path.append(key)
                let words = constants.compactMap(\.stringValue)
                report(
                    "const", wanted: constants.map(\.text), found: value,
                    suggestion: value.stringValue.flatMap { nearest(to: $0, among: words) })
                path.removeLast()
                return
            }
        }
        let distinct = traits.map { trait in trait.required.filter { !shared.contains($0) } }
        if distinct.allSatisfy({ !$0.isEmpty }),
            !distinct.joined().contains(where: { object[$0] != nil })
        {
            reportUndecided(object, traits, distinct.map { $0[0] }, keyword)
            return
        }
        let scores = misses.indices.map { position in
            score(traits[position], distinct[position], misses[position], object)
        }
        let best = scores.indices.min { scores[$1].lexicographicallyPrecedes(scores[$0]) } ?? 0
        findings += misses[best].findings
    }

    private func score(
        _ traits: SchemaTraits, _ distinct: [String], _ miss: Miss, _ object: JSONObject
    ) -> [Int] {
        let constants = traits.constants.reduce(into: 0) { score, member in
            guard let value = object[member.key]?.withWholeNumbers else { return }
            score += value == member.value ? 1 : -1
        }
        let known = object.keys.filter(traits.properties.contains).count
        return [
            constants, distinct.filter { object[$0] != nil }.count, known, -miss.findings.count,
        ]
    }

    /// The key whose constant tells all branches apart.
    private func discriminator(_ traits: [SchemaTraits]) -> String? {
        traits[0].constants.keys.sorted().first { key in
            let constants = traits.compactMap { $0.constants[key] }
            return constants.count == traits.count && Set(constants).count == constants.count
        }
    }

    /// None of the keys that decide is there: names them, or finds the one that was misspelt.
    private mutating func reportUndecided(
        _ object: JSONObject, _ traits: [SchemaTraits], _ deciding: [String], _ keyword: String
    ) {
        let known = traits.reduce(into: Set<String>()) { $0.formUnion($1.properties) }
        let isOpen = traits.contains { !$0.isClosed }
        var isMisspelt = false
        for key in object.keys where !known.contains(key) {
            let suggestion = nearest(to: key, among: deciding)
            if suggestion == nil, isOpen { continue }
            path.append(key)
            reportUnknown(key, suggestion: suggestion ?? nearest(to: key, among: known.sorted()))
            path.removeLast()
            isMisspelt = isMisspelt || suggestion != nil
        }
        guard !isMisspelt else { return }
        var keys: [String] = []
        for key in deciding where !keys.contains(key) { keys.append(key) }
        report(keyword, "wanted one of the keys " + Self.either(keys.map { "\"\($0)\"" }))
    }
}

/// What tells one alternative from another.
struct SchemaTraits {
    var required: [String] = []
    var constants: [String: JSON] = [:]
    var properties: Set<String> = []
    /// Whether a key that is not in `properties` is refused.
    var isClosed = false
}

extension SchemaChecker {
    /// The traits of a node and of what it refers to.
    func traits(of node: Int) -> SchemaTraits {
        var traits = SchemaTraits()
        collect(node, &traits)
        return traits
    }

    private func collect(_ node: Int, _ traits: inout SchemaTraits) {
        for rule in nodes[node].rules {
            switch rule {
            case .reference(let next): collect(next, &traits)
            case .allOf(let all): for next in all { collect(next, &traits) }
            case .object(let rules):
                traits.required += rules.required
                if let additional = rules.additional, case .never? = nodes[additional].rules.first {
                    traits.isClosed = true
                }
                for key in rules.properties.keys {
                    traits.properties.insert(key)
                    guard let property = rules.properties[key] else { continue }
                    for case .constant(let constant) in nodes[property].rules {
                        traits.constants[key] = constant
                    }
                }
            default: break
            }
        }
    }
}
