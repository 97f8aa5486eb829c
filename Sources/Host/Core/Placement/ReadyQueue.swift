import DequeModule
import HeapModule

/// The subtasks of a shape that could be placed, the next first.
///
/// A plain queue while all priorities are equal, which costs 4 bytes each; a heap once they
/// differ.  Subtasks that have to be placed again go before both.  Entries of subtasks that were
/// withdrawn stay until they come up: whoever takes one looks whether it is still ready.
struct ReadyQueue: Sendable {
    struct Entry: Comparable {
        var priority: Float
        var index: UInt32

        static func < (left: Entry, right: Entry) -> Bool {
            (left.priority, right.index) < (right.priority, left.index)
        }
    }

    var again: Deque<UInt32> = []
    var equal: Deque<UInt32> = []
    var equalPriority: Float = 0
    var ordered: Heap<Entry> = []

    /// Puts a subtask in its place.
    mutating func push(_ index: UInt32, priority: Float) {
        if ordered.isEmpty {
            if equal.isEmpty { equalPriority = priority }
            if priority == equalPriority {
                equal.append(index)
                return
            }
            ordered.insert(contentsOf: equal.map { Entry(priority: equalPriority, index: $0) })
            equal.removeAll()
        }
        ordered.insert(Entry(priority: priority, index: index))
    }

    /// Puts a subtask before all others.
    mutating func pushFirst(_ index: UInt32) { again.prepend(index) }

    /// Takes the next.
    mutating func pop() -> UInt32? {
        again.popFirst() ?? equal.popFirst() ?? ordered.popMax()?.index
    }
}
