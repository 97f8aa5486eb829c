import FanfoldJournal
@preconcurrency import Glibc

// Appends to a journal until it is killed, and says after each batch what is stored.
//
// Usage: JournalWriter FOLDER SEED [BATCHES]; it ends by itself after so many.  Lines of output: "recovered LAST", then "LAST" for each batch.
// Record number N is `WrittenRecord.bytes(N)`; so a reader knows what must be there.
setvbuf(stdout, nil, _IONBF, 0)
let arguments = CommandLine.arguments
guard arguments.count >= 3, var state = UInt64(arguments[2]) else { exit(2) }
let batches = arguments.count > 3 ? UInt64(arguments[3]) ?? 0 : UInt64.max
do throws(JournalError) {
    let journal = try Journal.open(folder: arguments[1])
    let report = try journal.recover { _ in }
    print("recovered \(report.last)")
    for _ in 0..<batches {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        var batch = RecordBatch()
        for number in 1...(1 + state >> 33 % 40) {
            batch.add(WrittenRecord.bytes(journal.last + number))
        }
        let run = RunEntry(
            id: "run", name: "", state: "running", submitted: 0,
            summary: "\(journal.last + UInt64(batch.count))")
        let last = try journal.append(batch, with: [.putRun(run)])
        print(last)
        if state >> 40 % 16 == 0 {
            try journal.snapshot(WrittenRecord.bytes(last), upTo: last)
        }
    }
} catch {
    fputs("error: \(error)\n", stderr)
    exit(1)
}
