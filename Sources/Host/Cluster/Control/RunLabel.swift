import FanfoldCore

/// What is kept of a run beside what the coordinator knows: who wanted it, what it is called, and
/// where its files are.
struct RunLabel: Hashable, Sendable {
    var name: String
    var submitter: String
    /// Milliseconds since 1970.
    var submitted: Int64
    /// The document within the run's folder.
    var document: String
    /// Changes that were asked for beside the document, in order.
    var overrides: [RunSetting]
    var idempotencyKey: String?
    /// Whether it came through the routes of single tasks.
    var isOrchestrated: Bool
    /// The strategies of its tasks, in the order of the document.
    var strategies: [String]
    /// The names of its outputs.
    var outputs: [String]

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.byte(1)
        writer.string(name)
        writer.string(submitter)
        writer.zigzag(submitted)
        writer.string(document)
        writer.varint(UInt64(overrides.count))
        for each in overrides {
            writer.string(each.key)
            writer.string(each.value)
        }
        writer.bool(idempotencyKey != nil)
        if let idempotencyKey { writer.string(idempotencyKey) }
        writer.bool(isOrchestrated)
        writer.varint(UInt64(strategies.count))
        for strategy in strategies { writer.string(strategy) }
        writer.varint(UInt64(outputs.count))
        for output in outputs { writer.string(output) }
        return writer.bytes
    }
}

extension RunLabel {
    init(_ bytes: [UInt8]) throws(CodingError) {
        var reader = ByteReader(bytes)
        try reader.version(1)
        name = try reader.string()
        submitter = try reader.string()
        submitted = try reader.zigzag()
        document = try reader.string()
        overrides = []
        for _ in 0..<(try reader.count()) {
            overrides.append(RunSetting(key: try reader.string(), value: try reader.string()))
        }
        idempotencyKey = try reader.bool() ? try reader.string() : nil
        isOrchestrated = try reader.bool()
        strategies = []
        for _ in 0..<(try reader.count()) { strategies.append(try reader.string()) }
        outputs = []
        for _ in 0..<(try reader.count()) { outputs.append(try reader.string()) }
        try reader.finish()
    }
}

/// A change of a document that was asked for with its submission.
package struct RunSetting: Hashable, Sendable {
    /// What is changed.
    package var key: String
    /// What it becomes.
    package var value: String
}
