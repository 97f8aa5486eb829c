import CLibYAML

/// One event of libyaml, as a value.
struct YAMLEvent {
    /// What begins or ends.
    enum Kind {
        case documentStart
        case documentEnd
        case streamEnd
        case alias(String)
        case scalar(String, isPlain: Bool)
        case sequenceStart
        case mappingStart
        case collectionEnd
        /// The start of the stream, and what a newer libyaml may add.
        case other
    }

    var kind: Kind
    var range: PlaceRange
    var anchor: String?
    var tag: String?
    var isFlow = false
}

/// The events of a text, one at a time.
///
/// Lives within one call of ``read(_:_:)``: libyaml keeps a pointer to the text.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let lines: [Substring]

    /// Calls `body` with a reader of the events of `text`.
    static func read<T>(_ text: String, _ body: (borrowing YAMLEventReader) -> T) -> T {
        var text = text
        let lines = SourceText.lines(of: text)
        return text.withUTF8 { bytes in
            body(YAMLEventReader(bytes, lines: lines))
        }
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>, lines: [Substring]) {
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        self.lines = lines
        let isReady = yaml_parser_initialize(parser)
        precondition(isReady == 1, "libyaml can allocate its buffers")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event.
    func next() throws(YAMLProblem) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let range = PlaceRange(place(event.start_mark), place(event.end_mark))
        let data = event.data
        switch event.type {
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, range: range)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, range: range)
        case YAML_STREAM_END_EVENT: return YAMLEvent(kind: .streamEnd, range: range)
        case YAML_ALIAS_EVENT:
            return YAMLEvent(kind: .alias(string(data.alias.anchor) ?? ""), range: range)
        case YAML_SCALAR_EVENT: return scalar(data, range)
        case YAML_SEQUENCE_START_EVENT:
            return YAMLEvent(
                kind: .sequenceStart, range: range, anchor: string(data.sequence_start.anchor),
                tag: string(data.sequence_start.tag),
                isFlow: data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE)
        case YAML_MAPPING_START_EVENT:
            return YAMLEvent(
                kind: .mappingStart, range: range, anchor: string(data.mapping_start.anchor),
                tag: string(data.mapping_start.tag),
                isFlow: data.mapping_start.style == YAML_FLOW_MAPPING_STYLE)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return YAMLEvent(kind: .collectionEnd, range: range)
        default: return YAMLEvent(kind: .other, range: range)
        }
    }

    private func scalar(
        _ data: yaml_event_t.__Unnamed_union_data, _ range: PlaceRange
    ) -> YAMLEvent {
        let text = String(
            decoding: UnsafeBufferPointer(start: data.scalar.value, count: data.scalar.length),
            as: UTF8.self)
        return YAMLEvent(
            kind: .scalar(text, isPlain: data.scalar.style == YAML_PLAIN_SCALAR_STYLE),
            range: range, anchor: string(data.scalar.anchor), tag: string(data.scalar.tag))
    }

    private func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        text.map { String(cString: $0) }
    }

    private func place(_ mark: yaml_mark_t) -> Place {
        Place(line: mark.line + 1, column: mark.column + 1)
    }

    /// What libyaml says is wrong, in our words.
    private func problem() -> YAMLProblem {
        let parser = parser.pointee
        let problem = parser.problem.map { String(cString: $0) } ?? "out of memory"
        let context = parser.context.map { String(cString: $0) }
        let failure = YAMLSyntaxFailure(
            problem: problem, context: context, place: place(parser.problem_mark),
            contextPlace: context == nil ? nil : place(parser.context_mark), lines: lines)
        return failure.explained()
    }
}
