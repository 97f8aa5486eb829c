/// A checked name of a plugin.
package struct PluginName {
    /// What an example calls itself.
    struct Example {
        var name: String
        var type: String
    }

    /// The longest name, in bytes.
    package static let maximumBytes = 40

    /// The name as the user wrote it.
    package let text: String

    /// A name: small letters, digits and single hyphens, a letter first.
    ///
    /// `nil` for any other.
    package init?(_ text: String) {
        let words = text.split(separator: "-", omittingEmptySubsequences: false)
        guard text.utf8.count <= Self.maximumBytes, let first = text.utf8.first,
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first),
            words.allSatisfy({ word in
                !word.isEmpty
                    && word.utf8.allSatisfy { byte in
                        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    }
            })
        else { return nil }
        self.text = text
    }

    /// This name in the place of that of an example.
    ///
    /// The type says its kind, `WordCountStrategy`, so that it is no other type of PluginKit.
    func instead(of kind: PluginTemplates.Kind) -> Renaming {
        let words = text.split(separator: "-") + [Substring(kind.rawValue)]
        return Renaming(
            name: text,
            type: words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(),
            example: kind.example)
    }
}

/// Puts a name where an example says its own.
struct Renaming {
    let name: String
    let type: String
    let example: PluginName.Example

    /// Settings, comments and documents: where the example is named as a plugin.
    ///
    /// What all kinds share is written for `rows`.
    func words(_ text: String) -> String {
        let places = [example.name, "rows"].flatMap { old in
            [
                ("com.example.\(old)", "com.example.\(name)"),
                ("fanfold-\(old)", "fanfold-\(name)"),
                ("fanfold_\(old)", "fanfold_\(name.replacing("-", with: "_"))"),
                ("\(old).c - ", "\(name).c - "), ("\"\(old).c\"", "\"\(name).c\""),
                ("\(old).cpp - ", "\(name).cpp - "), ("\"\(old).cpp\"", "\"\(name).cpp\""),
                ("PLUGIN  ?= \(old)", "PLUGIN  ?= \(name)"),
                ("name: \(old)", "name: \(name)"), ("  \(old): {", "  \(name): {"),
            ]
        }
        return Self.replaced(text, places)
    }

    /// Source code: the same, and the example's type.
    func code(_ text: String) -> String {
        Self.replaced(words(text), [example.type, "Rows"].map { ($0, type) })
    }

    /// Puts all of them in at once: a new name may have an old one in it.
    private static func replaced(_ text: String, _ places: [(from: String, to: String)]) -> String {
        let places = places.map { (from: Array($0.from.utf8), to: Array($0.to.utf8)) }
        var rest = Array(text.utf8)[...]
        var result: [UInt8] = []
        while let byte = rest.first {
            if let place = places.first(where: { rest.starts(with: $0.from) }) {
                result += place.to
                rest = rest.dropFirst(place.from.count)
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
