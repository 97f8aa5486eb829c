import Foundation
import Testing

/// The results that strategies were told, as a journal says it: read from what `fanfold journal
/// export` prints, by the layout of the records and not by the code that wrote them.
struct ToldResults {
    /// How often each subtask's result was told, by task and index.
    private(set) var times: [Key: Int] = [:]

    struct Key: Hashable {
        var task: UInt64
        var index: UInt64
    }

    private var parts: [UInt64: [UInt8]] = [:]

    /// Reads the journal of a coordinator that has no snapshot that took the place of records.
    init(journal: String) async throws {
        let exported = try await Fanfold.run(["journal", "export", journal], seconds: 300)
        try #require(exported.code == 0, "\(exported.errors)")
        for line in exported.output.split(separator: UInt8(ascii: "\n")) {
            let record = try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
            let text = try #require(record?["bytes"] as? String)
            try take([UInt8](try #require(Data(base64Encoded: text))))
        }
    }

    /// Expects that each of so many subtasks of a task was told of exactly once.
    func expectOnce(_ subtasks: Int, task: UInt64 = 0) {
        let told = times.filter { $0.key.task == task }
        let wrong = told.filter { $0.value != 1 || $0.key.index >= UInt64(subtasks) }
        #expect(told.count == subtasks && wrong.isEmpty, "\(told.count) told, wrong: \(wrong)")
    }

    private mutating func take(_ record: [UInt8]) throws {
        var reader = Reader(bytes: record[...])
        let kind = try reader.byte()
        guard kind == 4 || kind == 6 else { return }
        let task = try reader.number()
        let bytes = try reader.counted()
        guard kind == 4 else { return parts[task, default: []] += bytes }
        var call = Reader(bytes: ((parts.removeValue(forKey: task) ?? []) + bytes)[...])
        guard try call.byte() == 3 else { return }
        for _ in 0..<(try call.number()) {
            times[Key(task: task, index: try call.number()), default: 0] += 1
            _ = try call.counted()  // the worker
            for _ in 0..<5 { _ = try call.number() }  // attempt, items, time, bytes in and out
            _ = try call.counted()  // the format
            if try call.byte() == 1 { try call.skip(32) } else { _ = try call.counted() }
        }
        #expect(call.bytes.isEmpty)
    }

    /// Numbers are LEB128, texts have their length before them.
    private struct Reader {
        var bytes: ArraySlice<UInt8>

        mutating func byte() throws -> UInt8 {
            let first = bytes.popFirst()
            return try #require(first)
        }

        mutating func number() throws -> UInt64 {
            var (value, shift) = (UInt64(0), UInt64(0))
            while true {
                let byte = try byte()
                value |= UInt64(byte & 127) << shift
                if byte < 128 { return value }
                shift += 7
            }
        }

        mutating func counted() throws -> ArraySlice<UInt8> {
            let count = Int(try number())
            try #require(bytes.count >= count)
            defer { bytes = bytes.dropFirst(count) }
            return bytes.prefix(count)
        }

        mutating func skip(_ count: Int) throws {
            try #require(bytes.count >= count)
            bytes = bytes.dropFirst(count)
        }
    }
}
