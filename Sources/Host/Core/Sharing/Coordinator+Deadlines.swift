// Runs that end at a moment whatever is left of them: the shell cancels them, and the coordinator
// says beforehand that they will not be done.

extension Coordinator {
    /// The run is cancelled at that moment; a later word about it takes the place of this one.
    mutating func time(_ id: RunID, _ deadline: Tick) {
        guard let run = runIndices[id], !runs[run].hasEnded else { return }
        runs[run].deadline = deadline
    }

    /// Whether what is ready and queued of a run cannot end before its deadline, even if all workers
    /// did nothing else; `nil` if it can, or nobody knows.
    ///
    /// It is a lower bound: what runs, rests, comes after something or has not been put yet counts
    /// for nothing, as do shapes that have alternatives, or of which no attempt has ended in this run and
    /// nothing is known of earlier ones.
    ///
    /// - Complexity: O(shapes of the run).
    func infeasibility(ofRun run: Int) -> DeadlineEvidence? {
        guard let deadline = runs[run].deadline else { return nil }
        var work = (cores: 0.0, memory: 0.0, devices: 0.0)
        var needed = 0.0
        for task in runs[run].tasks where !tasks[task].hasEnded {
            for shape in tasks[task].shapes {
                let count = Double(shapes[shape].ready + shapes[shape].queued)
                let slots = Double(classes[shapes[shape].resources].totalSlots)
                guard count > 0, slots > 0, shapes[shape].alternatives.isEmpty,
                    let mean = shapes[shape].meanNanoseconds ?? tasks[task].width?.bound?.mean
                else { continue }
                let amount = amount(of: shape)
                work.cores += count * mean * Double(amount.milliCores)
                work.memory += count * mean * Double(amount.memoryBytes)
                work.devices += count * mean * Double(amount.deviceMilli)
                needed = max(needed, (count / slots).rounded(.up) * mean)
            }
        }
        for (work, total) in [
            (work.cores, sharing.total.milliCores), (work.memory, sharing.total.memoryBytes),
            (work.devices, sharing.total.deviceMilli),
        ] where total > 0 {
            needed = max(needed, work / Double(total))
        }
        let left = deadline > clock ? deadline.nanoseconds - clock.nanoseconds : 0
        guard needed > Double(left) else { return nil }
        return DeadlineEvidence(
            deadline: deadline, leftNanoseconds: left,
            neededNanoseconds: UInt64(min(needed, 9e18)))
    }
}

// MARK: In a snapshot

extension Coordinator {
    /// Writes the table, if there is anything in it.
    func encodeDeadlines(into writer: inout ByteWriter) {
        let timed = runs.indices.filter { runs[$0].deadline != nil }
        guard !timed.isEmpty else { return }
        writer.byte(CoordinatorSection.deadlines.rawValue)
        writer.natural(timed.count)
        for run in timed {
            writer.natural(run)
            writer.put(runs[run].deadline ?? .zero)
        }
    }

    /// Reads what ``encodeDeadlines(into:)`` wrote after its number.
    mutating func readDeadlines(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let place = reader.offset
            let run = try reader.index(in: runs.count)
            guard !runs[run].hasEnded else { throw CodingError(.badNumber, at: place) }
            runs[run].deadline = try reader.get()
        }
    }
}
