/// A value of a YAML document, with its place.
///
/// Aliases are replaced by what they stand for; the copy keeps the place of the alias, what is
/// inside it keeps the places of the anchor.
package struct YAMLNode: Sendable {
    /// What a value is.
    package enum Value: Sendable {
        /// Text; what it means depends on the style.
        case scalar(String, ScalarStyle)
        /// A list.
        case sequence([YAMLNode])
        /// Keys with values, in the order of the document; keys are scalars, each once.
        case mapping([(key: YAMLNode, value: YAMLNode)])
    }

    /// How a scalar is written.
    package enum ScalarStyle: Sendable {
        /// Without quotes: the core schema of YAML 1.2 decides whether it is a number.
        case plain
        /// In quotes, as a block, or tagged `!!str`: always a string.
        case quoted
    }

    /// What it is.
    package var value: Value
    /// Where it stands; of a mapping or sequence in block style, its first token.
    package var range: PlaceRange

    /// Where it begins.
    package var place: Place { range.start }

    /// A value at a place.
    package init(_ value: Value, _ range: PlaceRange) {
        self.value = value
        self.range = range
    }
}
