extension Coordinator {
    /// Where a worker has room and nothing is ready, what is queued elsewhere is asked back.
    mutating func balance() {
        for resources in classes.indices where !classes[resources].queuedShapes.isEmpty {
            guard let (worker, room) = room(for: resources) else { continue }
            var kept: [Int] = []
            for shape in classes[resources].queuedShapes {
                guard shapes[shape].queued > 0 else {
                    shapes[shape].isListedQueued = false
                    continue
                }
                kept.append(shape)
                askBack(shape, for: worker, room: room)
            }
            classes[resources].queuedShapes = kept
        }
    }

    /// A worker that has room for at least one such request, and for how many.
    private mutating func room(for resources: Int) -> (worker: Int, room: Int)? {
        let request = classes[resources].request
        while let candidate = classes[resources].candidates.first {
            let ledger = workers[Int(candidate)].ledger
            if workers[Int(candidate)].takesWork, workers[Int(candidate)].heldFor == noIndex,
                ledger.fits(request)
            {
                return (Int(candidate), Ledger.count(of: request, in: ledger.free))
            }
            classes[resources].candidates.removeFirst()
            classes[resources].isCandidate[Int(candidate)] = false
        }
        return nil
    }

    private mutating func askBack(_ shape: Int, for worker: Int, room: Int) {
        // What may hold no more slots finds no room elsewhere either: it would go to and fro.
        guard !isAtLimit(shape) else { return }
        let allowed = min(room, slotsWithinLimits(shape, borrowed: true))
        let wanted = allowed - shapes[shape].asked - shapes[shape].ready
        guard wanted > 0, let index = fullestCell(of: shape) else { return }
        let cell = cells[Int(index)]
        let free = cell.wanted - cell.asked
        guard free > 0, !shapes[shape].isTooShortToMove(free) else { return }
        // Half of it, so that the two have as much ahead of them.
        var count = min((free + 1) / 2, wanted * (1 + shapes[shape].depth))
        var placement = cell.queued.tail
        while count > 0, placement != noIndex {
            if askBack(placement) { count -= 1 }
            placement = cellLinks.previous(before: placement)
        }
    }

    /// The cell with most to give back, among the first that are there.
    private func fullestCell(of shape: Int) -> UInt32? {
        shapes[shape].cells.prefix(Limits.workersSearchedForQueued).max {
            let (left, right) = (cells[Int($0)], cells[Int($1)])
            return left.wanted - left.asked < right.wanted - right.asked
        }
    }

    /// Asks for a queued attempt back, once.
    ///
    /// Returns: Whether it is asked for now and was not before.
    @discardableResult
    mutating func askBack(_ placement: UInt32) -> Bool {
        let record = placements[placement]
        guard !record.isRunning, !record.isAsked, record.fate == .wanted else { return false }
        placements[placement].isAsked = true
        cells[Int(record.cell)].asked += 1
        let shape = cells[Int(record.cell)].shape
        shapes[shape].asked += 1
        orderBack(record.attempt, from: cells[Int(record.cell)].worker)
        return true
    }
}
