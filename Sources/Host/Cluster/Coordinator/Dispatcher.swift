import FanfoldRuntime

/// A few threads that prepare what goes to workers, so that the loop hashes and encodes nothing.
///
/// What is posted under one key is done in order.
final class Dispatcher: Sendable {
    private let boxes: [Mailbox<@Sendable () -> Void>]
    private let threads: [PlainThread]

    /// Starts the threads.
    init(threads count: Int, name: String) {
        let boxes = (0..<max(1, count)).map { _ in Mailbox<@Sendable () -> Void>() }
        self.boxes = boxes
        threads = boxes.map { box in
            PlainThread(name: name) {
                while true {
                    let jobs = box.takeAll()
                    if jobs.isEmpty { return }
                    for job in jobs { job() }
                }
            }
        }
    }

    /// Has a job done after those posted under the same key before.
    func post(_ key: UInt32, _ job: @escaping @Sendable () -> Void) {
        boxes[Int(key) % boxes.count].post(job)
    }

    /// Does what was posted, and waits for the threads.
    func close() {
        for box in boxes { box.close() }
        for thread in threads { thread.join() }
    }
}
