import FanfoldJSON

/// Something that happened, for those who watch.
package struct ControlEvent: Hashable, Sendable {
    /// Counts up by one; never twice in the life of a coordinator, nor after its restart.
    package var number: UInt64
    /// When.
    package var time: Timestamp
    /// What it is.
    ///
    /// Shape: `run.submitted`, `run.ended`, `task.progressed`, `worker.joined`, `worker.lost`; one word,
    /// a dot, one word.
    package var kind: String
    /// The run it is about.
    package var run: UInt64?
    /// The worker it is about.
    package var worker: UInt64?
    /// More, as the kind has it.
    package var data: JSON

    /// Something that happened.
    package init(
        number: UInt64, time: Timestamp, kind: String, run: UInt64? = nil, worker: UInt64? = nil,
        data: JSON = .object(JSONObject())
    ) {
        self.number = number
        self.time = time
        self.kind = kind
        self.run = run
        self.worker = worker
        self.data = data
    }
}

/// Events in order.
package struct EventBatch: Hashable, Sendable {
    /// None if nothing happened while it waited.
    package var events: [ControlEvent]
    /// The number to go on after.
    package var next: UInt64
    /// Whether events between the number asked for and the first of these are gone.
    package var hasGap: Bool

    /// Events in order.
    package init(events: [ControlEvent], next: UInt64, hasGap: Bool) {
        self.events = events
        self.next = next
        self.hasGap = hasGap
    }
}
