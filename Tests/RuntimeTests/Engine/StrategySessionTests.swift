import CPluginABI
import FanfoldCore
import FanfoldPlugins
import Testing

@testable import FanfoldRuntime

@Suite struct `A strategy's session` {
    private let folder = TemporaryFolder()
    private let session: StrategySession

    init() throws {
        let run = try EngineFixture.prepare(
            EngineFixture.oneTask("run: {use: noop}"), in: folder)
        session = StrategySession(
            task: TaskID(0),
            instance: try run.tasks[0].strategy.make(callNanoseconds: 1_000_000_000),
            inputs: run.inputs)
    }

    private func put(_ id: UInt64, _ spec: String = "", _ parts: [fan_blob] = []) -> fan_code {
        var parts = parts
        return put(id, spec, &parts)
    }

    private func put(_ id: UInt64, _ spec: String, _ parts: inout [fan_blob]) -> fan_code {
        let text = Payload(text: spec)
        return parts.withUnsafeMutableBufferPointer { parts in
            session.subtask(id: id, spec: text.bytes, parts: parts)
        }
    }

    private func result(of key: UInt64, part: UInt64 = 0) -> fan_blob {
        var blob = fan_blob()
        blob.kind = UInt32(FAN_BLOB_RESULT)
        blob.handle = Int64(bitPattern: key)
        blob.offset = part
        return blob
    }

    private func output(_ json: String, _ parts: [fan_blob] = []) -> fan_code {
        var parts = parts
        let text = Payload(text: json)
        return parts.withUnsafeMutableBufferPointer { parts in
            session.output(json: text.bytes, parts: parts)
        }
    }

    private func refusal() -> String { session.takeRefusal()?.message ?? "" }

    @Test func `ids become places and specs numbers`() {
        #expect(put(70, "", [HostBlob.items(input: 0, from: 1, count: 3)]) == FAN_OK)
        #expect(put(3, #"{"after":[70]}"#) == FAN_OK)
        let answer = session.takeAnswer()
        #expect(answer.added.map(\.spec) == [0, 1])
        #expect(answer.added.map(\.after) == [[], [0]])
        #expect(answer.declared.count == 2)
        #expect(session.takeAnswer().isEmpty)
        #expect(session.takeRefusal() == nil)
    }

    @Test func `a subtask that names a result comes after it, once`() {
        #expect(put(0) == FAN_OK)
        #expect(put(1) == FAN_OK)
        #expect(put(2, #"{"after":[0]}"#, [result(of: 1), result(of: 0)]) == FAN_OK)
        #expect(session.takeAnswer().added.last?.after == [0, 1])
    }

    @Test func `an id that was used is refused`() {
        #expect(put(5) == FAN_OK)
        #expect(put(5) == FAN_EXISTS)
        #expect(refusal().contains("the subtask id 5 twice"))
        #expect(session.takeAnswer().added.count == 1)
    }

    @Test func `coming after a subtask that is not known is refused`() {
        #expect(put(0, #"{"after":[8]}"#) == FAN_NOT_FOUND)
        #expect(refusal().contains("after 8, which is not known"))
    }

    @Test(arguments: [(0, 3, 2), (0, 5, 0), (1, 0, 1), (-1, 0, 1), (0, 0, Int.max)])
    func `items that are not in an input are refused`(input: Int, from: Int, count: Int) {
        let part = HostBlob.items(input: input, from: from, count: count)
        #expect(put(0, "", [part]) == FAN_INVALID)
        #expect(refusal().contains("input"))
        #expect(put(0) == FAN_OK, "the id was not used")
    }

    @Test func `no items at the end of an input are items`() {
        #expect(put(0, "", [HostBlob.items(input: 0, from: 4, count: 0)]) == FAN_OK)
    }

    @Test func `a result that is not known, and a second part of one, are refused`() {
        #expect(put(0, "", [result(of: 0)]) == FAN_INVALID)
        #expect(refusal().contains("result of 0, which is not known"))
        #expect(put(0) == FAN_OK)
        #expect(put(1, "", [result(of: 0, part: 1)]) == FAN_INVALID)
        #expect(refusal().contains("part 1 of the result of 0"))
    }

    @Test func `parts that are refused stay with the strategy`() {
        let lent = LentPayload(Payload(text: "abc").whole, format: .lines)
        var parts = [lent.lend(), HostBlob.items(input: 9, from: 0, count: 1)]
        #expect(put(0, "", &parts) == FAN_INVALID)
        #expect(parts[0].release != nil)
        #expect(parts[0].size == 3)
        HostBlob.release(&parts[0])
    }

    @Test func `bytes without an address and kinds without bytes are refused`() {
        var nowhere = fan_blob()
        nowhere.kind = UInt32(FAN_BLOB_BYTES)
        nowhere.size = 4
        #expect(put(0, "", [nowhere]) == FAN_INVALID)
        var unknown = fan_blob()
        unknown.kind = 77
        #expect(put(0, "", [unknown]) == FAN_INVALID)
        #expect(output("", [unknown]) == FAN_INVALID)
        #expect(output("", [HostBlob.items(input: 0, from: 0, count: 1)]) == FAN_INVALID)
    }

    @Test func `the first refusal is the one that is told, once`() {
        _ = session.withdraw(4)
        _ = put(0, "[")
        #expect(refusal().contains("withdrew the subtask 4"))
        #expect(session.takeRefusal() == nil)
    }

    @Test func `an output is taken by reference, with its format and reports`() {
        let lent = LentPayload(Payload(text: "abc").whole, format: .lines)
        #expect(output(#"{"format":"lines","report":{"a":1}}"#, [lent.lend()]) == FAN_OK)
        let put = session.takeAnswer().output
        #expect(put.format == .lines)
        #expect(put.reports == [["a": 1]])
        #expect(put.pieces.first?.payload === lent.slice.payload)
    }

    @Test func `an output that says something else than JSON, or an unknown format, is refused`() {
        #expect(output("{") == FAN_INVALID)
        #expect(refusal().contains("not JSON"))
        #expect(output(#"{"format":"xml"}"#) == FAN_INVALID)
        #expect(refusal().contains("\"xml\""))
    }
}
