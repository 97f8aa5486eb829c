import FanfoldJournal
@preconcurrency import Glibc

/// What it costs to have events on the disk before they are acted on, and to read them again.
struct JournalBench {
    /// Bytes of a record: an event that a subtask has ended.
    static let recordBytes = 30
    static let sizes = [1, 100, 1_000, 10_000]
    /// Batches of each size in a round.
    static let batches = 100
    /// Batches of 1,000 that are read again.
    static let readBatches = 1_000

    let context: HostContext
    let rounds: Int

    func measure() throws -> [String] {
        do {
            var lines = [try flush()]
            for size in Self.sizes { lines.append(try append(size)) }
            return lines + [try recover()]
        } catch let error as JournalError {
            Terminal.complain("error: \(error)")
            throw Exit.runFailed
        }
    }

    /// What the disk itself takes, for comparison.
    private func flush() throws -> String {
        let path = context.scratchDirectory + "/flush"
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Exit.runFailed }
        defer { close(file) }
        let page = [UInt8](repeating: 1, count: 4_096)
        var time = Figures()
        for _ in 0..<rounds {
            let taken = seconds {
                for _ in 0..<Self.batches {
                    _ = page.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                    fdatasync(file)
                }
            }
            time.add(taken * 1e3 / Double(Self.batches))
        }
        return "journal: 4 KiB written and flushed by fdatasync in \(time.text(2)) ms"
    }

    private func append(_ size: Int) throws -> String {
        let journal = try Journal.open(folder: context.scratchDirectory + "/journal-\(size)")
        _ = try journal.recover { _ in }
        let batch = Self.batch(size)
        try journal.append(batch)
        var rate = Figures()
        for _ in 0..<rounds {
            let taken = try seconds {
                for _ in 0..<Self.batches { try journal.append(batch) }
            }
            rate.add(Double(Self.batches) / taken)
        }
        try journal.close()
        return "journal: batches of \(size): \(rate.text()) batches/s, "
            + "\(Human.fixed(rate.median * Double(size), 0)) records of \(Self.recordBytes) bytes/s"
    }

    private func recover() throws -> String {
        let folder = context.scratchDirectory + "/journal-recover"
        let journal = try Journal.open(folder: folder)
        _ = try journal.recover { _ in }
        let batch = Self.batch(1_000)
        for _ in 0..<Self.readBatches { try journal.append(batch) }
        try journal.close()
        var rate = Figures()
        for _ in 0..<rounds {
            var bytes = 0
            var count = 0
            let taken = try seconds {
                let journal = try Journal.open(folder: folder)
                _ = try journal.recover { recovered throws(JournalError) in
                    guard case .records(let records) = recovered else { return }
                    count += records.count
                    try records.forEach { _, record in bytes += record.count }
                }
                try journal.close()
            }
            guard bytes == count * Self.recordBytes else { throw Exit.runFailed }
            rate.add(Double(count) / taken)
        }
        return "journal: opened, checked and read at \(rate.text()) records/s, "
            + "\(Self.readBatches) batches of 1000"
    }

    private static func batch(_ size: Int) -> RecordBatch {
        let record = (0..<UInt8(recordBytes)).map { $0 }
        return RecordBatch([[UInt8]](repeating: record, count: size))
    }
}
