import FanfoldCore
import FanfoldJSON
import FanfoldPlugins
import FanfoldPrediction

/// Why needs are refused, and where in them.
package struct NeedsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The place within the needs.
    package var pointer: JSONPointer
    /// What was wanted, what was found and what to do.
    package var message: String

    package var description: String { "needs\(pointer): \(message)" }
}

extension NeedsDeclaration {
    /// Most of what one subtask may ask for, in thousandths of a core or GPU.
    package static let maximumMillis: Int64 = 1_000_000_000
    /// Most needs that one `any_of` may list.
    package static let maximumAlternatives = 1 + Limits.alternativesPerShape

    /// Reads needs as they stand in a document or in the specification of a subtask.
    ///
    /// - Parameter base: what holds for the keys that are not there; labels are taken together.
    /// - Parameter allowsAuto: whether needs may be left to predictions.
    package init(
        json: JSON, over base: NeedsDeclaration = .standard, allowsAuto: Bool = false
    ) throws(NeedsError) {
        self = base
        if allowsAuto, json == "auto" {
            auto = AutoNeeds()
            return
        }
        guard case .object(let object) = json else {
            throw NeedsError(pointer: JSONPointer(), message: "wanted an object")
        }
        if let list = object["any_of"] {
            self = try Self.alternatives(list, beside: object, over: base)
            return
        }
        alternatives = try base.alternatives.map { other throws(NeedsError) in
            try NeedsDeclaration(json: json, over: other)
        }
        for (key, value) in object.members {
            switch key {
            case "cpus":
                cpuMillis = try Self.millis(value, key)
                guard cpuMillis > 0 else { throw Self.error(key, "wanted at least 0.001 cores") }
            case "gpus": gpuMillis = try Self.millis(value, key)
            case "memory": memoryBytes = try Self.bytes(value, key)
            case "gpu-memory": gpuMemoryBytes = try Self.bytes(value, key)
            case "gpu-topology": gpuTopology = try Self.topology(value, key)
            case "labels": try mergeLabels(value)
            case "gang":
                guard let members = value.integerValue,
                    (1...Int64(Limits.membersPerGang)).contains(members)
                else {
                    throw Self.error(
                        key,
                        "wanted a number from 1 to \(Limits.membersPerGang), found \(value.text)")
                }
                gang = Int(members)
            case "auto" where allowsAuto: auto = try AutoNeeds(json: value)
            default:
                throw Self.error(
                    key,
                    "unknown need; wanted cpus, memory, gpus, gpu-memory, gpu-topology, labels, "
                        + "gang or any_of")
            }
        }
        if auto != nil {
            let stated = ["cpus": Quantity.cpu, "memory": .memory, "gpu-memory": .gpuMemory]
            auto?.stated.formUnion(object.members.compactMap { key, _ in stated[key] })
        }
        if gang > 1, !alternatives.isEmpty {
            throw Self.error("gang", "a gang has one set of needs; leave any_of out, or gang")
        }
        if gpuMemoryBytes > 0, gpuMillis == 0 {
            throw Self.error("gpu-memory", "memory of a GPU is asked for, and no GPU; add gpus: 1")
        }
        if gpuTopology != .any, gpuMillis <= 1_000 {
            throw Self.error(
                "gpu-topology", "one GPU has no other one to be near to; ask for gpus: 2 or more")
        }
    }

    /// Reads `any_of: [needs, …]`; what stands beside it holds for each of them.
    private static func alternatives(
        _ list: JSON, beside object: JSONObject, over base: NeedsDeclaration
    ) throws(NeedsError) -> NeedsDeclaration {
        guard let list = list.arrayValue, (2...maximumAlternatives).contains(list.count) else {
            throw error(
                "any_of", "wanted a list of 2 to \(maximumAlternatives) needs, found \(list.text)")
        }
        guard base.auto == nil, object["auto"] == nil else {
            throw error("any_of", "alternatives cannot be predicted; leave auto out, or any_of")
        }
        guard base.alternatives.isEmpty else {
            throw error(
                "any_of", "defaults: have alternatives already; state any_of in one of the two")
        }
        var members = object
        members["any_of"] = nil
        let shared = try NeedsDeclaration(json: .object(members), over: base)
        var read: [NeedsDeclaration] = []
        for (index, json) in list.enumerated() {
            do throws(NeedsError) {
                guard json["any_of"] == nil else {
                    throw error("any_of", "alternatives within alternatives; list them all in one")
                }
                read.append(try NeedsDeclaration(json: json, over: shared))
            } catch {
                throw NeedsError(
                    pointer: JSONPointer(["any_of", "\(index)"] + error.pointer.tokens),
                    message: error.message)
            }
        }
        guard read.allSatisfy({ $0.gang == 1 }) else {
            throw error("any_of", "a gang has one set of needs; leave any_of out, or gang")
        }
        var first = read.removeFirst()
        first.alternatives = read
        return first
    }

    private static func error(_ key: String, _ message: String) -> NeedsError {
        NeedsError(pointer: JSONPointer([key]), message: message)
    }

    private static func topology(
        _ value: JSON, _ key: String
    ) throws(NeedsError) -> DeviceTopology {
        switch value {
        case "any": return .any
        case "numa": return .node
        case "nvlink": return .link
        default: throw error(key, "wanted any, numa or nvlink, found \(value.text)")
        }
    }

    private static func millis(_ value: JSON, _ key: String) throws(NeedsError) -> Int64 {
        guard let number = value.doubleValue, number >= 0,
            number * 1_000 <= Double(maximumMillis)
        else {
            throw error(
                key, "wanted a number from 0 to \(maximumMillis / 1_000), found \(value.text)")
        }
        return Int64((number * 1_000).rounded())
    }

    private static func bytes(_ value: JSON, _ key: String) throws(NeedsError) -> Int64 {
        guard let bytes = value.stringValue.flatMap(SchemaFormat.byteCount) else {
            throw error(key, "wanted \(Unit.bytes.wanted), found \(value.text)")
        }
        return bytes
    }

    private mutating func mergeLabels(_ value: JSON) throws(NeedsError) {
        guard case .object(let object) = value else {
            throw Self.error("labels", "wanted labels with their values, found \(value.typeName)")
        }
        for (name, value) in object.members {
            guard let text = value.stringValue else {
                throw NeedsError(
                    pointer: JSONPointer(["labels", name]),
                    message: "wanted a string, found \(value.text)")
            }
            labels.removeAll { $0.name == name }
            labels.append(Label(name: name, value: text))
        }
        labels.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}
