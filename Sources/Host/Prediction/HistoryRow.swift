/// What one finished task was given and what it used.
package struct HistoryRow: Hashable, Sendable {
    /// Tasks of one class do the same kind of work.
    package var taskClass: String
    /// What was known before it began.
    package var features: Features
    /// What it would have been given without any history, or was given.
    package var requested: Quantities
    /// What was measured.
    package var used: Quantities

    /// A row of these.
    package init(
        taskClass: String, features: Features, requested: Quantities, used: Quantities
    ) {
        self.taskClass = taskClass
        self.features = features
        self.requested = requested
        self.used = used
    }
}
