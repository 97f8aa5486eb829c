import FoundationEssentials
import GRDB

/// How records are written out.
package struct ExportOptions {
    /// The first record.
    package var from: UInt64 = 0
    /// Whether it ends before the first damage, rather than showing that too.
    package var stopsAtDamage = false
    /// A record as JSON, for whoever knows what the bytes mean; `nil`: they are shown in Base64.
    package var describe: ((UInt64, UnsafeRawBufferPointer) -> String?)?

    /// All records, in Base64.
    package init() {}
}

/// What was written out.
package struct ExportSummary: Sendable, Hashable {
    /// How many whole records.
    package var records: UInt64 = 0
    /// The last one before any damage; 0 if there is none.
    package var last: UInt64 = 0
    /// What was found wrong first.
    package var damage: String?
}

extension JournalReader {
    /// Writes records as JSON, a line each; a coordinator may go on writing.
    ///
    /// Shape: `{"sequence": 1, "length": 2, "sum": "right", "bytes": "AAE="}`, or `"record": …`
    /// instead of `bytes` where they are described.  A damaged row is one line with the number of
    /// its first record, `records` for how many it claims to hold, and `"sum": "wrong"`; rows after
    /// the damage that are whole have `"sum": "right, after damage"`.
    ///
    /// - Parameter take: Gets each line, without its end; may not use this reader.
    package func export(
        _ options: ExportOptions = ExportOptions(), _ take: (String) throws(JournalError) -> Void
    ) throws(JournalError) -> ExportSummary {
        var summary = ExportSummary()
        let before = options.from > 0 ? options.from - 1 : 0
        try storing(folder.database, "read") {
            try queue.read { database in
                try Self.begin(database)
                let base = try SnapshotPlace.all(folder).last?.upTo ?? 0
                var scan = RowScan(base: max(base, before))
                try scan.read(database, from: options.from) { row, inPlace in
                    if inPlace == nil, options.stopsAtDamage { return }
                    guard let records = inPlace ?? row.records else {
                        try take(Self.line(damaged: row))
                        return
                    }
                    let sum = inPlace == nil ? "right, after damage" : "right"
                    try records.after(before)?.forEach { number, bytes throws(JournalError) in
                        try take(Self.line(number, bytes, sum, options))
                        summary.records += 1
                    }
                }
                summary.damage = scan.damage?.reason
                summary.last = scan.chain.last
            }
        }
        return summary
    }

    /// From now on the transaction sees what is stored now, and nothing that comes later.
    static func begin(_ database: Database) throws {
        _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master")
    }

    private static func line(
        _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ sum: String,
        _ options: ExportOptions
    ) -> String {
        let head = #"{"sequence":\#(number),"length":\#(bytes.count),"sum":"\#(sum)","#
        if let text = options.describe?(number, bytes) { return head + #""record":\#(text)}"# }
        return head + #""bytes":"\#(Data(bytes).base64EncodedString())"}"#
    }

    private static func line(damaged row: StoredRow) -> String {
        #"{"sequence":\#(row.first),"records":\#(row.count),"length":\#(row.bytes.count),"#
            + #""sum":"wrong","bytes":"\#(Data(row.bytes).base64EncodedString())"}"#
    }
}
