import PluginKit
import Testing

@testable import Rows

@Test func `every item is in one subtask, and results keep the order of the items`() throws {
    let input = InputDescription(name: "text", format: "lines", items: 10)
    let sink = RecordingSink()
    var rows = try Rows(
        task: TaskDescription(name: "shout", inputs: [input]), configuration: .init(items: 4))
    #expect(try rows.split(want: 2, into: sink) == .more)
    #expect(try rows.split(want: 9, into: sink) == .end)
    let slices = sink.subtasks.map { subtask in
        if case .items(_, let from, let count) = subtask.parts[0] { from..<from + count } else { 0..<0 }
    }
    #expect(slices == [0..<4, 4..<8, 8..<10])
    for id: UInt64 in [2, 0, 1] {
        try rows.onResult(SubtaskResult(subtask: id, parts: [Blob(["\(id)".utf8.first!])]), into: sink)
    }
    try rows.finish(into: sink)
    let bytes = sink.outputs.flatMap(\.parts).flatMap { part in
        if case .blob(let blob) = part { blob.bytes } else { [UInt8]() }
    }
    #expect(bytes == Array("012".utf8))
}
