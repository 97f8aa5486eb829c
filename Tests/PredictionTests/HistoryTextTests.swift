import FanfoldPrediction
import Testing

struct HistoryTextTests {
    private func entry(
        _ taskClass: String, numbers: [String: Double] = [:], words: [String: String] = [:],
        used: Quantities = Quantities(memory: 1e9)
    ) -> HistoryEntry {
        HistoryEntry(
            run: "7", endedMilliseconds: 1_790_000_000_000, outcome: .succeeded,
            given: Quantities(cpu: 2, memory: 2e9),
            row: HistoryRow(
                taskClass: taskClass, features: Features(numbers: numbers, words: words),
                requested: Quantities(memory: 4e9), used: used))
    }

    private func text(_ entries: [HistoryEntry]) -> String {
        ([HistoryText.header] + entries.map(HistoryText.line)).joined(separator: "\n") + "\n"
    }

    @Test func `a history that is written is read as it was`() throws {
        let entries = [
            entry("sort/align"),
            entry(
                "with, comma and \"quotes\"\nand a line",
                numbers: ["inputBytes": 1.5e12, "a=b;c%": 0.1],
                words: ["model": "bert=large;x\n", "é": "ü"]),
            entry("all", used: Quantities(runtime: 0.25, cpu: 1.5, memory: 3, gpuMemory: 9)),
        ]
        #expect(try HistoryText.entries(text(entries)) == entries)
    }

    @Test func `what was not measured stays empty, and is not 0`() throws {
        let line = HistoryText.line(entry("t", used: Quantities()))
        #expect(line.hasSuffix(",,,,"))
        let read = try HistoryText.entries(HistoryText.header + "\n" + line)
        #expect(read[0].row.used == Quantities())
    }

    @Test func `columns come in any order, may lack, and ends of lines may be those of Windows`()
        throws
    {
        let read = try HistoryText.entries(
            "used_memory_bytes,colour,class\r\n1000,red,sort\r\n2000,,sort\r\n")
        #expect(read.map { $0.row.used[.memory] } == [1000, 2000])
        #expect(read.allSatisfy { $0.outcome == .succeeded && $0.row.taskClass == "sort" })
    }

    @Test(arguments: [
        ("name\nx\n", "line 1: wanted a header with the column `class`, found [\"name\"]"),
        ("class,used_cores\nsort\n", "line 2: wanted 2 fields as in the header, found 1"),
        (
            "class,used_cores\nsort,1\nsort,many\n",
            "line 3: used_cores: wanted a number, found \"many\""
        ),
        ("class\n\"sort\n", "line 3: wanted a closing quote, found the end"),
        (
            "class,outcome\nsort,lost\n",
            "line 2: outcome: wanted succeeded, out-of-memory, failed, found \"lost\""
        ),
        ("class,numbers\nsort,batch\n", "line 2: wanted name=value, found \"batch\""),
    ])
    func `a text that is no history is refused with its line`(_ text: String, _ message: String) {
        let refusal = #expect(throws: HistoryText.Refusal.self) {
            try HistoryText.entries(text)
        }
        #expect(refusal?.description == message)
    }

    @Test func `an attempt that ran out of memory teaches nothing of what it would have used`() {
        var predictor = Predictor()
        var failed = entry("sort")
        failed.outcome = .outOfMemory
        predictor.observe(failed)
        #expect(predictor.rows(of: "sort") == 0)
        predictor.observe(entry("sort"))
        #expect(predictor.rows(of: "sort") == 1)
    }
}
