import FanfoldJSON

extension YAMLNode {
    /// The value as JSON, and where each part of it stands.
    ///
    /// Scalars follow the core schema of YAML 1.2; a key that is not a string becomes its text.
    /// A number that the reading refused already becomes null.
    package func json() -> (JSON, SourceMap) {
        var map = SourceMap()
        var tokens: [String] = []
        let json = convert(key: nil, tokens: &tokens, map: &map)
        return (json, map)
    }

    private func convert(
        key: PlaceRange?, tokens: inout [String], map: inout SourceMap
    ) -> JSON {
        map[JSONPointer(tokens)] = SourceMap.Entry(key: key, value: range)
        switch value {
        case .scalar(let text, .quoted): return .string(text)
        case .scalar(let text, .plain):
            do throws(YAMLScalar.Refusal) {
                return try YAMLScalar.value(of: text)
            } catch {
                return .null
            }
        case .sequence(let elements):
            return .array(
                elements.enumerated().map { index, element in
                    tokens.append(String(index))
                    defer { tokens.removeLast() }
                    return element.convert(key: nil, tokens: &tokens, map: &map)
                })
        case .mapping(let members):
            var object = JSONObject()
            for (key, value) in members {
                guard case .scalar(let name, _) = key.value else { continue }
                tokens.append(name)
                object[name] = value.convert(key: key.range, tokens: &tokens, map: &map)
                tokens.removeLast()
            }
            return .object(object)
        }
    }
}
