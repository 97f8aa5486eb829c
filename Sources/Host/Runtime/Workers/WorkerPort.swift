import FanfoldCore

/// A worker as the loop sees it: inside this process or behind a connection.
///
/// Nothing here waits; what comes of an order is told to the loop.
package protocol WorkerPort: Sendable {
    /// What it is called in reports.
    var name: String { get }

    /// The name or address at which other workers reach its machine.
    var host: String { get }

    /// Takes orders, in order.
    func accept(_ orders: [WorkOrder])

    /// Gives back what has not begun: tells ``WorkerNotice/takenBack(_:)``.
    func takeBack(_ attempts: [AttemptID])

    /// Ends attempts, queued or running; each is reported.
    func cancel(_ attempts: [AttemptID], reason: String)

    /// Ends everything; nothing is told afterwards.
    func stop(reason: String)
}
