/// A rule that tables which were read do not keep.
struct BrokenRule: Error {
    var rule: String
}

extension Coordinator {
    /// Puts placements back into the queues of their cells and timers.
    mutating func restoreLinks(
        queues: [(queued: [UInt32], running: [UInt32])], timers: [[UInt32]]
    ) throws(BrokenRule) {
        let count = placements.records.count
        if count > 0 {
            cellLinks.makeRoom(for: UInt32(count - 1))
            timerLinks.makeRoom(for: UInt32(count - 1))
        }
        var isFree = [Bool](repeating: false, count: count)
        for index in placements.free { isFree[Int(index)] = true }
        var isLinked = isFree
        for (cell, queue) in queues.enumerated() {
            for (members, isRunning) in [(queue.queued, false), (queue.running, true)] {
                for index in members {
                    let isFirst = index < count && !isLinked[Int(index)]
                    try require(isFirst, "an attempt stands in one queue")
                    isLinked[Int(index)] = true
                    let placement = placements[index]
                    try require(
                        placement.cell == cell && placement.isRunning == isRunning,
                        "an attempt stands in the queue of its cell")
                    if isRunning {
                        cellLinks.append(index, to: &cells[cell].running)
                    } else {
                        cellLinks.append(index, to: &cells[cell].queued)
                    }
                }
            }
        }
        try require(isLinked.allSatisfy { $0 }, "each attempt stands in a queue")
        var timed = 0
        for (lane, members) in timers.enumerated() {
            for index in members {
                try require(
                    index < count && !isFree[Int(index)] && Int(placements[index].lane) == lane,
                    "a timer belongs to an attempt")
                try require(isLinked[Int(index)], "a timer is set once")
                isLinked[Int(index)] = false
                timerLinks.append(index, to: &lanes[lane].queue)
                timed += 1
            }
        }
        let due = placements.records.indices.count {
            !isFree[$0] && placements[UInt32($0)].lane != noIndex
        }
        try require(!lanes.isEmpty && due == timed, "each timer that is set stands in one lane")
    }

    /// Makes what is only looked up: runs and cells by their names.
    mutating func restoreIndices() throws(BrokenRule) {
        for (index, run) in runs.enumerated() {
            try require(
                runIndices.updateValue(index, forKey: run.id) == nil, "a run has its own id")
        }
        for (index, cell) in cells.enumerated() where cell.isUsed {
            try require(
                workers.indices.contains(cell.worker) && shapes.indices.contains(cell.shape),
                "a cell has a worker and a shape")
            let key = cellKey(cell.shape, cell.worker)
            try require(
                cellIndices.updateValue(UInt32(index), forKey: key) == nil,
                "a worker has one cell of a shape")
        }
        for shape in shapes.indices {
            for (position, cell) in shapes[shape].cells.enumerated() {
                try require(
                    isUsed(cell) && cells[Int(cell)].shape == shape, "a shape has its own cells")
                cells[Int(cell)].positionInShape = position
            }
        }
    }

    func isUsed(_ cell: UInt32) -> Bool { cell < cells.count && cells[Int(cell)].isUsed }
}

func require(_ holds: Bool, _ rule: String) throws(BrokenRule) {
    guard holds else { throw BrokenRule(rule: rule) }
}
