import HeapModule

/// The shapes of one queue that have something ready, in the order in which they get slots: a list
/// in ``Turn/entries``, those of a higher priority before the others.
private struct Line {
    /// The next to be served, or -1.
    var first = -1
    /// What the queue holds as a dominant share over its weight.
    var share = 0.0
}

/// A line, by its share; of equal ones the line that was there first.
private struct RankedLine: Comparable {
    var share: Double
    var line: Int

    static func < (left: RankedLine, right: RankedLine) -> Bool {
        (left.share, left.line) < (right.share, right.line)
    }
}

/// Whose turn it is: the queue that holds the least for its weight, and in it the shapes of the
/// highest priority in turn.
///
/// - Complexity: to take the next is O(log n) in the queues that have got a slot in this turn.
private struct Turn {
    struct Entry {
        var shape: Int
        /// The next of its line, or -1.
        var next = -1
        var group: Int
    }

    var lines: [Line] = []
    private(set) var entries: [Entry] = []
    /// By group, which are the shapes of a queue and a priority: the last entry, or -1.
    private var lasts: [Int] = []
    /// Lines that got no slot yet, those from ``served`` on.
    private var ranked: [RankedLine] = []
    private var served = 0
    /// Lines that got one.
    private var moved: Heap<RankedLine> = []

    /// Lines of shapes, which come ordered by priority, the highest first.
    ///
    /// - Parameters:
    ///   - queues: how many there are.
    ///   - share: what a queue holds over its weight.
    init(
        _ sorted: [(priority: Int, place: Int, shape: Int)], queues: Int,
        queue: (_ shape: Int) -> Int, share: (_ queue: Int) -> Double
    ) {
        var places = [Int](repeating: -1, count: queues)
        var ends: [(entry: Int, priority: Int)] = []
        entries.reserveCapacity(sorted.count)
        for (priority, _, shape) in sorted {
            let queue = queue(shape)
            let entry = entries.count
            if places[queue] < 0 {
                places[queue] = lines.count
                lines.append(Line(first: entry, share: share(queue)))
                ends.append((-1, 0))
            }
            let line = places[queue]
            let (last, before) = ends[line]
            if last < 0 || before != priority { lasts.append(entry) }
            let group = last < 0 || before != priority ? lasts.count - 1 : entries[last].group
            lasts[group] = entry
            if last >= 0 { entries[last].next = entry }
            entries.append(Entry(shape: shape, group: group))
            ends[line] = (entry, priority)
        }
        ranked = lines.indices.map { RankedLine(share: lines[$0].share, line: $0) }
        // Nearly sorted already, which costs next to nothing: the turn before left them so.
        ranked.sort()
    }

    /// The line that is next; `nil` if all are served.
    mutating func nextLine() -> Int? {
        while served < ranked.count, lines[ranked[served].line].first < 0 { served += 1 }
        while let least = moved.min, lines[least.line].first < 0 { moved.removeMin() }
        let fresh = served < ranked.count ? ranked[served] : nil
        guard let least = moved.min, fresh.map({ least < $0 }) ?? true else { return fresh?.line }
        return least.line
    }

    /// Takes the first entry of a line out of it.
    mutating func take(from line: Int) -> Int {
        let entry = lines[line].first
        lines[line].first = entries[entry].next
        if lasts[entries[entry].group] == entry { lasts[entries[entry].group] = -1 }
        return entry
    }

    /// Puts what got a slot behind the others of its priority, and ranks its line anew.
    mutating func putBack(_ entry: Int, to line: Int, share: Double) {
        let last = lasts[entries[entry].group]
        if last < 0 {
            entries[entry].next = lines[line].first
            lines[line].first = entry
        } else {
            entries[entry].next = entries[last].next
            entries[last].next = entry
        }
        lasts[entries[entry].group] = entry
        let isFresh = served < ranked.count && ranked[served].line == line
        if isFresh { served += 1 } else { moved.removeMin() }
        moved.insert(RankedLine(share: share, line: line))
    }
}

/// What is compared of a shape that waits with a slot more, and of one that holds some: see
/// ``Coordinator/isBehind(_:_:isFresh:)``.
private struct Claimant {
    var shape: Int
    var queue: Int
    var priority: Int
    /// Whether the queue holds more than its quota.
    var isOver: Bool
    /// What the queue holds over its weight.
    var share: Double

    /// Whether this one, which waits, is to get what the other one holds.
    func goesBefore(_ holder: Claimant) -> Bool {
        guard shape != holder.shape else { return false }
        if queue == holder.queue { return priority > holder.priority }
        return isOver == holder.isOver ? share < holder.share : holder.isOver
    }
}

extension Coordinator {
    /// A slot at a time for the queue that holds the least for its weight, until nothing is ready
    /// or nothing has room: first what is within quotas, then what is borrowed.
    ///
    /// Returns: Shapes with ready subtasks left, the one whose turn it is first.
    /// Complexity: O(n log n) in the shapes that have something ready, O(n) if their order is that
    /// of the turn before; for each slot O(log q) in the queues.
    /// Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, algorithm 1, with weights.
    mutating func startShared() -> [Int] {
        var (starved, barred, borrowing): ([Int], [Int], [Int]) = ([], [], [])
        var within: [Int] = []
        within.reserveCapacity(activeShapes.count)
        starved.reserveCapacity(activeShapes.count)
        for shape in activeShapes {
            guard shapes[shape].ready > 0 else {
                shapes[shape].isActive = false
                continue
            }
            if isAtLimit(shape) { barred.append(shape) } else { within.append(shape) }
        }
        serve(within, &starved, putsAside: true, &borrowing)
        var none: [Int] = []
        serve(borrowing, &starved, putsAside: false, &none)
        return starved + barred
    }

    /// Serves shapes until each has no room, nothing ready, or is put aside as it would borrow.
    private mutating func serve(
        _ served: [Int], _ starved: inout [Int], putsAside: Bool, _ aside: inout [Int]
    ) {
        guard !served.isEmpty else { return }
        var turn = turn(of: served)
        while let line = turn.nextLine() {
            let entry = turn.take(from: line)
            let shape = turn.entries[entry].shape
            if shapes[shape].ready == 0 {
                shapes[shape].isActive = false
            } else if putsAside, wouldBorrow(shape) {
                aside.append(shape)
            } else if startOne(shape) {
                turn.putBack(
                    entry, to: line,
                    share: sharing.queues[queue(of: shape)].share(of: sharing.total))
            } else {
                starved.append(shape)
            }
        }
    }

    private func turn(of served: [Int]) -> Turn {
        var sorted: [(priority: Int, place: Int, shape: Int)] = []
        sorted.reserveCapacity(served.count)
        for (place, shape) in served.enumerated() {
            sorted.append((agedPriority(of: shape), place, shape))
        }
        sorted.sort { ($1.priority, $0.place) < ($0.priority, $1.place) }
        return Turn(
            sorted, queues: sharing.queues.count, queue: { queue(of: $0) },
            share: { sharing.queues[$0].share(of: sharing.total) })
    }

    /// Has what is queued ahead for queues and priorities that hold more given back for those that
    /// wait: only what is so long that it would not be over in a moment.
    mutating func makeWay(for starved: [Int]) {
        guard sharing.isShared else { return }
        var firsts: [Claimant] = []
        for shape in starved.prefix(Limits.starvedShapesSearched)
        where shapes[shape].ready > 0 && !isAtLimit(shape) {
            let queue = queue(of: shape)
            guard !firsts.contains(where: { $0.queue == queue }) else { continue }
            let amount = amount(of: shape)
            firsts.append(
                Claimant(
                    shape: shape, queue: queue, priority: agedPriority(of: shape),
                    isOver: sharing.queues[queue].isOverQuota(with: amount),
                    share: sharing.queues[queue].share(of: sharing.total, with: amount)))
        }
        guard !firsts.isEmpty else { return }
        for resources in classes.indices {
            for shape in classes[resources].queuedShapes
            where shapes[shape].queued > shapes[shape].asked && shapes[shape].depth == 1 {
                let queue = queue(of: shape)
                let holder = Claimant(
                    shape: shape, queue: queue, priority: agedPriority(of: shape),
                    isOver: sharing.queues[queue].isOverQuota(),
                    share: sharing.queues[queue].share(of: sharing.total))
                for first in firsts where first.goesBefore(holder) {
                    askBackQueued(of: shape, for: first.shape)
                }
            }
        }
    }

    /// Asks for what is queued of a shape back from workers that another one could run on.
    private mutating func askBackQueued(of shape: Int, for other: Int) {
        let request = classes[shapes[other].resources].request
        for index in shapes[shape].cells.prefix(Limits.workersSearchedForQueued) {
            let cell = cells[Int(index)]
            let ledger = workers[cell.worker].ledger
            guard cell.wanted > cell.asked, ledger.hasLabels(of: request),
                Ledger.count(of: request, in: ledger.total) > 0
            else { continue }
            for placement in cellLinks.members(of: cell.queued) { askBack(placement) }
        }
    }
}
