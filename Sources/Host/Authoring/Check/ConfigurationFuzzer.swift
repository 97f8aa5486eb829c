import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// Breaks a good configuration in every way that its schema forbids, one way at a time.
enum ConfigurationFuzzer {
    /// How many configurations a component is given at most.
    static let maximumCases = 2_000
    /// How long the longest text is, in bytes: what the contract lets cross a table.
    private static let longBytes = Int(FAN_MAX_SPEC_BYTES)

    static func check(_ context: CheckContext) throws -> CheckOutcome {
        var accepted: [String] = []
        var count = 0
        let host = MockHost()
        let error = LentError()
        for component in try context.components() {
            guard let configuration = try component.configurations().first else { continue }
            CheckTrace.phase("in create with a broken configuration")
            let schema = component.descriptor.configSchema
            for bytes in texts(configuration, schema: schema, seed: context.seed) {
                count += 1
                let json = try? JSON(parsing: bytes)
                do {
                    _ = try CheckedInstance(
                        component, configuration: bytes, host: host, error: error)
                    if json == nil && !bytes.isEmpty && !isTwice(bytes, configuration) {
                        throw CheckStop.failed(
                            "create accepts \(show(bytes)), which is not JSON")
                    }
                    if let json, let problem = forbidden(json, component) {
                        accepted.append("\(show(bytes)) (\(problem.message))")
                    }
                } catch let refusal as CheckedInstance.Refusal {
                    try judge(refusal, bytes, json)
                }
            }
        }
        guard accepted.isEmpty else {
            return .warning(
                "create accepts \(accepted.count) of \(count) configurations that its schema "
                    + "forbids, for example \(accepted[0]); the host's own check stands before it")
        }
        return .passed("\(count) configurations")
    }

    /// What the schema has against it.
    ///
    /// Unknown keys do not count: a plugin ignores them.
    private static func forbidden(_ json: JSON, _ component: CheckedComponent) -> SchemaProblem? {
        component.descriptor.schema?.validate(json).first { !$0.atKey }
    }

    private static func judge(
        _ refusal: CheckedInstance.Refusal, _ bytes: [UInt8], _ json: JSON?
    ) throws {
        let allowed = [fan_code(FAN_INVALID), fan_code(FAN_RANGE)]
        guard allowed.contains(refusal.code) else {
            throw CheckStop.failed(
                "wanted FAN_INVALID for \(show(bytes)), found code \(refusal.code): "
                    + refusal.message)
        }
        let prefix = "config."
        guard refusal.reason.hasPrefix(prefix) else {
            throw CheckStop.failed(
                "wanted the reason config./PLACE for \(show(bytes)), found \"\(refusal.reason)\"; "
                    + "the host could not show the line of the pipeline")
        }
        guard let json, refusal.code == fan_code(FAN_INVALID) else { return }
        let pointer = refusal.reason.dropFirst(prefix.count)
        guard leads(pointer, into: json) else {
            throw CheckStop.failed(
                "the reason \"\(refusal.reason)\" leads nowhere in \(show(bytes)); wanted a JSON "
                    + "Pointer to what is wrong, or to the key that is missing")
        }
    }

    /// Whether a JSON Pointer leads to a value, or to a key that could be there.
    ///
    /// A pointer that fills its field may be cut.
    private static func leads(_ pointer: Substring, into json: JSON) -> Bool {
        let longestReason = 63 - "config.".utf8.count
        guard pointer.isEmpty || pointer.hasPrefix("/") else { return false }
        guard pointer.utf8.count < longestReason else { return true }
        var place = json
        let tokens = pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (index, token) in tokens.enumerated() {
            let isLast = index == tokens.count - 1
            let key = token.replacing("~1", with: "/").replacing("~0", with: "~")
            if let object = place.objectValue {
                guard let next = object[String(key)] else { return isLast }
                place = next
            } else if let array = place.arrayValue, let number = Int(key) {
                guard array.indices.contains(number) else { return isLast }
                place = array[number]
            } else {
                // A value of the wrong type is as good as one without the key.
                return isLast
            }
        }
        return true
    }

    private static func show(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(60), as: UTF8.self) + (bytes.count > 60 ? "…" : "")
    }

    /// An object with one key twice: a reader may take the last one.
    private static func isTwice(_ bytes: [UInt8], _ good: JSON) -> Bool {
        bytes == twice(good)
    }

    private static func twice(_ good: JSON) -> [UInt8] {
        let member = good.objectValue?.members.first.map { key, value in
            "\(JSON.string(key).text):\(value.text)"
        }
        let text = member ?? "\"items\":1"
        return Array("{\(text),\(text)}".utf8)
    }

    static func texts(_ good: JSON, schema: JSON?, seed: UInt64) -> [[UInt8]] {
        var texts = violations(of: good, schema).map(\.bytes) + mutations(of: good).map(\.bytes)
        let text = good.bytes
        for end in 0..<min(text.count, 400) { texts.append(Array(text[..<end])) }
        texts.append([0xEF, 0xBB, 0xBF] + text)
        texts.append(Array("{\"a\":\"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8))
        texts.append(Array(String(repeating: "[", count: 5_000).utf8))
        texts.append(Array(String(repeating: "{\"a\":", count: 5_000).utf8))
        texts.append(twice(good))
        texts.append(text + text)
        let long = String(repeating: "y", count: longBytes - 16)
        for key in good.objectValue?.keys ?? [] {
            let name = JSON.string(key).text
            for value in ["1e400", "-1e400", String(repeating: "9", count: 400), "\"\(long)\""] {
                texts.append(Array("{\(name):\(value)}".utf8))
            }
            texts.append(Array("{\(name):\"".utf8) + [0xC0, 0x80] + Array("\"}".utf8))
        }
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 where !text.isEmpty {
            var mutant = text
            let place = Int(generator.next() % UInt64(mutant.count))
            mutant[place] = UInt8(truncatingIfNeeded: generator.next())
            texts.append(mutant)
        }
        return Array(texts.prefix(maximumCases))
    }

    /// Each constraint of the schema's own properties violated, and nothing else.
    private static func violations(of good: JSON, _ schema: JSON?) -> [JSON] {
        guard let object = good.objectValue,
            let properties = schema?["properties"]?.objectValue
        else { return [] }
        var all: [JSON] = []
        for (key, property) in properties.members {
            for value in forbiddenValues(property) {
                var changed = object
                changed[key] = value
                all.append(.object(changed))
            }
        }
        return all
    }

    private static func forbiddenValues(_ property: JSON) -> [JSON] {
        var values: [JSON] = []
        for (keyword, step) in [
            ("minimum", -1.0), ("maximum", 1), ("exclusiveMinimum", 0), ("exclusiveMaximum", 0),
        ] {
            guard let limit = property[keyword] else { continue }
            if let whole = limit.integerValue {
                values.append(.integer(whole &+ Int64(step)))
            } else if let number = limit.doubleValue {
                values.append(.number(number + step))
            }
        }
        if let multiple = property["multipleOf"]?.doubleValue {
            values.append(.number(multiple * 1.5))
        }
        if let length = property["minLength"]?.integerValue, length > 0 {
            values.append(.string(String(repeating: "x", count: Int(length) - 1)))
        }
        if let length = property["maxLength"]?.integerValue, length < 100_000 {
            values.append(.string(String(repeating: "x", count: Int(length) + 1)))
        }
        if property["pattern"] != nil { values.append("\u{1}\n not what was meant \u{FFFD}") }
        if property["enum"] != nil { values.append("none of these") }
        if let count = property["minItems"]?.integerValue, count > 0 { values.append([]) }
        if let count = property["maxItems"]?.integerValue, count < 1_000 {
            values.append(.array([JSON](repeating: 1, count: Int(count) + 1)))
        }
        if property["uniqueItems"] == .bool(true) { values.append([1, 1]) }
        return values
    }

    /// Every value replaced by values of other types and sizes, every key removed, keys added.
    private static func mutations(of json: JSON) -> [JSON] {
        let strange: [JSON] = [
            nil, true, -1, 0, 1e300, .integer(.max), .integer(.min), 0.5, "", "x",
            .string(String(repeating: "y", count: 1 << 14)), [], [[]], .object(JSONObject()),
        ]
        switch json {
        case .object(let object):
            var all = strange
            var extra = object
            extra["com-example-unknown"] = 1
            all.append(.object(extra))
            for key in object.keys {
                var without = object
                without[key] = nil
                all.append(.object(without))
                for value in mutations(of: object[key] ?? .null) {
                    var changed = object
                    changed[key] = value
                    all.append(.object(changed))
                }
            }
            return all
        case .array(let array):
            var all = strange
            for index in array.indices {
                for value in mutations(of: array[index]) {
                    var changed = array
                    changed[index] = value
                    all.append(.array(changed))
                }
            }
            return all
        default: return strange
        }
    }
}
