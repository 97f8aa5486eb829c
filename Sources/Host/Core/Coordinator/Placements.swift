/// A queue whose links are kept in a ``LinkTable``.
struct LinkedQueue: Sendable {
    var head = noIndex
    var tail = noIndex
    var count = 0
}

/// The links of many queues over the same indices; an index is in one queue at a time.
///
/// Complexity: O(1) for everything.
struct LinkTable: Sendable {
    private var links: ContiguousArray<(previous: UInt32, next: UInt32)> = []

    mutating func makeRoom(for index: UInt32) {
        while links.count <= Int(index) { links.append((noIndex, noIndex)) }
    }

    mutating func append(_ index: UInt32, to queue: inout LinkedQueue) {
        links[Int(index)] = (queue.tail, noIndex)
        if queue.tail == noIndex {
            queue.head = index
        } else {
            links[Int(queue.tail)].next = index
        }
        queue.tail = index
        queue.count += 1
    }

    mutating func remove(_ index: UInt32, from queue: inout LinkedQueue) {
        let (previous, next) = links[Int(index)]
        if previous == noIndex { queue.head = next } else { links[Int(previous)].next = next }
        if next == noIndex { queue.tail = previous } else { links[Int(next)].previous = previous }
        queue.count -= 1
    }

    func next(after index: UInt32) -> UInt32 { links[Int(index)].next }

    func previous(before index: UInt32) -> UInt32 { links[Int(index)].previous }

    /// What is in a queue, in order.
    func members(of queue: LinkedQueue) -> [UInt32] {
        var members: [UInt32] = []
        members.reserveCapacity(queue.count)
        var index = queue.head
        while index != noIndex {
            members.append(index)
            index = links[Int(index)].next
        }
        return members
    }
}

/// What becomes of an attempt when it ends.
enum Fate: UInt8, Sendable {
    /// Its result counts.
    case wanted
    /// It was cancelled because it took too long; a result that still comes counts.
    case timedOut
    /// It was cancelled because nobody wants it; nothing that comes counts.
    case doomed
    /// It was cancelled because its place is needed; a result that still comes counts.
    case preempted
}

/// An attempt on a worker.
struct Placement: Sendable {
    var attempt: AttemptID
    var cell: UInt32
    var isRunning = false
    var isAsked = false
    var fate = Fate.wanted
    var slot = SlotID(index: noIndex, generation: 0)
    /// The lane of the timer that is set, or `noIndex`.
    var lane = noIndex
    var deadline = Tick.zero
    /// Since when it runs.
    var started = Tick.zero
}

/// All attempts on workers: a table with places that are used again.
struct Placements: Sendable {
    private(set) var records: ContiguousArray<Placement> = []
    /// Places that are not used.
    private(set) var free: [UInt32] = []
    /// How many there are.
    private(set) var count = 0

    init() {}

    /// A table as it was.
    init(records: ContiguousArray<Placement>, free: [UInt32]) {
        self.records = records
        self.free = free
        count = records.count - free.count
    }

    mutating func insert(_ placement: Placement) -> UInt32 {
        count += 1
        if let index = free.popLast() {
            records[Int(index)] = placement
            return index
        }
        records.append(placement)
        return UInt32(records.count - 1)
    }

    mutating func remove(_ index: UInt32) {
        count -= 1
        free.append(index)
    }

    subscript(index: UInt32) -> Placement {
        get { records[Int(index)] }
        _modify { yield &records[Int(index)] }
    }
}

/// Timers of one length: as time does not go back, the first set is the first due.
struct TimerLane: Sendable {
    var nanoseconds: UInt64
    var queue = LinkedQueue()
}

/// A subtask that rests before its next try.
struct Rest: Comparable, Sendable {
    var until: Tick
    var subtask: SubtaskID

    static func < (left: Rest, right: Rest) -> Bool {
        (left.until, left.subtask) < (right.until, right.subtask)
    }
}
