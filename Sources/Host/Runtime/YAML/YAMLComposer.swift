/// Makes a tree of events: replaces aliases, keeps the limits, refuses what is not YAML 1.2 core.
struct YAMLComposer: ~Copyable {
    /// A tree and its measures, aliases being replaced.
    private struct Composed {
        var node: YAMLNode
        var nodes = 1
        /// How many sequences and mappings stand inside one another, itself among them.
        var height = 0
    }

    private enum Anchor {
        case open
        case closed(Composed)
    }

    private var problems: [YAMLProblem] = []
    private var anchors: [String: Anchor] = [:]
    private var nodes = 0

    /// The tree of a document, `nil` if it is empty or a mistake ended the reading; and all the
    /// mistakes.
    static func compose(_ text: String) -> (root: YAMLNode?, problems: [YAMLProblem]) {
        YAMLEventReader.read(text) { reader in
            var composer = YAMLComposer()
            var root: YAMLNode?
            do throws(YAMLProblem) {
                root = try composer.document(reader)
            } catch {
                composer.problems.append(error)
            }
            return (root, composer.problems)
        }
    }

    private mutating func document(
        _ reader: borrowing YAMLEventReader
    ) throws(YAMLProblem) -> YAMLNode? {
        var root: YAMLNode?
        var documents = 0
        while true {
            let event = try reader.next()
            switch event.kind {
            case .streamEnd: return root
            case .documentStart:
                documents += 1
                guard documents == 1 else {
                    throw YAMLProblem(
                        range: event.range,
                        message: "wanted one document, found the start of a second", isFatal: true)
                }
                root = try node(try reader.next(), reader, depth: 0).node
            default: continue
            }
        }
    }

    private mutating func node(
        _ event: YAMLEvent, _ reader: borrowing YAMLEventReader, depth: Int
    ) throws(YAMLProblem) -> Composed {
        if let anchor = event.anchor { anchors[anchor] = .open }
        let composed: Composed
        switch event.kind {
        case .alias(let name): composed = try alias(name, event.range, depth: depth)
        case .scalar(let text, let isPlain):
            try count(1, at: event.range)
            composed = Composed(node: scalar(text, isPlain: isPlain, event))
        case .sequenceStart:
            try enter(event, tag: "seq", depth: depth)
            composed = try sequence(event, reader, depth: depth + 1)
        case .mappingStart:
            try enter(event, tag: "map", depth: depth)
            composed = try mapping(event, reader, depth: depth + 1)
        default: preconditionFailure("libyaml's events nest")
        }
        if let anchor = event.anchor { anchors[anchor] = .closed(composed) }
        return composed
    }

    private mutating func sequence(
        _ start: YAMLEvent, _ reader: borrowing YAMLEventReader, depth: Int
    ) throws(YAMLProblem) -> Composed {
        var elements: [YAMLNode] = []
        var composed = Composed(node: YAMLNode(.sequence([]), start.range), height: 1)
        while true {
            let event = try reader.next()
            if case .collectionEnd = event.kind {
                composed.node = YAMLNode(.sequence(elements), range(of: start, endingWith: event))
                return composed
            }
            let element = try node(event, reader, depth: depth)
            composed.nodes += element.nodes
            composed.height = max(composed.height, element.height + 1)
            elements.append(element.node)
        }
    }

    private mutating func mapping(
        _ start: YAMLEvent, _ reader: borrowing YAMLEventReader, depth: Int
    ) throws(YAMLProblem) -> Composed {
        var members: [(key: YAMLNode, value: YAMLNode)] = []
        var firsts: [String: Place] = [:]
        var composed = Composed(node: YAMLNode(.mapping([]), start.range), height: 1)
        while true {
            let event = try reader.next()
            if case .collectionEnd = event.kind {
                composed.node = YAMLNode(.mapping(members), range(of: start, endingWith: event))
                return composed
            }
            let key = try node(event, reader, depth: depth)
            let value = try node(try reader.next(), reader, depth: depth)
            composed.nodes += key.nodes + value.nodes
            composed.height = max(composed.height, value.height + 1)
            guard let text = keyText(key.node) else { continue }
            if let first = firsts[text] {
                problems.append(
                    YAMLProblem(
                        range: key.node.range, message: "the key \"\(text)\" stands twice",
                        notes: [.init(place: first, "it stands here first")]))
                continue
            }
            firsts[text] = key.node.place
            members.append((key.node, value.node))
        }
    }

    /// The text of a key; `nil`, and a problem, if it cannot be a key.
    private mutating func keyText(_ key: YAMLNode) -> String? {
        guard case .scalar(let text, let style) = key.value else {
            problems.append(
                YAMLProblem(
                    range: key.range, message: "wanted a key that is text, found a collection"))
            return nil
        }
        guard style == .plain else { return text }
        if text == "<<" {
            problems.append(
                YAMLProblem(
                    range: key.range,
                    message: "merge keys (<<) are not part of YAML 1.2; write the keys out, "
                        + "or use an alias for a whole value"))
            return nil
        }
        if text.isEmpty {
            problems.append(
                YAMLProblem(range: key.range, message: "wanted a key before ':'"))
            return nil
        }
        return text
    }
}

extension YAMLComposer {
    private mutating func alias(
        _ name: String, _ range: PlaceRange, depth: Int
    ) throws(YAMLProblem) -> Composed {
        switch anchors[name] {
        case .closed(var composed):
            try count(composed.nodes, at: range)
            try checkDepth(depth + composed.height, at: range)
            composed.node.range = range
            return composed
        case .open:
            problems.append(
                YAMLProblem(
                    range: range, message: "the alias *\(name) stands inside what it stands for"))
        case nil:
            problems.append(
                YAMLProblem(
                    range: range,
                    message: "the alias *\(name) has no anchor &\(name) before it; "
                        + "quote it if a string is meant"))
        }
        try count(1, at: range)
        return Composed(node: YAMLNode(.scalar("", .plain), range))
    }

    private mutating func scalar(_ text: String, isPlain: Bool, _ event: YAMLEvent) -> YAMLNode {
        var style: YAMLNode.ScalarStyle = isPlain ? .plain : .quoted
        if let tag = event.tag {
            switch YAMLTag(tag) {
            case .string: style = .quoted
            case .scalar(let wanted, let accepts):
                style = .plain
                let value = try? YAMLScalar.value(of: text)
                if let value, !accepts.contains(value.typeName) {
                    problems.append(
                        YAMLProblem(
                            range: event.range, message: "wanted \(wanted), found \"\(text)\""))
                    style = .quoted
                }
            case .collection, .unknown: refuse(tag, event.range)
            }
        }
        if style == .plain { checkNumber(text, event.range) }
        return YAMLNode(.scalar(text, style), event.range)
    }

    private mutating func checkNumber(_ text: String, _ range: PlaceRange) {
        do throws(YAMLScalar.Refusal) {
            _ = try YAMLScalar.value(of: text)
        } catch {
            problems.append(YAMLProblem(range: range, message: error.message))
        }
    }

    private mutating func enter(
        _ event: YAMLEvent, tag: String, depth: Int
    ) throws(YAMLProblem) {
        try count(1, at: event.range)
        try checkDepth(depth + 1, at: event.range)
        guard let found = event.tag else { return }
        if case .collection(tag) = YAMLTag(found) { return }
        refuse(found, event.range)
    }

    private mutating func refuse(_ tag: String, _ range: PlaceRange) {
        problems.append(
            YAMLProblem(
                range: range,
                message: "the tag \(tag) is not known here; leave it out "
                    + "(known: !!str !!int !!float !!bool !!null !!seq !!map)"))
    }

    private mutating func count(_ more: Int, at range: PlaceRange) throws(YAMLProblem) {
        nodes += more
        guard nodes <= YAMLDocument.maximumNodes else {
            throw YAMLProblem(
                range: range,
                message: "the document has more than \(YAMLDocument.maximumNodes) values, "
                    + "aliases being replaced; put data in files and name them under inputs:",
                isFatal: true)
        }
    }

    private func checkDepth(_ depth: Int, at range: PlaceRange) throws(YAMLProblem) {
        guard depth <= YAMLDocument.maximumDepth else {
            throw YAMLProblem(
                range: range, message: "nested deeper than \(YAMLDocument.maximumDepth) levels",
                isFatal: true)
        }
    }

    private func range(of start: YAMLEvent, endingWith end: YAMLEvent) -> PlaceRange {
        start.isFlow ? PlaceRange(start.range.start, end.range.end) : start.range
    }
}

/// The tags of the core schema.
private enum YAMLTag {
    case string
    case scalar(wanted: String, accepts: [String])
    case collection(String)
    case unknown

    init(_ tag: String) {
        let prefix = "tag:yaml.org,2002:"
        switch tag.hasPrefix(prefix) ? String(tag.dropFirst(prefix.count)) : tag {
        case "str", "!": self = .string
        case "int": self = .scalar(wanted: "a whole number", accepts: ["integer"])
        case "float": self = .scalar(wanted: "a number", accepts: ["integer", "number"])
        case "bool": self = .scalar(wanted: "true or false", accepts: ["boolean"])
        case "null": self = .scalar(wanted: "null", accepts: ["null"])
        case "seq": self = .collection("seq")
        case "map": self = .collection("map")
        default: self = .unknown
        }
    }
}
