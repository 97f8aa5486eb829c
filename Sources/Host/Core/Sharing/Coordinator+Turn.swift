import DequeModule

/// The shapes of one queue that have something ready, in the order in which they get slots.
private struct Line {
    /// The next to be served is taken from the first group that is not empty: those of one
    /// priority take turns.
    var groups: [(priority: Int, shapes: Deque<Int>)] = []
    /// What the queue holds as a dominant share over its weight.
    var share = 0.0

    /// The next shape, and the group that it came from.
    mutating func next() -> (shape: Int, group: Int)? {
        for group in groups.indices {
            if let shape = groups[group].shapes.popFirst() { return (shape, group) }
        }
        return nil
    }
}

extension Coordinator {
    /// A slot at a time for the queue that holds the least for its weight, until nothing is ready
    /// or nothing has room: first what is within quotas, then what is borrowed.
    ///
    /// Returns: Shapes with ready subtasks left, the one whose turn it is first.
    /// Complexity: O(n log n) in the shapes that have something ready, and for each slot as much
    /// as there are queues with something ready.
    /// Source: Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, algorithm 1, with weights.
    mutating func startShared() -> [Int] {
        var (starved, barred, borrowing): ([Int], [Int], [Int]) = ([], [], [])
        var within: [Int] = []
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
        var lines = lines(of: served)
        while let line = lines.indices.min(by: { lines[$0].share < lines[$1].share }) {
            guard let (shape, group) = lines[line].next() else {
                lines.remove(at: line)
                continue
            }
            if shapes[shape].ready == 0 {
                shapes[shape].isActive = false
            } else if putsAside, wouldBorrow(shape) {
                aside.append(shape)
            } else if startOne(shape) {
                lines[line].share = sharing.queues[queue(of: shape)].share(of: sharing.total)
                lines[line].groups[group].shapes.append(shape)
            } else {
                starved.append(shape)
            }
        }
    }

    private func lines(of served: [Int]) -> [Line] {
        var places: [Int: Int] = [:]
        var lines: [Line] = []
        var sorted: [(priority: Int, place: Int, shape: Int)] = []
        for (place, shape) in served.enumerated() {
            sorted.append((agedPriority(of: shape), place, shape))
        }
        sorted.sort { ($1.priority, $0.place) < ($0.priority, $1.place) }
        for (priority, _, shape) in sorted {
            let queue = queue(of: shape)
            let place = places[queue] ?? lines.count
            if place == lines.count {
                places[queue] = place
                lines.append(Line(share: sharing.queues[queue].share(of: sharing.total)))
            }
            if lines[place].groups.last?.priority == priority {
                lines[place].groups[lines[place].groups.count - 1].shapes.append(shape)
            } else {
                lines[place].groups.append((priority, [shape]))
            }
        }
        return lines
    }

    /// Has what is queued ahead for queues and priorities that hold more given back for those that
    /// wait: only what is so long that it would not be over in a moment.
    mutating func makeWay(for starved: [Int]) {
        guard sharing.isShared else { return }
        var firsts: [Int] = []
        var queues: Set<Int> = []
        for shape in starved.prefix(Limits.starvedShapesSearched)
        where shapes[shape].ready > 0 && !isAtLimit(shape)
            && queues.insert(queue(of: shape)).inserted
        {
            firsts.append(shape)
        }
        guard !firsts.isEmpty else { return }
        for resources in classes.indices {
            for shape in classes[resources].queuedShapes
            where shapes[shape].queued > shapes[shape].asked && shapes[shape].depth == 1 {
                for first in firsts
                where first != shape && isBehind(first, shape, isFresh: true) {
                    askBackQueued(of: shape, for: first)
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
