import CPluginABI
import FanfoldJSON

/// What a plugin says about one of its components, copied out and checked.
package struct ComponentDescriptor: Sendable {
    /// What a component does.
    package enum Kind: Hashable, Sendable, CustomStringConvertible {
        case strategy
        case provider
        case executor
        case policy
        /// A kind that a newer minor of the contract has.
        case unknown(UInt32)

        init(_ number: UInt32) {
            switch Int(number) {
            case FAN_KIND_STRATEGY: self = .strategy
            case FAN_KIND_PROVIDER: self = .provider
            case FAN_KIND_EXECUTOR: self = .executor
            case FAN_KIND_POLICY: self = .policy
            default: self = .unknown(number)
            }
        }

        package var description: String {
            switch self {
            case .strategy: "strategy"
            case .provider: "provider"
            case .executor: "executor"
            case .policy: "policy"
            case .unknown(let number): "kind \(number)"
            }
        }
    }

    /// What it does.
    package var kind: Kind
    /// What the YAML says after `use:`, in full: `fanfold.data-parallel`.
    package var id: String
    /// Its version.
    package var version: String
    /// One sentence.
    package var summary: String
    /// Who made it.
    package var vendor: String?
    /// SPDX licence identifier.
    package var license: String?
    /// Where to read more.
    package var url: String?
    /// The JSON Schema of its configuration, as the plugin wrote it.
    package var configSchema: JSON?
    /// The same, compiled; `nil` lets every configuration through.
    package var schema: JSONSchema?
    /// Services of the host that it cannot do without.
    package var needsServices: [String]
    /// The oldest minor of the contract that it works with.
    package var needsMinor: Int
    /// Bits of `fan_component.flags`; unknown ones mean nothing.
    package var flags: UInt32
    /// The minor of the header that it was built with; only for people.
    package var builtMinor: Int
    /// The file it comes from, as the user named it.
    package var path: String
    /// The SHA-256 of that file.
    package var sha256: String

    /// The id without the prefix of what is bundled: `data-parallel`.
    package var shortID: String { Self.shortID(id) }

    /// The id without the prefix of what is bundled.
    package static func shortID(_ id: String) -> String {
        let bundled = "fanfold."
        return id.hasPrefix(bundled) ? String(id.dropFirst(bundled.count)) : id
    }
}

extension ComponentDescriptor {
    /// In which forms beside bytes an executor takes its inputs: `"x-fanfold-inputs"` of its schema.
    ///
    /// Words that are not known are passed over.
    package var inputForms: Set<PluginCall.Part.Form> {
        let words = configSchema?["x-fanfold-inputs"]?.arrayValue ?? []
        return Set(
            words.compactMap { (word) -> PluginCall.Part.Form? in
                switch word.stringValue {
                case "tensor": .tensor
                case "arrow": .table
                default: nil
                }
            })
    }
}
