import FanfoldJSON

/// The result of a subtask.
public struct SubtaskResult {
    /// The subtask.
    public var subtask: UInt64
    /// What the executor gave; for a command one part, its standard output.
    ///
    /// Keep a blob to use it later; the bytes of one that is not kept are gone when the call
    /// returns.
    public var parts: [Blob]

    private let facts: ResultFacts

    /// A result, for the tests of a strategy.
    public init(
        subtask: UInt64, worker: String = "", ranNanoseconds: UInt64 = 0, items: Int = 1,
        parts: [Blob]
    ) {
        self.init(
            subtask: subtask, parts: parts,
            facts: ResultFacts(
                .init(worker: worker, ranNanoseconds: ranNanoseconds, items: items)))
    }

    init(subtask: UInt64, parts: [Blob], facts: ResultFacts) {
        self.subtask = subtask
        self.parts = parts
        self.facts = facts
    }

    /// The worker that ran it.
    public var worker: String { facts.values.worker }

    /// Wall time of the successful attempt, in nanoseconds.
    public var ranNanoseconds: UInt64 { facts.values.ranNanoseconds }

    /// How many items the output holds, counted as for ``InputDescription/items``.
    public var items: Int { facts.values.items }
}

/// What is said about a result, read from its JSON when it is first asked for: most strategies
/// never ask, and then a result costs no parsing.
final class ResultFacts {
    struct Values {
        var worker = ""
        var ranNanoseconds: UInt64 = 0
        var items = 1

        init(worker: String, ranNanoseconds: UInt64, items: Int) {
            self.worker = worker
            self.ranNanoseconds = ranNanoseconds
            self.items = items
        }

        /// Reads what is there; what is missing or of another type keeps its default, because a
        /// result is never refused for what is said about it.
        init(parsing bytes: UnsafeRawBufferPointer) {
            var members = MemberScanner(bytes)
            while let (key, value) = members.next() {
                if key.elementsEqual("worker".utf8) {
                    worker =
                        (try? JSON(parsing: UnsafeRawBufferPointer(rebasing: value)))?
                        .stringValue ?? ""
                } else if key.elementsEqual("ran_ns".utf8) {
                    ranNanoseconds = UInt64(clamping: MemberScanner.integer(value) ?? 0)
                } else if key.elementsEqual("items".utf8) {
                    items = max(0, MemberScanner.integer(value) ?? 1)
                }
            }
        }
    }

    private var borrowed: UnsafeRawBufferPointer
    private var read: Values?

    init(_ values: Values) {
        borrowed = UnsafeRawBufferPointer(start: nil, count: 0)
        read = values
    }

    /// Facts in the JSON of the host, borrowed until ``settle()``.
    init(borrowing json: UnsafeRawBufferPointer) {
        borrowed = json
    }

    var values: Values {
        if let read { return read }
        let values = Values(parsing: borrowed)
        read = values
        return values
    }

    /// Reads what is borrowed now, because it is gone when the call returns.
    func settle() {
        _ = values
    }
}
