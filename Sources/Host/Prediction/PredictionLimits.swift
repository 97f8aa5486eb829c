/// The sizes that keep a prediction small and quick.
package enum PredictionLimits {
    /// Rows that an estimator looks at: older ones say little, and an update takes time by rows.
    package static let windowRows = 400
    /// Task classes that are kept; the one used longest ago goes first.
    package static let classes = 4096
    /// Numbers of a task that an estimator looks at; those past it by name are left out.
    package static let features = 4
    /// Attempts of a class that say how long those of the next run take.
    package static let earlierAttempts = 400
    /// Attempts of a class from which they say that.
    package static let earlierEnough = 8
    /// Runs that say how many subtasks the next has.
    package static let earlierRuns = 8
    /// Bytes at the end of a history that are read for that.
    package static let earlierBytes: Int64 = 1 << 20
    /// Bytes of a class's or a feature's name.
    package static let nameBytes = 256
    /// Attempts that an escalation may go up by, before a subtask is given up.
    package static let rungs = 8
}
