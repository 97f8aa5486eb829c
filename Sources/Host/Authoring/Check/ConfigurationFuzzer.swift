import CPluginABI
import FanfoldJSON
import FanfoldPlugins

/// Breaks a good configuration in every way that its schema forbids, one way at a time.
enum ConfigurationFuzzer {
    /// How many configurations a component is given at most.
    static let maximumCases = 2_000

    static func check(_ context: CheckContext) throws -> CheckOutcome {
        var accepted: [String] = []
        var count = 0
        let host = MockHost()
        let error = LentError()
        try InstanceChecks.each(context) { component, configuration in
            CheckTrace.phase("in create with a broken configuration")
            for bytes in texts(configuration, seed: context.seed) {
                count += 1
                let json = try? JSON(parsing: bytes)
                do {
                    _ = try CheckedInstance(
                        component, configuration: bytes, host: host, error: error)
                    if json == nil && !bytes.isEmpty && !isTwice(bytes) {
                        throw CheckStop.failed(
                            "create accepts \(show(bytes)), which is not JSON")
                    }
                    if let json, let problem = forbidden(json, component) {
                        accepted.append("\(show(bytes)) (\(problem.message))")
                    }
                } catch let refusal as CheckedInstance.Refusal {
                    try judge(refusal, bytes)
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

    private static func judge(_ refusal: CheckedInstance.Refusal, _ bytes: [UInt8]) throws {
        let allowed = [fan_code(FAN_INVALID), fan_code(FAN_RANGE)]
        guard allowed.contains(refusal.code) else {
            throw CheckStop.failed(
                "wanted FAN_INVALID for \(show(bytes)), found code \(refusal.code): "
                    + refusal.message)
        }
        guard refusal.reason.hasPrefix("config.") else {
            throw CheckStop.failed(
                "wanted the reason config./PLACE for \(show(bytes)), found \"\(refusal.reason)\"; "
                    + "the host could not show the line of the pipeline")
        }
    }

    /// An object with one key twice: a reader may take the last one.
    private static func isTwice(_ bytes: [UInt8]) -> Bool {
        bytes == twice
    }

    private static let twice = Array(#"{"items":1,"items":2}"#.utf8)

    private static func show(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(60), as: UTF8.self) + (bytes.count > 60 ? "…" : "")
    }

    static func texts(_ good: JSON, seed: UInt64) -> [[UInt8]] {
        var texts = mutations(of: good).map(\.bytes)
        let text = good.bytes
        for end in 0..<min(text.count, 400) { texts.append(Array(text[..<end])) }
        texts.append([0xEF, 0xBB, 0xBF] + text)
        texts.append(Array("{\"a\":\"".utf8) + [0xFF, 0xFE] + Array("\"}".utf8))
        texts.append(Array(String(repeating: "[", count: 5_000).utf8))
        texts.append(twice)
        texts.append(text + text)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 where !text.isEmpty {
            var mutant = text
            let place = Int(generator.next() % UInt64(mutant.count))
            mutant[place] = UInt8(truncatingIfNeeded: generator.next())
            texts.append(mutant)
        }
        return Array(texts.prefix(maximumCases))
    }

    /// Every value replaced by values of other types and sizes, every key removed, keys added.
    private static func mutations(of json: JSON) -> [JSON] {
        let strange: [JSON] = [
            nil, true, -1, 0, 1e300, .integer(.max), .integer(.min), 0.5, "", "x",
            .string(String(repeating: "y", count: 1 << 18)), [], [[]], .object(JSONObject()),
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
