/// What an attempt wrote: the end of it, or a piece.
package struct LogTail: Hashable, Sendable {
    /// The task.
    package var task: String
    /// The subtask.
    package var subtask: UInt32
    /// Which try of it, from 1.
    package var attempt: Int
    /// Where it ran.
    package var worker: UInt64?
    /// The text, decoded as UTF-8; what does not decode is replaced.
    package var text: String
    /// Whether its beginning is missing.
    package var isCut: Bool
    /// Of the first byte, in all that the attempt wrote.
    package var offset: UInt64
    /// Bytes that the text stands for.
    package var bytes: Int
    /// Whether the attempt has ended, and this is the last of it.
    package var hasEnded: Bool

    /// What an attempt wrote.
    package init(
        task: String, subtask: UInt32, attempt: Int, worker: UInt64? = nil, text: String,
        isCut: Bool = false, offset: UInt64 = 0, bytes: Int? = nil, hasEnded: Bool = true
    ) {
        self.task = task
        self.subtask = subtask
        self.attempt = attempt
        self.worker = worker
        self.text = text
        self.isCut = isCut
        self.offset = offset
        self.bytes = bytes ?? text.utf8.count
        self.hasEnded = hasEnded
    }
}

/// What attempts write while it is read.
package struct LogStream: Sendable {
    /// What was written since the last call, perhaps nothing after a while; `nil` when what it is about
    /// has ended.
    package var next: @Sendable () async throws(ControlError) -> [LogTail]?

    /// What `next` gives.
    package init(next: @escaping @Sendable () async throws(ControlError) -> [LogTail]?) {
        self.next = next
    }
}

/// What of the logs is wanted.
package struct LogQuery: Hashable, Sendable {
    /// Whose.
    package var subject: RunSubject
    /// Bytes, the last ones.
    package var bytes: Int
    /// Lines of each attempt, the last ones; 0 is any number.
    package var lines: Int

    /// The end of what a subject wrote.
    package init(subject: RunSubject, bytes: Int, lines: Int = 0) {
        self.subject = subject
        self.bytes = bytes
        self.lines = lines
    }
}

/// How far an attempt says that it is.
package struct ProgressDetail: Hashable, Sendable {
    /// The subtask.
    package var subtask: UInt32
    /// Which try of it, from 1.
    package var attempt: Int
    /// Where it runs.
    package var worker: UInt64
    /// From 0 to 1.
    package var fraction: Double
    /// For people.
    package var note: String

    /// How far an attempt is.
    package init(subtask: UInt32, attempt: Int, worker: UInt64, fraction: Double, note: String) {
        self.subtask = subtask
        self.attempt = attempt
        self.worker = worker
        self.fraction = fraction
        self.note = note
    }
}
