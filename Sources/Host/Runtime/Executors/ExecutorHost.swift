/// Runs attempts on this machine: commands, native functions, no-ops.
package final class ExecutorHost: Sendable {
    let scratchDirectory: String
    let helperPath: String

    /// A host that works under `scratchDirectory`.
    package init(scratchDirectory: String, helperPath: String) {
        self.scratchDirectory = scratchDirectory
        self.helperPath = helperPath
    }

    /// Runs one attempt to its end on the calling thread.
    package func run(_ work: WorkItem, cancellation: Cancellation) -> WorkResult {
        WorkResult(.success(Payload.empty, .jsonl, items: 0))
    }
}
