import FanfoldJSON
import FanfoldPlugins
import FanfoldPrediction

extension AutoNeeds {
    /// Reads what stands under `auto:`; the schema has checked its shape.
    init(json: JSON) throws(NeedsError) {
        self.init()
        guard case .object(let object) = json else { return }
        for (key, value) in object.members {
            switch key {
            case "class": taskClass = value.stringValue
            case "kind": kind = value.stringValue.flatMap(Self.kind)
            case "max-memory": caps[.memory] = try Self.bytes(value, key)
            case "max-gpu-memory": caps[.gpuMemory] = try Self.bytes(value, key)
            case "max-cpus": caps[.cpu] = value.doubleValue
            case "keys": keys = Self.keys(value)
            default: throw Self.error(key, "unknown; wanted \(Self.known)")
            }
        }
    }

    private static let known = "class, kind, max-cpus, max-memory, max-gpu-memory or keys"

    /// The kinds as documents write them.
    package static let kinds: [(name: String, kind: TaskKind)] = [
        ("text-embedding", .textEmbedding), ("text-generation", .textGeneration),
        ("vision", .vision), ("audio", .audio), ("multimodal", .multimodal), ("other", .other),
    ]

    private static func kind(_ name: String) -> TaskKind? {
        kinds.first { $0.name == name }?.kind
    }

    private static func error(_ key: String, _ message: String) -> NeedsError {
        NeedsError(pointer: JSONPointer(["auto", key]), message: message)
    }

    private static func bytes(_ value: JSON, _ key: String) throws(NeedsError) -> Double {
        guard let bytes = value.stringValue.flatMap(SchemaFormat.byteCount), bytes > 0 else {
            throw error(key, "wanted \(Unit.bytes.wanted), more than none, found \(value.text)")
        }
        return Double(bytes)
    }

    private static func keys(_ value: JSON) -> Features {
        var numbers: [String: Double] = [:]
        var words: [String: String] = [:]
        for (name, value) in value.objectValue?.members ?? [] {
            if let number = value.doubleValue {
                numbers[name] = number
            } else if let word = value.stringValue {
                words[name] = word
            }
        }
        return Features(numbers: numbers, words: words)
    }
}
