import Synchronization

/// Runs pieces of work on several threads, and keeps their order.
enum CheckPool {
    /// The results of `body` for every element, in the order of the elements.
    ///
    /// Each of `jobs` threads takes the next element that nobody has taken.
    static func map<Element: Sendable, Value: Sendable>(
        _ elements: [Element], jobs: Int, _ body: @escaping @Sendable (Element) -> Value
    ) -> [Value] {
        let state = Shared<Value>()
        let workers = (0..<min(max(1, jobs), max(1, elements.count))).map { _ in
            CheckThread {
                while let index = state.take(elements.count) {
                    let value = body(elements[index])
                    state.values.withLock { $0[index] = value }
                }
            }
        }
        for worker in workers { worker.join() }
        let values = state.values.withLock { $0 }
        return elements.indices.compactMap { values[$0] }
    }

    private final class Shared<Value: Sendable>: Sendable {
        let values = Mutex<[Int: Value]>([:])
        private let next = Mutex(0)

        func take(_ count: Int) -> Int? {
            next.withLock { next in
                guard next < count else { return nil }
                next += 1
                return next - 1
            }
        }
    }
}
