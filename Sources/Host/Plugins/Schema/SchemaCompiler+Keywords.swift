import FanfoldJSON

extension SchemaCompiler {
    private static let checked = [
        "type", "enum", "const", "properties", "required", "additionalProperties",
        "patternProperties", "propertyNames", "minProperties", "maxProperties",
        "dependentRequired", "items", "prefixItems", "minItems", "maxItems", "uniqueItems",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
        "maxLength", "pattern", "format", "oneOf", "anyOf", "allOf", "not", "if", "then", "else",
        "$ref", "$defs", "default",
    ]
    private static let ignored = [
        "$schema", "$id", "$comment", "title", "description", "examples", "deprecated",
        "readOnly", "writeOnly",
    ]
    private static let keywords = Set(checked + ignored)

    func refuseUnknown(_ keywords: JSONObject) throws(SchemaError) {
        for key in keywords.keys where !Self.keywords.contains(key) && !key.hasPrefix("x-") {
            throw .unknownKeyword(
                at: location, keyword: key,
                suggestion: nearest(to: key, among: Self.checked + Self.ignored))
        }
    }

    mutating func rules(_ keywords: JSONObject) throws(SchemaError) -> [SchemaRule] {
        try compileDefinitions(keywords)
        var rules: [SchemaRule] = []
        if let types = try types(keywords) { rules.append(.types(types)) }
        if let value = keywords["enum"] {
            guard let values = value.arrayValue, !values.isEmpty else {
                throw bad("enum", "a list with at least one value")
            }
            rules.append(.enumeration(values.map(\.withWholeNumbers)))
        }
        if let value = keywords["const"] { rules.append(.constant(value.withWholeNumbers)) }
        if let number = try number(keywords) { rules.append(.number(number)) }
        if let text = try text(keywords) { rules.append(.text(text)) }
        if let array = try array(keywords) { rules.append(.array(array)) }
        if let object = try object(keywords) { rules.append(.object(object)) }
        return rules + (try combinations(keywords))
    }

    private func bad(_ keyword: String, _ wanted: String) -> SchemaError {
        .badKeyword(at: location, keyword: keyword, wanted: wanted)
    }

    private mutating func compileDefinitions(_ keywords: JSONObject) throws(SchemaError) {
        guard let value = keywords["$defs"] else { return }
        guard let definitions = value.objectValue else { throw bad("$defs", "an object") }
        for (name, schema) in definitions.members {
            _ = try child("$defs", name, schema: schema)
        }
    }

    private func types(_ keywords: JSONObject) throws(SchemaError) -> SchemaTypes? {
        guard let value = keywords["type"] else { return nil }
        let names = value.arrayValue ?? [value]
        var types: SchemaTypes = []
        for name in names {
            guard let type = name.stringValue.flatMap(SchemaTypes.init(name:)) else {
                throw bad(
                    "type",
                    "one or a list of " + SchemaTypes.names.map(\.name).joined(separator: ", "))
            }
            types.formUnion(type)
        }
        guard !types.isEmpty else { throw bad("type", "at least one type") }
        return types
    }

    private func number(_ keywords: JSONObject) throws(SchemaError) -> SchemaNumberRules? {
        func take(_ keyword: String) throws(SchemaError) -> JSON? {
            guard let value = keywords[keyword] else { return nil }
            guard value.doubleValue != nil else { throw bad(keyword, "a number") }
            return value.withWholeNumbers
        }
        let rules = SchemaNumberRules(
            minimum: try take("minimum"), maximum: try take("maximum"),
            above: try take("exclusiveMinimum"), below: try take("exclusiveMaximum"),
            multiple: try take("multipleOf"))
        if let multiple = rules.multiple?.doubleValue, multiple <= 0 {
            throw bad("multipleOf", "more than 0")
        }
        let isEmpty =
            rules.minimum == nil && rules.maximum == nil && rules.above == nil
            && rules.below == nil && rules.multiple == nil
        return isEmpty ? nil : rules
    }

    private func count(_ keyword: String, _ keywords: JSONObject) throws(SchemaError) -> Int? {
        guard let value = keywords[keyword] else { return nil }
        guard let count = value.integerValue, count >= 0 else {
            throw bad(keyword, "a whole number, at least 0")
        }
        return Int(count)
    }

    private func text(_ keywords: JSONObject) throws(SchemaError) -> SchemaTextRules? {
        var rules = SchemaTextRules(
            minimum: try count("minLength", keywords), maximum: try count("maxLength", keywords))
        if let value = keywords["pattern"] { rules.pattern = try pattern(value, of: "pattern") }
        if let value = keywords["format"] {
            guard let name = value.stringValue else { throw bad("format", "a string") }
            rules.format = SchemaFormat(rawValue: name)
            guard rules.format != nil || !name.hasPrefix("fanfold-") else {
                throw bad(
                    "format",
                    "one of " + SchemaFormat.allCases.map(\.rawValue).joined(separator: ", "))
            }
        }
        let isEmpty =
            rules.minimum == nil && rules.maximum == nil && rules.pattern == nil
            && rules.format == nil
        return isEmpty ? nil : rules
    }

    private func pattern(
        _ value: JSON, of keyword: String
    ) throws(SchemaError) -> PosixPattern {
        guard let pattern = value.stringValue.flatMap(PosixPattern.init) else {
            throw bad(
                keyword,
                "a POSIX extended regular expression ([0-9], not \\d) of at most "
                    + "\(JSONSchema.maximumPatternBytes) bytes, not \(value.text)")
        }
        return pattern
    }

    private mutating func array(_ keywords: JSONObject) throws(SchemaError) -> SchemaArrayRules? {
        var rules = SchemaArrayRules(
            minimum: try count("minItems", keywords), maximum: try count("maxItems", keywords))
        if let value = keywords["uniqueItems"] {
            guard let unique = value.boolValue else { throw bad("uniqueItems", "true or false") }
            rules.unique = unique
        }
        rules.prefix = try list("prefixItems", keywords) ?? []
        if let schema = keywords["items"] { rules.rest = try child("items", schema: schema) }
        let isEmpty =
            rules.minimum == nil && rules.maximum == nil && !rules.unique
            && rules.prefix.isEmpty && rules.rest == nil
        return isEmpty ? nil : rules
    }

    private mutating func list(
        _ keyword: String, _ keywords: JSONObject
    ) throws(SchemaError) -> [Int]? {
        guard let value = keywords[keyword] else { return nil }
        guard let schemas = value.arrayValue, !schemas.isEmpty else {
            throw bad(keyword, "a list with at least one schema")
        }
        var nodes: [Int] = []
        for (position, schema) in schemas.enumerated() {
            nodes.append(try child(keyword, String(position), schema: schema))
        }
        return nodes
    }

    private mutating func object(
        _ keywords: JSONObject
    ) throws(SchemaError) -> SchemaObjectRules? {
        let relevant = [
            "properties", "required", "additionalProperties", "patternProperties",
            "propertyNames", "dependentRequired", "minProperties", "maxProperties",
        ]
        guard relevant.contains(where: { keywords[$0] != nil }) else { return nil }
        var rules = SchemaObjectRules()
        for (name, schema) in try members("properties", keywords) {
            rules.properties.append(name, try child("properties", name, schema: schema))
        }
        for (source, schema) in try members("patternProperties", keywords) {
            let pattern = try pattern(.string(source), of: "patternProperties")
            rules.patterns.append(
                (pattern, try child("patternProperties", source, schema: schema)))
        }
        if let schema = keywords["additionalProperties"] {
            rules.additional = try child("additionalProperties", schema: schema)
        }
        if let schema = keywords["propertyNames"] {
            rules.names = try child("propertyNames", schema: schema)
        }
        if let value = keywords["required"] { rules.required = try names(value, of: "required") }
        for (key, value) in try members("dependentRequired", keywords) {
            rules.dependent.append((key, try names(value, of: "dependentRequired")))
        }
        rules.minimum = try count("minProperties", keywords)
        rules.maximum = try count("maxProperties", keywords)
        return rules
    }

    private func members(
        _ keyword: String, _ keywords: JSONObject
    ) throws(SchemaError) -> [(String, JSON)] {
        guard let value = keywords[keyword] else { return [] }
        guard let object = value.objectValue else { throw bad(keyword, "an object") }
        return object.members
    }

    private func names(_ value: JSON, of keyword: String) throws(SchemaError) -> [String] {
        guard let names = value.arrayValue?.map(\.stringValue), !names.contains(nil) else {
            throw bad(keyword, "a list of keys")
        }
        return names.compactMap { $0 }
    }

    private mutating func combinations(
        _ keywords: JSONObject
    ) throws(SchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        if let value = keywords["$ref"] {
            guard let reference = value.stringValue else { throw bad("$ref", "a string") }
            rules.append(.reference(try target(reference)))
        }
        if let nodes = try list("allOf", keywords) { rules.append(.allOf(nodes)) }
        if let nodes = try list("anyOf", keywords) { rules.append(.anyOf(nodes)) }
        if let nodes = try list("oneOf", keywords) { rules.append(.oneOf(nodes)) }
        if let schema = keywords["not"] { rules.append(.not(try child("not", schema: schema))) }
        if let test = keywords["if"] {
            var then: Int?
            var otherwise: Int?
            if let schema = keywords["then"] { then = try child("then", schema: schema) }
            if let schema = keywords["else"] { otherwise = try child("else", schema: schema) }
            let node = try child("if", schema: test)
            rules.append(.condition(node, then: then, otherwise: otherwise))
        } else if keywords["then"] != nil || keywords["else"] != nil {
            throw bad("if", "there where \"then\" or \"else\" is")
        }
        return rules
    }
}

extension JSON {
    /// The same value with `3.0` written `3`, everywhere: JSON Schema holds them equal.
    var withWholeNumbers: JSON {
        switch self {
        case .number: integerValue.map(JSON.integer) ?? self
        case .array(let elements): .array(elements.map(\.withWholeNumbers))
        case .object(let object):
            .object(JSONObject(object.members.map { ($0, $1.withWholeNumbers) }))
        default: self
        }
    }
}
