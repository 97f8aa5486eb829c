import FanfoldJSON

/// A compiled JSON Schema that checks a value and reports everything that is wrong with it.
///
/// The subset of draft 2020-12 that configurations need, so that a misspelt keyword in a schema
/// is refused and not ignored.  Three things differ from the draft on purpose: `pattern` is a
/// POSIX extended regular expression, `format` knows the units of pipelines (see
/// ``SchemaFormat``), and a failed `oneOf` or `anyOf` reports the branch that was meant.
///
/// Source: JSON Schema draft 2020-12, core and validation.
package struct JSONSchema: Sendable {
    /// How many subschemas one schema may hold.
    package static let maximumNodes = 16_384
    /// How many references and alternatives may follow one another at one place of a value.
    package static let maximumChain = 16
    /// How many subschemas may be inside one another while a value is checked, so that the stack of
    /// a small thread (512 KiB) is enough.
    package static let maximumDepth = 64
    /// How many checks one validation may take, so that no schema costs exponential time.
    package static let maximumSteps = 4_000_000
    /// How many problems one validation reports.
    package static let maximumProblems = 1_000
    /// Length of a `pattern`, in bytes.
    package static let maximumPatternBytes = 1_024

    let nodes: [SchemaNode]

    /// Compiles a schema, and checks that its own defaults fit it.
    ///
    /// Parameter wellKnown: Schemas of the host, by the whole name that a `$ref` says:
    /// `fanfold:run`.
    package init(_ schema: JSON, wellKnown: [String: JSON] = [:]) throws(SchemaError) {
        var compiler = SchemaCompiler(
            documents: wellKnown.merging(["": schema]) { _, root in root })
        nodes = try compiler.compile()
        try checkDefaults()
    }

    /// What is wrong with `value`, in the order of the document; empty if it is valid.
    ///
    /// A problem that makes another one moot hides it: a misspelt key is not reported as a missing
    /// one too.
    package func validate(_ value: JSON) -> [SchemaProblem] {
        var checker = SchemaChecker(nodes: nodes)
        return checker.problems(of: value, node: 0)
    }

    /// `value` with the default of every key that is not written, at every level.
    ///
    /// Defaults of an alternative or a condition are those of the branch that `value` takes as it
    /// was written.  Meant for a value that is valid; others come back as complete as they can be.
    package func fillingDefaults(_ value: JSON) -> JSON {
        var filler = SchemaDefaults(nodes: nodes)
        return filler.fill(value, node: 0)
    }

    private func checkDefaults() throws(SchemaError) {
        for (index, node) in nodes.enumerated() {
            guard let value = node.defaultValue else { continue }
            var checker = SchemaChecker(nodes: nodes)
            if let problem = checker.problems(of: value, node: index).first {
                throw .badDefault(at: node.location, problem: problem.description)
            }
            var filler = SchemaDefaults(nodes: nodes)
            _ = filler.fill(value, node: index)
            guard !filler.isExhausted else { throw .endless(at: node.location) }
        }
    }
}
