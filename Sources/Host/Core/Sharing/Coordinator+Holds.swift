extension Coordinator {
    /// Lets workers go that nobody needs to be kept for any more.
    ///
    /// Returns: Whether there were any.
    @discardableResult
    mutating func settleHolds() -> Bool {
        guard !sharing.holds.isEmpty else { return false }
        let before = sharing.holds.count
        for hold in sharing.holds where !isNeeded(hold) {
            release(hold)
            guard clock >= hold.until else { continue }
            sharing.nextClaim = clock.advanced(byNanoseconds: Limits.claimAfterNanoseconds)
        }
        return sharing.holds.count < before
    }

    private func isNeeded(_ hold: Hold) -> Bool {
        workers[hold.worker].takesWork && hold.wanted > 0 && clock < hold.until
            && shapes[hold.shape].ready > 0 && !isAtLimit(hold.shape)
    }

    /// A worker that is kept is everybody's again.
    mutating func release(_ hold: Hold) {
        sharing.holds.removeAll { $0.worker == hold.worker }
        workers[hold.worker].heldFor = noIndex
        offer(hold.worker)
        for cell in workers[hold.worker].cells { markHungry(cell) }
    }

    /// Keeps a worker for a shape: what is queued there for others is asked back.
    mutating func hold(_ hold: Hold) {
        sharing.holds.append(hold)
        workers[hold.worker].heldFor = UInt32(hold.shape)
        offer(hold.worker)
        for index in workers[hold.worker].cells where cells[Int(index)].shape != hold.shape {
            for placement in cellLinks.members(of: cells[Int(index)].queued) {
                askBack(placement)
            }
        }
    }

    /// Whether a shape may have a slot on a worker, as far as others are concerned.
    func isOpen(_ worker: Int, to shape: Int) -> Bool {
        (workers[worker].heldFor == noIndex || workers[worker].heldFor == UInt32(shape))
            && isMeant(worker, for: shape)
    }

    /// A slot on a worker that is kept for the shape.
    mutating func heldSlot(for shape: Int) -> (worker: Int, slot: SlotID)? {
        for hold in sharing.holds where hold.shape == shape && workers[hold.worker].takesWork {
            if let slot = makeSlot(of: shape, on: hold.worker) { return (hold.worker, slot) }
        }
        return nil
    }

    /// Slots that the shape is to get on workers that are kept for it.
    func slotsHeld(for shape: Int) -> Int {
        sharing.holds.reduce(0) { $0 + ($1.shape == shape ? max(0, $1.wanted) : 0) }
    }

    /// A shape got a slot on a worker.
    mutating func countHeld(_ shape: Int, on worker: Int) {
        guard workers[worker].heldFor == UInt32(shape),
            let hold = sharing.holds.firstIndex(where: { $0.worker == worker })
        else { return }
        sharing.holds[hold].wanted -= 1
    }

    /// Keeps a worker for each shape that has waited for long and holds nothing: small requests
    /// must not take, piece by piece, the room that a large one waits for.
    mutating func claim() {
        guard clock >= sharing.nextClaim else { return }
        var seen = false
        for shape in activeShapes {
            guard let since = shapes[shape].waitingSince, shapes[shape].slots == 0,
                clock.nanoseconds - since.nanoseconds >= Limits.claimAfterNanoseconds,
                shapes[shape].ready > 0, !isAtLimit(shape), !wouldBorrow(shape)
            else { continue }
            seen = true
            guard sharing.holds.count < Limits.holds,
                !sharing.holds.contains(where: { $0.shape == shape }), !isOutranked(shape)
            else { continue }
            if shapes[shape].gang > 1 {
                claimGang(shape)
                continue
            }
            guard let worker = emptiest(for: shape) else { continue }
            hold(
                Hold(
                    worker: worker, shape: shape, wanted: 1,
                    until: clock.advanced(byNanoseconds: Limits.claimNanoseconds),
                    isPreemptive: false))
        }
        if seen { sharing.nextClaim = clock.advanced(byNanoseconds: Limits.claimPauseNanoseconds) }
    }

    /// Whether another shape that waits too goes first.
    private func isOutranked(_ shape: Int) -> Bool {
        activeShapes.contains {
            $0 != shape && shapes[$0].ready > 0 && !isAtLimit($0)
                && isBehind($0, shape, isFresh: true)
        }
    }

    /// Keeps as many workers as a gang needs, if there are so many: those that lack least.
    private mutating func claimGang(_ shape: Int) {
        let request = classes[shapes[shape].resources].request
        let able = workersToSearch().filter { couldRun(request, on: $0) && isMeant($0, for: shape) }
            .map { (worker: $0, lack: Self.lack(of: request, on: workers[$0].ledger)) }
            .sorted { ($0.lack, $0.worker) < ($1.lack, $1.worker) }
        var lacking = shapes[shape].gang
        var chosen: [Hold] = []
        for (worker, _) in able.prefix(Limits.holds - sharing.holds.count) where lacking > 0 {
            let wanted = min(
                lacking, Ledger.count(of: request, in: workers[worker].ledger.total),
                Limits.slotsPerWorkerAndShape)
            lacking -= wanted
            chosen.append(
                Hold(
                    worker: worker, shape: shape, wanted: wanted,
                    until: clock.advanced(byNanoseconds: Limits.claimNanoseconds),
                    isPreemptive: false))
        }
        guard lacking <= 0 else { return }
        for each in chosen { hold(each) }
    }

    /// The worker, among some, that lacks least of what the shape needs.
    private func emptiest(for shape: Int) -> Int? {
        let request = classes[shapes[shape].resources].request
        var best: (worker: Int, lack: Double)?
        for worker in workersToSearch()
        where couldRun(request, on: worker) && isMeant(worker, for: shape) {
            let lack = Self.lack(of: request, on: workers[worker].ledger)
            if best.map({ lack < $0.lack }) ?? true { best = (worker, lack) }
        }
        return best?.worker
    }

    /// Whether the worker takes such a request when it is idle, and is kept for nobody.
    func couldRun(_ request: ResourceRequest, on worker: Int) -> Bool {
        workers[worker].takesWork && workers[worker].heldFor == noIndex
            && workers[worker].ledger.hasLabels(of: request)
            && Ledger.count(of: request, in: workers[worker].ledger.total) > 0
    }

    /// Some of the workers, others each second where there are many.
    func workersToSearch() -> [Int] {
        let count = min(workers.count, Limits.workersSearchedForHolds)
        guard count > 0 else { return [] }
        let turns = clock.nanoseconds / 1_000_000_000 % UInt64(workers.count)
        let first =
            count == workers.count
            ? 0 : Int(turns.multipliedFullWidth(by: UInt64(count)).low % UInt64(workers.count))
        return (0..<count).map { (first + $0) % workers.count }
    }

    /// The largest share of the worker that is to be freed for the request, over all dimensions.
    private static func lack(of request: ResourceRequest, on ledger: Ledger) -> Double {
        let wanted = ResourceAmount(request)
        let lacking = wanted - ResourceAmount(ledger.free)
        return max(0, lacking.dominantShare(of: ResourceAmount(ledger.total)))
    }
}
