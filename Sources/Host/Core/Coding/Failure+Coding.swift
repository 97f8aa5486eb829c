// What failures say of workers and subtasks, as bytes.  It stands after the tables of queues, under
// a number of its own: a coordinator that was written before it blames nobody.

extension WorkerHealth: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.put(indices: blamedFor)
        writer.natural(failuresInARow)
        writer.bool(hasSucceeded)
        writer.put(optional: quarantinedUntil?.nanoseconds)
        writer.natural(quarantines)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init()
        blamedFor = try reader.indices()
        failuresInARow = try reader.natural()
        hasSucceeded = try reader.bool()
        quarantinedUntil = try reader.optionalNumber().map { Tick($0) }
        quarantines = try reader.natural()
    }
}

extension BlamedWorker: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        writer.varint(worker)
        writer.bool(wasGood)
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        self.init(worker: try reader.integer(), wasGood: try reader.bool())
    }
}

extension Coordinator {
    func encodeFailures(into writer: inout ByteWriter) {
        let tried = runs.indices.filter { runs[$0].retries != 0 }
        let praised = shapes.indices.filter { shapes[$0].succeededOn != noIndex }
        let judged = workers.indices.filter { workers[$0].health != WorkerHealth() }
        let failed = tasks.indices.filter { !tasks[$0].blamed.isEmpty }
        // Nobody is in quarantine without a judged worker.
        guard !(tried.isEmpty && praised.isEmpty && judged.isEmpty && failed.isEmpty) else {
            return
        }
        writer.byte(CoordinatorSection.failures.rawValue)
        writer.put(indices: quarantined)
        writer.natural(tried.count)
        for run in tried {
            writer.natural(run)
            writer.natural(runs[run].retries)
        }
        writer.natural(praised.count)
        for shape in praised {
            writer.natural(shape)
            writer.varint(shapes[shape].succeededOn)
        }
        writer.natural(judged.count)
        for worker in judged {
            writer.natural(worker)
            writer.put(workers[worker].health)
        }
        writer.natural(failed.count)
        for task in failed {
            writer.natural(task)
            writer.natural(tasks[task].blamed.count)
            for (index, blamed) in tasks[task].blamed.sorted(by: { $0.key < $1.key }) {
                writer.varint(index)
                writer.put(list: blamed)
            }
        }
    }

    /// Reads what ``encodeFailures(into:)`` wrote after its number.
    mutating func readFailures(_ reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        quarantined = try reader.indices()
        for _ in 0..<(try reader.count()) {
            let run = try reader.index(in: runs.count)
            runs[run].retries = try reader.natural()
        }
        for _ in 0..<(try reader.count()) {
            let shape = try reader.index(in: shapes.count)
            shapes[shape].succeededOn = try reader.integer()
        }
        for _ in 0..<(try reader.count()) {
            let worker = try reader.index(in: workers.count)
            workers[worker].health = try reader.get()
        }
        for _ in 0..<(try reader.count()) {
            let task = try reader.index(in: tasks.count)
            for _ in 0..<(try reader.count()) {
                let index: UInt32 = try reader.integer()
                tasks[task].blamed[index] = try reader.list()
            }
        }
        let isWhole =
            quarantined.allSatisfy { workers.indices.contains(Int($0)) }
            && workers.indices.allSatisfy {
                workers[$0].health.quarantinedUntil == nil || quarantined.contains(UInt32($0))
            }
        guard isWhole else { throw CodingError(.badNumber, at: start) }
    }
}

extension QuarantineReason: ByteCoded {
    func encode(into writer: inout ByteWriter) {
        switch self {
        case .severalShapes(let count):
            writer.byte(0)
            writer.natural(count)
        case .failuresInARow(let count):
            writer.byte(1)
            writer.natural(count)
        }
    }

    init(from reader: inout ByteReader) throws(CodingError) {
        let start = reader.offset
        switch try reader.byte() {
        case 0: self = .severalShapes(try reader.natural())
        case 1: self = .failuresInARow(try reader.natural())
        case let number: throw reader.unknown("QuarantineReason", number, at: start)
        }
    }
}

extension Coordinator {
    /// Since when and why workers are in quarantine, which the table of failures does not say.
    func encodeQuarantines(into writer: inout ByteWriter) {
        let kept = workers.indices.filter { workers[$0].health.quarantine != nil }
        guard !kept.isEmpty else { return }
        writer.byte(CoordinatorSection.quarantines.rawValue)
        writer.natural(kept.count)
        for worker in kept {
            guard let quarantine = workers[worker].health.quarantine else { continue }
            writer.natural(worker)
            writer.put(quarantine.since)
            writer.put(quarantine.reason)
        }
    }

    /// Reads what ``encodeQuarantines(into:)`` wrote after its number.
    mutating func readQuarantines(_ reader: inout ByteReader) throws(CodingError) {
        for _ in 0..<(try reader.count()) {
            let start = reader.offset
            let worker = try reader.index(in: workers.count)
            workers[worker].health.quarantine = QuarantineStart(
                since: try reader.get(), reason: try reader.get())
            guard workers[worker].health.quarantinedUntil != nil else {
                throw CodingError(.badNumber, at: start)
            }
        }
    }
}
