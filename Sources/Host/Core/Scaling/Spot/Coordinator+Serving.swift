// How runs with a deadline are served: the scaler decides it and tells, and it is placed by it.

/// How a run is served, and since when that is known.
struct RunServing: Hashable, Sendable {
    var outlook: RunOutlook
    var at: Tick
}

extension RunMarket {
    /// The label of workers that may be taken back.
    package static let spotLabel = "market=spot"
    /// The label of rented workers that stay.
    package static let steadyLabel = "market=on-demand"
}

extension Coordinator {
    /// A run is served like this from now on.
    ///
    /// One in the net gets nothing more on workers that may be taken back, and goes before others
    /// of its queue, as if its priority were ``Limits/netPriorities`` higher: nobody's attempt is
    /// ended for it.
    mutating func serve(_ outlook: RunOutlook) {
        guard let run = runIndices[outlook.run], !runs[run].hasEnded, runs[run].deadline != nil
        else { return }
        let wasInNet = runs[run].isInNet
        runs[run].serving = RunServing(outlook: outlook, at: clock)
        guard runs[run].isInNet != wasInNet else { return }
        sharing.netRuns += wasInNet ? -1 : 1
        refreshSharing()
        roomChanges &+= 1
        for task in runs[run].tasks {
            for shape in tasks[task].shapes {
                for index in shapes[shape].cells where isSpot(cells[Int(index)].worker) {
                    reconsider(index, isInNet: !wasInNet)
                }
            }
        }
    }

    /// How a run is served, and when that was said; `nil` before it was.
    package func serving(of id: RunID) -> (market: RunMarket, at: Tick)? {
        guard let run = runIndices[id], let serving = runs[run].serving else { return nil }
        return (serving.outlook.market, serving.at)
    }

    /// Runs that are not served as all others are.
    package func servedRuns() -> [RunID] {
        runs.compactMap { run in
            run.serving.flatMap { $0.outlook.market == .any ? nil : run.id }
        }
    }

    private mutating func reconsider(_ index: UInt32, isInNet: Bool) {
        guard isInNet else { return markHungry(index) }
        for placement in cellLinks.members(of: cells[Int(index)].queued) { askBack(placement) }
    }

    /// Nothing of a run that ends is served any more.
    mutating func stopServing(_ run: Int) {
        if runs[run].isInNet { sharing.netRuns -= 1 }
        runs[run].serving = nil
    }

    /// Whether a shape may be placed on a worker, as far as its deadline goes.
    func isMeant(_ worker: Int, for shape: Int) -> Bool {
        sharing.netRuns == 0 || !runs[run(of: shape)].isInNet || !isSpot(worker)
    }

    private func isSpot(_ worker: Int) -> Bool {
        workers[worker].ledger.labels.contains(RunMarket.spotLabel)
    }

    /// Why a run that waits for spot gets no workers; `nil` if it does not wait for it.
    func spotReason(ofRun run: Int) -> WaitingReason? {
        guard let serving = runs[run].serving, serving.outlook.market == .wait,
            let deadline = runs[run].deadline
        else { return nil }
        return .waitingForSpot(
            SpotEvidence(
                until: serving.at.advanced(byNanoseconds: serving.outlook.slackNanoseconds),
                slackNanoseconds: serving.outlook.slackNanoseconds
                    - min(
                        serving.outlook.slackNanoseconds,
                        clock.nanoseconds - serving.at.nanoseconds),
                neededNanoseconds: serving.outlook.neededNanoseconds,
                leftNanoseconds: deadline > clock ? deadline.nanoseconds - clock.nanoseconds : 0))
    }

    /// The rules of served runs that do not hold.
    func servingViolations() -> [String] {
        var found: [String] = []
        if runs.count(where: \.isInNet) != sharing.netRuns {
            found.append("runs in the net are miscounted")
        }
        for run in runs where run.serving != nil && (run.hasEnded || run.deadline == nil) {
            found.append("run \(run.id.rawValue): is served for a deadline that it has not")
        }
        return found
    }
}

// MARK: In a snapshot

extension Coordinator {
    /// Writes the table, if there is anything in it: how runs are served, and how much the times of
    /// shapes vary.
    func encodeServing(into writer: inout ByteWriter) {
        let served = runs.indices.filter { runs[$0].serving != nil }
        let varying = shapes.indices.filter { shapes[$0].spreadNanoseconds > 0 }
        guard !served.isEmpty || !varying.isEmpty else { return }
        writer.byte(CoordinatorSection.serving.rawValue)
        writer.natural(served.count)
        for run in served {
            guard let serving = runs[run].serving else { continue }
            writer.natural(run)
            writer.put(serving.outlook)
            writer.put(serving.at)
        }
        writer.natural(varying.count)
        for shape in varying {
            writer.natural(shape)
            writer.double(shapes[shape].spreadNanoseconds)
        }
    }

    /// Reads what ``encodeServing(into:)`` wrote after its number.
    mutating func readServing(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let place = reader.offset
            let run = try reader.index(in: runs.count)
            guard runs[run].deadline != nil, runs[run].serving == nil else {
                throw CodingError(.badNumber, at: place)
            }
            runs[run].serving = RunServing(outlook: try reader.get(), at: try reader.get())
            if runs[run].isInNet { sharing.netRuns += 1 }
        }
        for _ in 0..<(try reader.count()) {
            let shape = try reader.index(in: shapes.count)
            shapes[shape].spreadNanoseconds = try reader.mean()
        }
        refreshSharing()
    }
}
