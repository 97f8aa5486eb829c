import Foundation

@testable import FanfoldJournal

/// A folder that is gone when the test is.
final class TestFolder {
    let path: String
    /// A folder in it that is not there yet.
    var journal: String { path + "/state" }

    init() {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("fanfold-journal-\(UUID().uuidString)").path
        mkdir(path, 0o700)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A copy of the journal as it is on the disk now, in a folder of its own.
    func copy(_ name: String) throws -> String {
        let target = "\(path)/\(name)"
        try FileManager.default.copyItem(atPath: journal, toPath: target)
        chmod(target, 0o700)
        return target
    }
}

/// What a recovery gave back.
struct Replay {
    var snapshot: [UInt8]?
    var upTo: UInt64 = 0
    var records: [[UInt8]] = []
    var report = RecoveryReport()
}

/// Opens a journal and recovers it, checking that everything comes in order.
func reopen(
    _ path: String, _ options: JournalOptions = JournalOptions()
) throws -> (journal: Journal, replay: Replay) {
    let journal = try Journal.open(folder: path, options: options)
    var replay = Replay()
    let report = try journal.recover { recovered throws(JournalError) in
        switch recovered {
        case .snapshot(let upTo, let piece):
            replay.upTo = upTo
            replay.snapshot = (replay.snapshot ?? []) + piece
        case .records(let stored):
            guard stored.first == replay.upTo + UInt64(replay.records.count) + 1,
                stored.records.count == stored.count
            else { throw JournalError(.refused, "record \(stored.first) came out of order") }
            replay.records += stored.records
        }
    }
    replay.report = report
    return (journal, replay)
}

/// The error that `body` throws.
func failure(_ body: () throws -> Void) -> JournalError? {
    do {
        try body()
        return nil
    } catch {
        return error as? JournalError
    }
}

/// What record number N is; the same as in Tests/JournalWriter.
enum WrittenRecord {
    static func bytes(_ number: UInt64) -> [UInt8] {
        let digits = Array(String(number).utf8)
        return digits
            + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: Int(number % 97))
    }

    static func batch(_ range: ClosedRange<UInt64>) -> RecordBatch {
        RecordBatch(range.map(bytes))
    }
}

/// Numbers that follow from a seed.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state >> 32) | (state << 32)
    }
}
