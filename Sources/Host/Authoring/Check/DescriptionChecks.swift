import FanfoldJSON
import FanfoldPlugins

/// Checks of what a plugin says about its components.
enum DescriptionChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "descriptor-complete", subject: .library,
            summary: "Every component says who it is: id, version, licence, one sentence.",
            consequence: "People could not tell what it is, or pipelines not name it.",
            body: descriptor),
        CheckCase(
            name: "schema-valid", subject: .library,
            summary: "The schema of the configuration is whole: descriptions, defaults, examples.",
            consequence: "Configurations would be refused, or accepted, for no reason people see.",
            body: SchemaReview.check),
        CheckCase(
            name: "id-stability", subject: .library,
            summary: "No id and no key of the configuration has gone since the version before.",
            consequence: "Pipelines that ran yesterday would be refused after an update.",
            body: StabilityReview.check),
    ]

    private static func descriptor(_ context: CheckContext) throws -> CheckOutcome {
        var faults: [String] = []
        var doubts: [String] = []
        for component in try context.loaded().components.map(\.descriptor) {
            let id = component.id
            if !isReverseDNS(id) {
                faults.append("\(id): wanted an id with a domain, as com.example.name")
            }
            if let fault = summaryFault(component.summary) {
                faults.append("\(id): \(fault), found \"\(component.summary)\"")
            }
            if SemanticVersion(component.version) == nil {
                faults.append("\(id): wanted a version like 1.0.0, found \(component.version)")
            }
            if case .unknown(let kind) = component.kind {
                doubts.append("\(id): hosts of today do not know the kind \(kind)")
            }
            if component.needsMinor > component.builtMinor {
                faults.append(
                    "\(id): it needs 1.\(component.needsMinor) and was built for "
                        + "1.\(component.builtMinor); needs_minor is the oldest that will do")
            }
            if let url = component.url, !url.hasPrefix("https://"), !url.hasPrefix("http://") {
                faults.append("\(id): wanted a url that begins with https://, found \(url)")
            }
            for service in component.needsServices where !MockServices.ids.contains(service) {
                faults.append("\(id): it needs the service \(service), which no host has")
            }
            switch component.license.map(LicenseExpression.init) {
            case nil: faults.append("\(id): it names no licence; wanted one of spdx.org/licenses")
            case .malformed(let why)?: faults.append("\(id): licence: \(why)")
            case .unknown(let name)?:
                doubts.append("\(id): the licence \(name) is not known here; is it SPDX?")
            case .known?: break
            }
        }
        guard faults.isEmpty else { return .failed(faults.joined(separator: "; ")) }
        return doubts.isEmpty ? .passed() : .warning(doubts.joined(separator: "; "))
    }

    /// Labels of a-z, 0-9, '-' and '_', at least two, none of which begins or ends with a dash.
    private static func isReverseDNS(_ id: String) -> Bool {
        let labels = id.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                guard let first = label.utf8.first, let last = label.utf8.last else { return false }
                let dash = UInt8(ascii: "-")
                return first != dash && last != dash && label.utf8.count <= 63
            }
    }

    private static func summaryFault(_ summary: String) -> String? {
        let limit = 100
        if summary.isEmpty || summary.count > limit {
            return "wanted a summary of 1 to \(limit) characters"
        }
        if summary.contains(where: \.isNewline) { return "wanted a summary on one line" }
        guard let last = summary.last, [".", "!", "?"].contains(last) else {
            return "wanted a summary that is a sentence, with a full stop"
        }
        let words = summary.dropLast().split(separator: " ")
        let ends = words.dropLast().filter { $0.hasSuffix(".") && $0.count > 3 }
        return ends.isEmpty ? nil : "wanted a summary of one sentence"
    }
}

/// A version by Semantic Versioning 2.0.0.
struct SemanticVersion {
    var major: Int
    var minor: Int
    var patch: Int

    /// Reads a version; `nil` if it is none.
    init?(_ text: String) {
        let withoutBuild = text.split(separator: "+", omittingEmptySubsequences: false)
        guard withoutBuild.count <= 2,
            withoutBuild.dropFirst().allSatisfy({ Self.areIdentifiers($0, areNumbersShort: false) })
        else { return nil }
        let dash = withoutBuild[0].firstIndex(of: "-") ?? withoutBuild[0].endIndex
        if dash < withoutBuild[0].endIndex {
            let before = withoutBuild[0][withoutBuild[0].index(after: dash)...]
            guard Self.areIdentifiers(before, areNumbersShort: true) else { return nil }
        }
        let numbers = withoutBuild[0][..<dash]
            .split(separator: ".", omittingEmptySubsequences: false).map(Self.number)
        guard numbers.count == 3, let major = numbers[0], let minor = numbers[1],
            let patch = numbers[2]
        else { return nil }
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    private static func number(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            text.count == 1 || !text.hasPrefix("0")
        else { return nil }
        return Int(text)
    }

    private static func areIdentifiers(_ text: Substring, areNumbersShort: Bool) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            let isWord =
                !part.isEmpty
                && part.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                        || (0x61...0x7A).contains(byte) || byte == 0x2D
                }
            let isNumber = part.utf8.allSatisfy { (0x30...0x39).contains($0) }
            return isWord && !(areNumbersShort && isNumber && number(part) == nil)
        }
    }

    /// Whether a pipeline written for `other` may be refused by this version.
    func mayBreak(_ other: SemanticVersion) -> Bool {
        major > other.major || (major == 0 && other.major == 0 && minor > other.minor)
    }
}

/// What a licence expression of SPDX says.
///
/// Source: SPDX specification 2.3, annex D; the names are those of common licences.
enum LicenseExpression: Equatable {
    case known
    case unknown(String)
    case malformed(String)

    private static let names: Set<String> = [
        "0BSD", "AFL-3.0", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0",
        "BSD-1-Clause", "BSD-2-Clause", "BSD-2-Clause-Patent", "BSD-3-Clause",
        "BSD-3-Clause-Clear", "BSD-4-Clause", "BSL-1.0", "BUSL-1.1", "CC-BY-4.0", "CC-BY-SA-4.0",
        "CC0-1.0", "CDDL-1.0", "CDDL-1.1", "CECILL-2.1", "ECL-2.0", "EPL-1.0", "EPL-2.0",
        "EUPL-1.1", "EUPL-1.2", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only",
        "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only",
        "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "MS-PL", "MulanPSL-2.0", "NCSA",
        "OFL-1.1", "OSL-3.0", "PostgreSQL", "Python-2.0", "Ruby", "SSPL-1.0", "Unicode-3.0",
        "Unlicense", "UPL-1.0", "Vim", "W3C", "WTFPL", "X11", "Zlib", "ZPL-2.1",
    ]
    private static let exceptions: Set<String> = [
        "Classpath-exception-2.0", "GCC-exception-3.1", "LLVM-exception", "Swift-exception",
    ]

    /// Reads an expression: `MIT OR Apache-2.0 WITH LLVM-exception`.
    init(_ text: String) {
        let words = text.replacing("(", with: " ( ").replacing(")", with: " ) ")
            .split(separator: " ").map(String.init)
        self = Self.read(words)
    }

    private static func read(_ words: [String]) -> LicenseExpression {
        var result = LicenseExpression.known
        var wantsName = true
        var depth = 0
        var previous = ""
        for word in words {
            switch word {
            case "(":
                guard wantsName else { return .malformed("wanted AND or OR before \"(\"") }
                depth += 1
            case ")":
                guard !wantsName, depth > 0 else { return .malformed("\")\" comes too early") }
                depth -= 1
            case "AND", "OR", "WITH":
                guard !wantsName else { return .malformed("wanted a licence before \(word)") }
                wantsName = true
            default:
                guard wantsName else {
                    return .malformed("wanted AND, OR or WITH before \"\(word)\"")
                }
                guard isName(word) else {
                    return .malformed("\"\(word)\" is no identifier of SPDX")
                }
                wantsName = false
                let known = previous == "WITH" ? exceptions : names
                let plain = word.hasSuffix("+") ? String(word.dropLast()) : word
                if !known.contains(plain), !word.contains("LicenseRef-") { result = .unknown(word) }
            }
            previous = word
        }
        if wantsName { return .malformed("it ends too early") }
        return depth == 0 ? result : .malformed("a \"(\" is not closed")
    }

    private static func isName(_ word: String) -> Bool {
        word.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || [0x2B, 0x2D, 0x2E, 0x3A].contains(byte)
        }
    }
}
